import type { Column } from "../columns.ts";
import type { Item } from "../delivery/items.ts";
import { table } from "../table.ts";

const { columns } = table;
const defaulted = Object.keys(columns).filter((name) => columns[name]?.traits.includes("default"));

/** Rows of which each brings the same columns; a column that they leave out takes its default. */
export interface Rows {
  columns: readonly string[];
  /** Where in the input each row stands; undefined where all of the input is here. */
  places: readonly number[] | undefined;
  /** For each column its value, or where they are arrays its values, as PostgreSQL reads them. */
  values: readonly (string | null)[];
}

/** Groups items by the columns that they bring: mostly there is one group. Without arrays there may be one item alone. */
export function rowsOf(items: readonly Item[], arrays: boolean): Rows[] {
  if (defaulted.length === 0) return [groupOf(items, undefined, arrays)];
  const groups = Map.groupBy(items.keys(), (place) =>
    defaulted.filter((name) => (items[place] as Item)[name] === undefined).join(),
  );
  return Array.from(groups.values(), (places) =>
    groupOf(
      places.map((place) => items[place] as Item),
      places,
      arrays,
    ),
  );
}

function groupOf(items: readonly Item[], places: Rows["places"], arrays: boolean): Rows {
  const [first] = items;
  const brought = Object.keys(columns).filter((name) => first?.[name] !== undefined);
  const values = brought.map((name) => {
    const { encode } = columns[name] as Column;
    if (arrays) return arrayOf(items.map((item) => (item[name] === null ? null : encode(item[name]))));
    return first?.[name] === null ? null : encode(first?.[name]);
  });
  return { columns: brought, places, values };
}

/** As PostgreSQL's array literal. */
export function arrayOf(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"${value.replace(/["\\]/g, "\\$&")}"`)).join()}}`;
}

/** The same of bytes. */
export function arrayOfBytes(hexadecimal: readonly string[]): string {
  return `{${hexadecimal.map((value) => `"\\\\x${value}"`).join()}}`;
}
