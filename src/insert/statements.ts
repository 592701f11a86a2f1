import type { Column } from "../columns.ts";
import { KEYS, literal, quoted, REJECTED, TABLE } from "../names.ts";
import { table } from "../table.ts";
import { GUARDED, ID_IS_FIRST, ID_IS_UNIQUE, SEQUENCE } from "./catalog.ts";

const { columns } = table;

/** The database's clock. Milliseconds since 1970. */
const NOW = "1000 * date_part('epoch', clock_timestamp())";

const isFree = (id: string) => `(SELECT true FROM ${TABLE} AS known WHERE known.id = ${id}) IS NULL`;

/**
 * Takes $1 ids and looks whether a row has one of them: mostly the sequence is ahead of the table. Where nobody else took ids
 * in between, the first tells them all. On a connection of which nothing is known the sequence is looked up on the way, else it
 * is $2. It has a name with blanks, since it would hide a table of the same name in the rest.
 */
const takeIds = (isKnown: boolean) => `
  ${isKnown ? "" : `WITH "sequence of id" AS MATERIALIZED (SELECT ${SEQUENCE} AS oid)`}
  SELECT CASE WHEN ids[$1] - ids[1] = $1 - 1 THEN NULL ELSE ids::text END AS ids, ids[1]::text AS first, EXISTS (SELECT FROM ${TABLE} AS known WHERE known.id BETWEEN SYMMETRIC ids[1] AND ids[$1]) AS used,
    ${isKnown ? "" : `(SELECT oid::text FROM "sequence of id") AS sequence, ${ID_IS_UNIQUE} AS "idIsUnique", ${ID_IS_FIRST} AS "idIsFirst", pg_backend_pid() AS backend,`}
    ${GUARDED} AS guarded, ${NOW} AS now
  FROM (
    SELECT array_agg(nextval(${isKnown ? "$2" : '(SELECT oid FROM "sequence of id")'}::regclass)) AS ids FROM generate_series(1, $1::int)
  ) AS taken`;

export const TAKE_IDS = takeIds(true);
export const TAKE_FIRST_IDS = takeIds(false);

/**
 * The ids in $1 that no row has, filled up from the sequence $2 to the number of $1. A set of rows in a target list, unlike
 * one in FROM, is made row by row, as far as it is needed.
 */
export const TAKE_FREE_IDS = `
  SELECT array_agg(id)::text AS ids
  FROM (
    SELECT id
    FROM (
      SELECT unnest($1::bigint[]) AS id
      UNION ALL SELECT nextval($2::regclass) FROM (SELECT generate_series(1, 9223372036854775807)) AS without_end
    ) AS further
    WHERE ${isFree("further.id")}
    LIMIT cardinality($1::bigint[])
  ) AS free`;

/** After the time in the parameter, by the database's clock, nothing is stored: so no insert that waited for a lock comes late. */
const inTime = (parameter: string) => `clock_timestamp() < to_timestamp(${parameter}::float8 / 1000)`;

/** For an operator to run. Never sets it back, since an id that was taken may be on its way into the table. */
export function setSequence(oid: string): string {
  return `SELECT setval('${oid}', greatest(nextval('${oid}'), (SELECT max(id) FROM ${TABLE})))`;
}

/** Whether there was time until $1. */
export const IN_TIME = `SELECT ${inTime("$1")} AS "inTime"`;

export function insertInto(names: readonly string[]): string {
  return `INSERT INTO ${TABLE} (${["id", ...names].map(quoted).join(", ")}) OVERRIDING SYSTEM VALUE`;
}

/** The columns that the database made, each as text. */
export function made(names: readonly string[]): string[] {
  const own = Object.entries(columns).filter(([name]) => !names.includes(name));
  return own.map(([name, { read }]) => `${read(`${TABLE}.${quoted(name)}`)} AS ${quoted(name)}`);
}

function madeNames(names: readonly string[]): string[] {
  return Object.keys(columns).filter((name) => !names.includes(name));
}

/** Those that an item may bring. */
export const accepted = Object.keys(columns).filter((name) => !columns[name]?.traits.includes("generated"));

/** Those that every item has once it is read, if only as null; the others may take a default. */
export const columnsOfEvery = accepted.filter((name) => !columns[name]?.traits.includes("default"));

export const typeOf = (name: string) => (name === "id" ? "bigint" : (columns[name] as Column).base);

/** A statement and the name to prepare it under. */
interface Prepared {
  name: string;
  text: string;
}

const prepared = new Map<string, Prepared>();

/**
 * One row: $1 is its id, then come its values, the time and the sequence, and the text and the fingerprint of its key where it
 * has one. Takes a free id for the next row along, which then needs no round trip for one.
 */
export function insertOne(names: readonly string[], keyed: boolean): Prepared {
  const key = `${keyed}:${names}`;
  const statement = prepared.get(key) ?? { name: `insert_${prepared.size}`, text: insertOneText(names, keyed) };
  prepared.set(key, statement);
  return statement;
}

function insertOneText(names: readonly string[], keyed: boolean): string {
  const values = ["id", ...names].map((name, index) => `$${index + 1}::${typeOf(name)}`);
  const after = (place: number) => `$${values.length + place}`;
  const [until, sequence, key, fingerprint] = [after(1), after(2), after(3), after(4)];
  const next = `SELECT next.id::text FROM (SELECT nextval(${sequence}::regclass) AS id) AS next WHERE ${isFree("next.id")}`;
  const insert = `${insertInto(names)} SELECT ${values.join(", ")} WHERE ${inTime(until)}`;
  if (!keyed) return `${insert} RETURNING ${["id::text", ...made(names), `(${next}) AS "next id"`].join(", ")}`;
  // Names with blanks: these would hide a table of the same name in the rest.
  return `
    WITH "stored row" AS (${insert} RETURNING ${["id", ...made(names)].join(", ")}),
      "key of it" AS (${insertKeyOf('"stored row"', names, `${key}::text`, `decode(${fingerprint}, 'hex')`)})
    SELECT ${["id::text", ...madeNames(names).map(quoted), `(${next}) AS "next id"`].join(", ")} FROM "stored row"`;
}

