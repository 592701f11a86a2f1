import { literal, TABLE } from "../names.ts";

/** The table's OID. */
export const RELATION = `${literal(TABLE)}::regclass`;

/** Each column with what its default uses, such as a sequence. */
const USED_BY_DEFAULTS = `pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       JOIN pg_depend AS used ON used.classid = 'pg_attrdef'::regclass AND used.objid = pg_attrdef.oid AND used.refclassid = 'pg_class'::regclass
       JOIN pg_class AS used_class ON used_class.oid = used.refobjid`;

/** The OID of the sequence behind `id`: the one that its default uses, or that of an identity column. */
export const SEQUENCE = `coalesce(
    (SELECT used.refobjid
     FROM ${USED_BY_DEFAULTS}
     WHERE attrelid = ${RELATION} AND attname = 'id' AND used_class.relkind = 'S'
     LIMIT 1),
    pg_get_serial_sequence(${literal(TABLE)}, 'id')::regclass::oid)`;

/** Bits of pg_trigger.tgtype. */
const [FOR_EACH_ROW, BEFORE, INSERT] = [1, 2, 4] as const;
const BEFORE_INSERT = FOR_EACH_ROW | BEFORE | INSERT;

/** Whether a trigger sees each row first, and may change it. */
export const TRIGGERED = `EXISTS (
      SELECT FROM pg_trigger WHERE tgrelid = ${RELATION} AND tgenabled <> 'D' AND tgtype & ${BEFORE_INSERT} = ${BEFORE_INSERT})`;

/** The largest value of the type of `id`, which its sequence may exceed, as those of PostgreSQL 9 do. NULL for bigint. */
export const LARGEST_ID = `(
    SELECT CASE atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END
    FROM pg_attribute WHERE attrelid = ${RELATION} AND attname = 'id')`;

/** Whether the user may use the sequences behind the defaults of all columns but those named. */
export function mayUseSequencesBut(names: readonly string[]): string {
  return `NOT EXISTS (
    SELECT FROM ${USED_BY_DEFAULTS}
    WHERE attrelid = ${RELATION} AND attname <> ALL (ARRAY[${names.map(literal).join(", ")}]::text[])
      AND CASE WHEN used_class.relkind = 'S' THEN NOT has_sequence_privilege(used_class.oid, 'USAGE, UPDATE') END)`;
}

/** Whether a row may be dropped or get another id in silence: by a trigger or a rule, or where it is no plain table. */
export const GUARDED = `(
    SELECT relkind <> 'r' OR relhasrules OR ${TRIGGERED}
    FROM pg_class WHERE oid = ${RELATION})`;

/** Whether `id` alone is unique. */
export const ID_IS_UNIQUE = `EXISTS (
    SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = ${RELATION} AND indisunique AND indisvalid AND indnkeyatts = 1 AND indpred IS NULL AND attname = 'id')`;

/** Whether `id` is the first column, as it must be for PostgreSQL's "Failing row contains (…" to begin with it. */
export const ID_IS_FIRST = `(
    SELECT attname = 'id'
    FROM pg_attribute WHERE attrelid = ${RELATION} AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum LIMIT 1)`;

/** Whether the constraint $2 of the schema $1 is the uniqueness of the table's `id`, or of a partition's. */
export const IS_KEY_OF_ID = `
  SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
  WHERE nspname = $1 AND relname = $2 AND indnkeyatts = 1 AND attname = 'id'
    AND (indrelid = ${RELATION} OR indrelid IN (SELECT relid FROM pg_partition_tree(${RELATION})))`;

/** Whether a policy of row-level security lets the user append ("a") or read ("r"). */
export function policyFor(command: "a" | "r"): string {
  return `EXISTS (
    SELECT FROM pg_policy
    WHERE polrelid = ${RELATION} AND polpermissive AND polcmd IN ('*', '${command}')
      AND EXISTS (SELECT FROM unnest(polroles) AS role WHERE role = 0 OR pg_has_role(role, 'usage')))`;
}
