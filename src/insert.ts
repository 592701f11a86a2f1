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

/** Milliseconds. */
const NOW = "trunc(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now";

const TAKE_IDS = `SELECT nextval('items_id_seq')::float8 AS id, ${NOW} FROM generate_series(1, $1)`;

const CREATED_AT = `to_char(max(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS "createdAt"`;

const SENT = "unnest($1::bigint[], $2::text[], $3::text[]) AS sent (id, name, description)";

/**
 * After $4, by the database's clock, it stores nothing: so none that waited for a lock comes late. It takes an id along
 * for the next item, which then needs no round trip for one.
 */
const INSERT = `
  WITH stored AS (
    INSERT INTO items (id, name, description) SELECT id, name, description FROM ${SENT}
    WHERE (SELECT clock_timestamp() < to_timestamp($4::float8 / 1000)) RETURNING created_at
  )
  SELECT ${CREATED_AT}, count(*)::int, nextval('items_id_seq')::float8 AS next, ${NOW} FROM stored`;

const FIND = `
  SELECT ${CREATED_AT}, count(*)::int FROM items JOIN ${SENT} USING (id)
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
  const taken = await connection.query<{ id: number; now: number }>(TAKE_IDS, [count]);
  return { ids: taken.map(({ id }) => id), ahead: aheadOf(taken[0]?.now ?? 0) };
}

/** How far the database's clock is ahead of ours: at least so far, since its answer took time. Milliseconds. */
const aheadOf = (now: number) => now - Date.now();

/** Inserts once. Resolves to undefined when other rows have the ids. */
async function store(
  connection: Connection,
  ids: readonly number[],
  items: readonly Item[],
  until: number,
  repeated: boolean,
): Promise<string | undefined> {
  const values = [ids, items.map(({ name }) => name), items.map(({ description }) => description)];
  type Row = { createdAt: string; count: number; next: number; now: number };
  try {
    const [row] = await connection.query<Row>(INSERT, [...values, until]);
    if (row?.count !== items.length) throw new TimeoutError("the insert came after the deadline");
    connection.reserved = { id: row.next, ahead: aheadOf(row.now) };
    return row.createdAt;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
  // The first insert had committed, and only its answer was lost, if the rows are there as they were sent.
  const [found] = repeated ? await connection.query<Row>(FIND, values) : [];
  return found?.count === items.length ? found.createdAt : undefined;
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && Object(error.cause).code === "23505";
}