/** The key of a single row, with what the database made of it: so that its answer can be given again, whatever becomes of it. */
function insertKeyOf(rows: string, names: readonly string[], key: string, fingerprint: string): string {
  // Of arrays, since a function has 100 arguments at most.
  const own = madeNames(names);
  const object = `jsonb_object(ARRAY[${own.map(literal).join(", ")}]::text[], ARRAY[${own.map(quoted).join(", ")}]::text[])`;
  return `INSERT INTO ${KEYS} (key, fingerprint, ids, made)
      SELECT ${key}, ${fingerprint}, ARRAY[id], ${object} FROM ${rows}`;
}

/**
 * Rows of the same columns, in time or not, as a whole: the condition comes before the rows. $1 is their ids, or of a series
 * the first, and the last comes at the end.
 */
export function insertMany(names: readonly string[], series: boolean): string {
  const until = names.length + 2;
  const ids = series ? `generate_series($1::bigint, $${until + 1}::bigint)` : "unnest($1::bigint[])";
  const values = names.map((name, index) => `unnest($${index + 2}::${typeOf(name)}[])`);
  return `${insertInto(names)} SELECT ${[ids, ...values].join(", ")} WHERE ${inTime(`$${until}`)}`;
}

/** In PostgreSQL's message, where rows were kept from being stored and all is taken back. */
export const NOT_STORED = "not stored as sent";

/** What an insert of any kind is made of. */
interface Parts {
  /** The columns of each group of rows. */
  groups: readonly (readonly string[])[];
  /** Whether there is one row alone. */
  single: boolean;
  keyed: boolean;
  rejecting: boolean;
  /** Whether rows may be kept from being stored, and nobody told. */
  guarded: boolean;
}

/**
 * Rows of whatever kind, that a trigger may keep from being stored, with keys and rejects: all of it or nothing. It counts the
 * rows that are there with their ids, and fails where one is missing. $1 is the time, then come the ids and values of each
 * group; texts, fingerprints and ids of the keys; keys, sources, contents and errors of the rejects.
 */
export function insertChecked({ groups, single, keyed, rejecting, guarded }: Parts): string {
  let parameter = 1;
  const next = (type: string) => `$${++parameter}::${type}[]`;
  const each = (...types: string[]) => types.map((type) => `unnest(${next(type)})`).join(", ");
  const inserts: string[] = [];
  const counts: string[] = [];
  const ifInTime = "WHERE (SELECT in_time FROM clock)";
  // Keys come first, so that an insert which waits for another's, or is refused for it, has stored nothing yet.
  const afterKeys = keyed && !single ? "AND (SELECT count(*) FROM keyed) >= 0" : "";
  for (const [index, names] of groups.entries()) {
    const ids = next("bigint");
    const values = names.map((name) => each(typeOf(name)));
    inserts.push(`rows_${index} AS (
      ${insertInto(names)} SELECT ${[`unnest(${ids})`, ...values].join(", ")} ${ifInTime} ${afterKeys}
      RETURNING ${["id", ...(single ? made(names) : [])].join(", ")})`);
    if (guarded)
      counts.push(
        `(SELECT count(*) FROM rows_${index} JOIN unnest(${ids}) AS sent (id) USING (id)) = cardinality(${ids})`,
      );
  }
  const names = groups[0] ?? [];
  if (keyed && single) inserts.push(`keyed AS (${insertKeyOf("rows_0", names, each("text"), each("bytea"))})`);
  if (keyed && !single)
    inserts.unshift(`keyed AS (
      INSERT INTO ${KEYS} (key, fingerprint, ids) SELECT ${each("text", "bytea", "text")}::bigint[] ${ifInTime} RETURNING 1)`);
  if (rejecting)
    inserts.push(`rejected AS (
      INSERT INTO ${REJECTED} (key, source, content, errors) SELECT ${each("text", "jsonb", "bytea", "jsonb")} ${ifInTime}
      ON CONFLICT (key) DO UPDATE SET errors = excluded.errors, at = now())`);
  const answers = single
    ? madeNames(names).map((name) => `(SELECT ${quoted(name)} FROM rows_0) AS ${quoted(name)}`)
    : [];
  const missing = counts.map((isWhole) => `NOT ${isWhole}`).join(" OR ");
  // Fails where a row is missing, since these words are no number.
  const check =
    missing && `, (CASE WHEN in_time AND (${missing}) THEN ${literal(NOT_STORED)} END)::int AS "not stored"`;
  return `WITH clock AS MATERIALIZED (SELECT ${inTime("$1")} AS in_time), ${inserts.join(", ")}
    SELECT ${['in_time AS "in time"', ...answers].join(", ")}${check}
    FROM clock`;
}

/** Which of the keys in $1 are known. */
export const FIND_KEYS = `SELECT key, encode(fingerprint, 'hex') AS fingerprint, ids::text, made FROM ${KEYS} WHERE key = ANY ($1::text[])`;

/** What the database made of the rows with the ids in $1, if they are there. */
export function findRows(names: readonly string[]): string {
  return `SELECT ${made(names).join(", ")} FROM ${TABLE} WHERE id = ANY ($1::bigint[]) LIMIT 1`;
}
