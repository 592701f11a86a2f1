import type { Call } from "./call.ts";
import type { Connection, Database, Reservation } from "./database.ts";
import { DeadlineError } from "./deadline.ts";
import { PostgresError } from "./faults.ts";
import type { Item } from "./items.ts";

/** What the database made of the items, in their order. */
export interface Stored {
  ids: number[];
  /** Of a single item. RFC 3339 with microseconds. */
  createdAt: string | undefined;
}

const inUtc = (time: string) => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')`;

const TAKE_IDS = `
  SELECT array_agg(nextval('items_id_seq'))::text AS ids, ${inUtc("clock_timestamp()")} AS now, pg_backend_pid() AS backend
  FROM generate_series(1, $1)`;

/** After $4, by the database's clock, nothing is stored: so no insert that waited for a lock comes late. */
const IN_TIME = "WHERE clock_timestamp() < to_timestamp($4::float8 / 1000)";

/** Takes an id for the next item along, which then needs no round trip for one. */
const INSERT_ONE = `
  INSERT INTO items (id, name, description) SELECT $1::bigint, $2, $3 ${IN_TIME}
  RETURNING ${inUtc("created_at")} AS "createdAt", nextval('items_id_seq')::float8 AS next`;

/** In time, or not, as a whole: the condition comes before the rows. */
const INSERT = `
  INSERT INTO items (id, name, description)
  SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]) ${IN_TIME}`;

const FIND = `
  SELECT ${inUtc("max(created_at)")} AS "createdAt", count(*)::int
  FROM items JOIN unnest($1::bigint[], $2::text[], $3::text[]) AS sent (id, name, description) USING (id)
  WHERE items.name = sent.name AND items.description IS NOT DISTINCT FROM sent.description`;

/**
 * Stores all items or none, each once, however often a connection breaks: ids are taken first, so that an insert may be
 * repeated with them.
 */
export async function insert(database: Database, items: readonly Item[], call: Call): Promise<Stored> {
  for (let take = items.length; ; take *= 2) {
    let taken: Reservation | undefined;
    let sent = false;
    const stored = await database.run(call, "insert", async (connection) => {
      const taking = taken ?? takeIds(connection, take);
      // Made while the ids come, a tenth of a large batch's time.
      const columns = items.length > 1 ? columnsOf(items) : undefined;
      taken = await taking;
      const ids = taken.ids.slice(-items.length);
      const until = Date.now() + taken.ahead + call.deadline.left;
      const repeated = sent;
      sent = true;
      return store(connection, ids, items, columns, until, repeated);
    });
    if (stored) return stored;
    call.log.warn("the sequence is behind the table, so other ids are taken", {
      remedy: "SELECT setval('items_id_seq', (SELECT max(id) FROM items))",
    });
  }
}

async function takeIds(connection: Connection, count: number): Promise<Reservation> {
  // The insert that uses it reserves the next.
  if (connection.reserved && count === 1) return connection.reserved;
  type Row = { ids: string; now: string; backend: number };
  const { rows } = await connection.query<Row>(TAKE_IDS, [count]);
  const [{ ids, now, backend }] = rows as [Row];
  connection.direct = backend === connection.backend;
  return { ids: JSON.parse(`[${ids.slice(1, -1)}]`), ahead: aheadOf(now) };
}

const aheadOf = (now: string) => Date.parse(now) - Date.now();

/** Names and descriptions as PostgreSQL's array literals. */
function columnsOf(items: readonly Item[]): [names: string, descriptions: string] {
  const literal = (texts: (string | null)[]) =>
    `{${texts.map((text) => (text === null ? "NULL" : `"${text.replace(/["\\]/g, "\\$&")}"`)).join()}}`;
  return [literal(items.map(({ name }) => name)), literal(items.map(({ description }) => description))];
}

/** Inserts once: a batch by its columns. Resolves to undefined when other rows have the ids. */
async function store(
  connection: Connection,
  ids: number[],
  items: readonly Item[],
  columns: [string, string] | undefined,
  until: number,
  repeated: boolean,
): Promise<Stored | undefined> {
  const [item] = items;
  try {
    const { rows, rowCount } = columns
      ? await connection.query<never>(INSERT, [`{${ids}}`, ...columns, until])
      : await connection.query<{ createdAt: string; next: number }>(
          INSERT_ONE,
          [ids[0], item?.name, item?.description, until],
          connection.direct ? "insert_one" : "",
        );
    if (rowCount !== items.length) throw new DeadlineError("the insert came after the deadline");
    const [row] = rows;
    if (row) connection.reserved = { ids: [row.next], ahead: aheadOf(row.createdAt) };
    return { ids, createdAt: row?.createdAt };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
  if (!repeated) return undefined;
  // The first insert had committed, and only its answer was lost, if the rows are there as they were sent.
  const { rows } = await connection.query<{ createdAt: string; count: number }>(FIND, [
    `{${ids}}`,
    ...(columns ?? columnsOf(items)),
  ]);
  return rows[0]?.count === items.length ? { ids, createdAt: rows[0].createdAt } : undefined;
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof PostgresError && Object(error.cause).code === "23505";
}
