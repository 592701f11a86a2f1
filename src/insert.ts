import type { Call } from "./call.ts";
import type { Connection, Database } from "./database.ts";
import { DatabaseError } from "./faults.ts";
import type { Item } from "./items.ts";

/** What the database made of the items, in their order. */
export interface Stored {
  ids: number[];
  /** RFC 3339 with microseconds; the same for all rows of a statement. */
  createdAt: string;
}

const TAKE_IDS = "SELECT nextval('items_id_seq')::float8 AS id FROM generate_series(1, $1)";

const CREATED_AT = `to_char(max(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS "createdAt"`;

const SENT = "unnest($1::bigint[], $2::text[], $3::text[]) AS sent (id, name, description)";

const INSERT = `
  WITH stored AS (
    INSERT INTO items (id, name, description) SELECT id, name, description FROM ${SENT} RETURNING created_at
  )
  SELECT ${CREATED_AT}, count(*)::int FROM stored`;

const FIND = `
  SELECT ${CREATED_AT}, count(*)::int FROM items JOIN ${SENT} USING (id)
  WHERE items.name = sent.name AND items.description IS NOT DISTINCT FROM sent.description`;

/**
 * Stores all items or none, each once, however often a connection breaks: ids are taken first, so that an insert may be
 * repeated with them.
 */
export async function insert(database: Database, items: readonly Item[], call: Call): Promise<Stored> {
  for (let take = items.length; ; take *= 2) {
    const taken = await database.run(call, "insert", (connection) =>
      connection.query<{ id: number }>(TAKE_IDS, [take]),
    );
    const ids = taken.slice(-items.length).map(({ id }) => id);
    const createdAt = await database.run(call, "insert", (connection, repeated) =>
      store(connection, ids, items, repeated),
    );
    if (createdAt !== undefined) return { ids, createdAt };
    call.log.warn("the sequence is behind the table, so other ids are taken", {
      remedy: "SELECT setval('items_id_seq', (SELECT max(id) FROM items))",
    });
  }
}

/** Inserts once. Resolves to undefined when other rows have the ids. */
async function store(
  connection: Connection,
  ids: readonly number[],
  items: readonly Item[],
  repeated: boolean,
): Promise<string | undefined> {
  const values = [ids, items.map(({ name }) => name), items.map(({ description }) => description)];
  type Row = { createdAt: string; count: number };
  try {
    const [row] = await connection.query<Row>(INSERT, values);
    return row?.createdAt;
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
