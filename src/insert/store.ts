import type { Connection } from "../database/connection.ts";
import { DeadlineError } from "../deadline.ts";
import type { Item } from "../delivery/items.ts";
import type { Key } from "../delivery/keys.ts";
import type { Reject } from "../delivery/rejects.ts";
import { answerOf, TableError } from "../faults/errors.ts";
import { type Ids, idOf, type Surroundings, surroundingsOf } from "./ids.ts";
import { arrayOf, arrayOfBytes, type Rows, rowsOf } from "./rows.ts";
import { IN_TIME, insertChecked, insertMany, insertOne, NOT_STORED } from "./statements.ts";

/** What the database made of an item: of the columns that it did not bring, the text. */
export type Made = Readonly<Record<string, unknown>>;

type OneRow = Made & { id: string; "next id": string | null };

/** Names with a blank, so that they are hardly a column's. */
type Checked = Made & { "in time": boolean; "not stored"?: null };

interface Insert {
  items: readonly Item[];
  /** Of the items, as arrays where there are several. */
  rows: readonly Rows[];
  ids: Ids;
  keys: readonly Key[];
  rejects: readonly Reject[];
  /** By the database's clock. Milliseconds since 1970. */
  until: number;
}

/**
 * Inserts all or nothing, in one statement. A connection of which nothing is known gets the statement that is right for any
 * table.
 *
 * @returns what the database made of a single item
 * @throws {DeadlineError} when the statement came too late, and stored nothing
 * @throws {TableError} when there was time, and the table kept rows from being stored
 */
export async function store(connection: Connection, insert: Insert): Promise<Made> {
  const surroundings = surroundingsOf(connection);
  const { items, rows, keys, rejects } = insert;
  if (surroundings && !surroundings.guarded && rows.length === 1 && rejects.length === 0) {
    if (items.length === 1) return storeOne(connection, insert, surroundings);
    if (keys.length === 0) return storeMany(connection, insert);
  }
  const made = await storeChecked(connection, insert);
  // The id is used, and this statement takes no other along.
  if (surroundings?.reserved === insert.ids) surroundings.reserved = undefined;
  return made;
}

async function storeOne(connection: Connection, insert: Insert, surroundings: Surroundings): Promise<Made> {
  const [{ columns, values }] = insert.rows as [Rows];
  const [key] = insert.keys;
  const { name, text } = insertOne(columns, key !== undefined);
  const { rows } = await connection.query<OneRow>(
    text,
    [insert.ids.ids[0], ...values, insert.until, surroundings.sequence, ...(key ? [key.text, key.fingerprint] : [])],
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

/** Why rows are missing: they came too late, or, where there is time even now, the table kept them away. */
async function shortOf(connection: Connection, { until }: Insert): Promise<Error> {
  const { rows } = await connection.query<{ inTime: boolean }>(IN_TIME, [until]);
  return rows[0]?.inTime ? new TableError("NOT_STORED") : new DeadlineError("the insert came after the deadline");
}

/** The statement for any kind of insert. */
export async function storeChecked(connection: Connection, insert: Insert): Promise<Made> {
  const { items, keys, rejects, ids } = insert;
  const single = items.length === 1;
  const groups = single ? rowsOf(items, true) : insert.rows;
  const values = [
    ...groups.flatMap(({ places, values }) => [`{${places?.map((place) => ids.ids[place]) ?? ids.ids}}`, ...values]),
    ...(keys.length > 0 ? valuesOfKeys(keys, ids, single) : []),
    ...(rejects.length > 0 ? valuesOfRejects(rejects) : []),
  ];
  try {
    const { guarded = true } = surroundingsOf(connection) ?? {};
    const beside = { keyed: keys.length > 0, rejecting: rejects.length > 0 };
    const text = insertChecked({ groups: groups.map(({ columns }) => columns), single, guarded, ...beside });
    const result = await connection.query<Checked>(text, [insert.until, ...values]);
    const [{ "in time": inTime, "not stored": _, ...made }] = result.rows as [Checked];
    if (!inTime) throw new DeadlineError("the insert came after the deadline");
    return made;
  } catch (error) {
    throw answerOf(error)?.message.includes(NOT_STORED) ? new TableError("NOT_STORED") : error;
  }
}

function valuesOfKeys(keys: readonly Key[], { ids }: Ids, single: boolean): string[] {
  const own = [arrayOf(keys.map(({ text }) => text)), arrayOfBytes(keys.map(({ fingerprint }) => fingerprint))];
  // What it made of a single row is stored along, and its id is taken from there.
  return single ? own : [...own, arrayOf(keys.map(({ covers }) => `{${covers.map((item) => ids[item])}}`))];
}

/** One that comes twice is one row, which a statement may not change twice; and in order, as keys are. */
function valuesOfRejects(given: readonly Reject[]): string[] {
  const byKey = new Map(given.map((reject) => [reject.key, reject]));
  const rejects = Array.from(byKey.values()).sort(({ key }, other) => (key < other.key ? -1 : 1));
  return [
    arrayOf(rejects.map(({ key }) => key)),
    arrayOf(rejects.map(({ source }) => source)),
    arrayOfBytes(rejects.map(({ content }) => content.toString("hex"))),
    arrayOf(rejects.map(({ errors }) => errors)),
  ];
}
