import { table } from "./table.ts";

/** Quoted, so that a name may be any. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

const named = (name: string) => [table.schema ?? [], name].flat().map(quoted).join(".");

/** The table's name in SQL, and those of the tables beside it. */
export const TABLE = named(table.name);
export const KEYS = named(`${table.name}_keys`);
export const REJECTED = named(`${table.name}_rejected`);

/** Those tables' names, as PostgreSQL tells them of an error. */
const BESIDE: readonly (string | undefined)[] = [`${table.name}_keys`, `${table.name}_rejected`];

/** Whether an error came of what is written beside the table: it is no word on an item. */
export function isBeside({ table: name }: { table?: string | undefined }): boolean {
  return BESIDE.includes(name);
}

/** Its OID. */
export const RELATION = `${literal(TABLE)}::regclass`;

/** Columns and what their defaults use, sequences among it. */
const USED_BY_DEFAULTS = `pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       JOIN pg_depend AS used ON used.classid = 'pg_attrdef'::regclass AND used.objid = pg_attrdef.oid AND used.refclassid = 'pg_class'::regclass
       JOIN pg_class AS used_class ON used_class.oid = used.refobjid`;

/** What `id` counts by: what its default takes from, or the sequence of an identity. */
export const SEQUENCE = `coalesce(
    (SELECT used.refobjid
     FROM ${USED_BY_DEFAULTS}
     WHERE attrelid = ${RELATION} AND attname = 'id' AND used_class.relkind = 'S'
     LIMIT 1),
    pg_get_serial_sequence(${literal(TABLE)}, 'id')::regclass::oid)`;

/** Whether a trigger sees each row first, and may change it. */
export const TRIGGERED = `EXISTS (
      SELECT FROM pg_trigger WHERE tgrelid = ${RELATION} AND tgenabled <> 'D' AND tgtype & ${1 | 2 | 4} = ${1 | 2 | 4})`;

/** Beyond it the type of `id` does not go, whereas its sequence may, as those of PostgreSQL 9 do. NULL for bigint. */
export const LARGEST_ID = `(
    SELECT CASE atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END
    FROM pg_attribute WHERE attrelid = ${RELATION} AND attname = 'id')`;

/** Whether the user may use the sequences of all defaults but those of the columns named. */
export function mayCountBut(names: readonly string[]): string {
  return `NOT EXISTS (
    SELECT FROM ${USED_BY_DEFAULTS}
    WHERE attrelid = ${RELATION} AND attname <> ALL (ARRAY[${names.map(literal).join(", ")}]::text[])
      AND CASE WHEN used_class.relkind = 'S' THEN NOT has_sequence_privilege(used_class.oid, 'USAGE, UPDATE') END)`;
}

/** Whether rows may be kept from being stored, or get another id, and nobody told: by a trigger, or where it is no plain table. */
export const GUARDED = `(
    SELECT relkind <> 'r' OR relhasrules OR ${TRIGGERED}
    FROM pg_class WHERE oid = ${RELATION})`;

/** Whether an id can be there once only. */
export const KEYED = `EXISTS (
    SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = ${RELATION} AND indisunique AND indisvalid AND indnkeyatts = 1 AND indpred IS NULL AND attname = 'id')`;

/** Whether the constraint $2 of the schema $1 is the uniqueness of the table's `id`, or of a partition's. */
export const IS_KEY_OF_ID = `
  SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
  WHERE nspname = $1 AND relname = $2 AND indnkeyatts = 1 AND attname = 'id'
    AND (indrelid = ${RELATION} OR indrelid IN (SELECT relid FROM pg_partition_tree(${RELATION})))`;

/** Whether row-level security lets the user do a thing ("a": append, "r": read). */
export function policyFor(command: string): string {
  return `EXISTS (
    SELECT FROM pg_policy
    WHERE polrelid = ${RELATION} AND polpermissive AND polcmd IN ('*', '${command}')
      AND EXISTS (SELECT FROM unnest(polroles) AS role WHERE role = 0 OR pg_has_role(role, 'usage')))`;
}
