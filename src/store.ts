import type { Connection } from "./connection.ts";
import { DeadlineError } from "./deadline.ts";
import { answerOf, TableError } from "./errors.ts";
import { type Ids, idOf, type Surroundings, surroundingsOf } from "./ids.ts";
import type { Item } from "./items.ts";
import { type Rows, rowsOf } from "./rows.ts";
import { IN_TIME, insertChecked, insertMany, insertOne, NOT_STORED } from "./statements.ts";

/** What the database made of an item: of the columns that it did not bring, the text. */
export type Made = Readonly<Record<string, unknown>>;

type OneRow = Made & { id: string; "next id": string | null };

export interface Insert {
  items: readonly Item[];
  /** Of the items, as arrays where there are several. */
  rows: readonly Rows[];
  ids: Ids;
  /** By the database's clock. Milliseconds since 1970. */
  until: number;
}

/**
 * Inserts all rows or none, in one statement. A connection of which nothing is known gets the statement that is right for
 * any table.
 *
 * @returns what the database made of a single item
 * @throws {DeadlineError} when the statement came too late, and stored nothing
 * @throws {TableError} when there was time, and the table kept rows from being stored
 */
export async function store(connection: Connection, insert: Insert): Promise<Made> {
  const surroundings = surroundingsOf(connection);
  if (!surroundings || surroundings.guarded || insert.rows.length > 1) return storeChecked(connection, insert);
  if (insert.items.length === 1) return storeOne(connection, insert, surroundings);
  return storeMany(connection, insert);
}

async function storeOne(connection: Connection, insert: Insert, surroundings: Surroundings): Promise<Made> {
  const [{ columns, values }] = insert.rows as [Rows];
  const { name, text } = insertOne(columns);
  const { rows } = await connection.query<OneRow>(
    text,
    [insert.ids.ids[0], ...values, insert.until, surroundings.sequence],
    surroundings.direct ? name : "",
  );
  const [row] = rows;
  if (!row) throw await shortOf(connection, insert);
  const next = row["next id"];
  // Its age is that of the ids before it, so that none is reserved for ever.
  surroundings.reserved = next === null ? undefined : { ...insert.ids, ids: [idOf(next)] };
  return row;
}

async function storeMany(connection: Connection, insert: Insert): Promise<Made> {
  const [{ columns, values }] = insert.rows as [Rows];
  const { ids, series } = insert.ids;
  const parameters = [series ? ids[0] : `{${ids}}`, ...values, insert.until, ...(series ? [ids.at(-1)] : [])];
  const { rowCount } = await connection.query(insertMany(columns, series), parameters);
  if (rowCount !== insert.items.length) throw await shortOf(connection, insert);
  return {};
}

/** Too late, or kept from being stored: where there is time still, there was. */
async function shortOf(connection: Connection, { until }: Insert): Promise<Error> {
  const { rows } = await connection.query<{ inTime: boolean }>(IN_TIME, [until]);
  return rows[0]?.inTime ? new TableError("NOT_STORED") : new DeadlineError("the insert came after the deadline");
}

async function storeChecked(connection: Connection, { items, rows, ids, until }: Insert): Promise<Made> {
  const groups = items.length === 1 ? rowsOf(items, true) : rows;
  const values = groups.flatMap(({ places, values }) => [
    `{${places?.map((place) => ids.ids[place]) ?? ids.ids}}`,
    ...values,
  ]);
  try {
    const text = insertChecked(groups.map(({ columns }) => columns));
    const result = await connection.query<Made & { inTime: boolean }>(text, [until, ...values]);
    const [{ inTime, ...made }] = result.rows as [Made & { inTime: boolean }];
    if (!inTime) throw new DeadlineError("the insert came after the deadline");
    return made;
  } catch (error) {
    throw answerOf(error)?.message.includes(NOT_STORED) ? new TableError("NOT_STORED") : error;
  }
}
