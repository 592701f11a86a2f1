import type { Call } from "./call.ts";
import type { Connection, Database } from "./database.ts";
import { TimeoutError } from "./deadline.ts";
import { DatabaseError } from "./faults.ts";
import type { Item } from "./items.ts";

/** What the database made of the items, in their order. */
export interface Stored {
  ids: number[];
  /** RFC 3339 with microseconds; the same for all rows of a statement. */
  createdAt: string;
}

const inUtc = (time: string) => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')`;

const TAKE_IDS = `
  SELECT array_agg(nextval('items_id_seq'))::text AS ids, ${inUtc("clock_timestamp()")} AS now FROM generate_series(1, $1)`;

/** With an id for the next item, which then needs no round trip for one. */
const NEXT = "nextval('items_id_seq')::float8 AS next";

/** After $4, by the database's clock, nothing is stored: so no insert that waited for a lock comes late. */
const IN_TIME = "clock_timestamp() < to_timestamp($4::float8 / 1000)";

const INSERT_ONE = `
  INSERT INTO items (id, name, description) SELECT $1, $2, $3 WHERE ${IN_TIME}
  RETURNING ${inUtc("created_at")} AS "createdAt", 1 AS count, ${NEXT}`;

const SENT = "unnest($1::bigint[], $2::text[], $3::text[]) AS sent (id, name, description)";

/** In time, or not, as a whole: hence the inner SELECT. */
const INSERT = `
  WITH stored AS (
    INSERT INTO items (id, name, description) SELECT id, name, description FROM ${SENT} WHERE (SELECT ${IN_TIME})
    RETURNING created_at
  )
  SELECT ${inUtc("max(created_at)")} AS "createdAt", count(*)::int, ${NEXT} FROM stored`;

const FIND = `
  SELECT ${inUtc("max(created_at)")} AS "createdAt", count(*)::int FROM items JOIN ${SENT} USING (id)
  WHERE items.name = sent.name AND items.description IS NOT DISTINCT FROM sent.description`;

/**
 * Stores all items or none, each once, however often a connection breaks: ids are taken first, so that an insert may be
 * repeated with them.
 */
export async function insert(database: Database, items: readonly Item[], call: Call): Promise<Stored> {
  for (let take = items.length; ; take *= 2) {
    const { ids, ahead } = await database.run(call, "insert", (connection) => takeIds(connection, take));
    ids.splice(0, ids.length - items.length);
    const until = Date.now() + ahead + call.deadline.left;
    const createdAt = await database.run(call, "insert", (connection, repeated) =>
      store(connection, ids, items, until, repeated),
    );
    if (createdAt !== undefined) return { ids, createdAt };
    call.log.warn("the sequence is behind the table, so other ids are taken", {
      remedy: "SELECT setval('items_id_seq', (SELECT max(id) FROM items))",
    });
  }
}

async function takeIds(connection: Connection, count: number): Promise<{ ids: number[]; ahead: number }> {
  const { reserved } = connection;
  if (reserved && count === 1) {
    connection.reserved = undefined;
    return { ids: [reserved.id], ahead: reserved.ahead };
  }
  const [taken] = await connection.query<{ ids: string; now: string }>(TAKE_IDS, [count]);
  return { ids: JSON.parse(`[${taken?.ids.slice(1, -1)}]`), ahead: aheadOf(taken?.now ?? "") };
}

/** How far the database's clock is ahead of ours: at least so far, since its answer took time. Milliseconds. */
const aheadOf = (now: string) => Date.parse(now) - Date.now();

/** Inserts once. Resolves to undefined when other rows have the ids. */
async function store(
  connection: Connection,
  ids: readonly number[],
  items: readonly Item[],
  until: number,
  repeated: boolean,
): Promise<string | undefined> {
  type Row = { createdAt: string; count: number; next: number };
  const [item] = items;
  const columns = () => [`{${ids}}`, items.map(({ name }) => name), items.map(({ description }) => description)];
  try {
    const [row] =
      item && items.length === 1
        ? await connection.query<Row>(INSERT_ONE, [ids[0], item.name, item.description, until])
        : await connection.query<Row>(INSERT, [...columns(), until]);
    if (row?.count !== items.length) throw new TimeoutError("the insert came after the deadline");
    connection.reserved = { id: row.next, ahead: aheadOf(row.createdAt) };
    return row.createdAt;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
  // The first insert had committed, and only its answer was lost, if the rows are there as they were sent.
  const [found] = repeated ? await connection.query<Row>(FIND, columns()) : [];
  return found?.count === items.length ? found.createdAt : undefined;
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && Object(error.cause).code === "23505";
}
