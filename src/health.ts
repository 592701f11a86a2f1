import type { Call } from "./call.ts";
import { readOnInvalid } from "./config.ts";
import type { Database } from "./database.ts";
import { TableError } from "./faults/errors.ts";
import {
  ID_IS_UNIQUE,
  LARGEST_ID,
  mayUseSequencesBut,
  policyFor,
  RELATION,
  SEQUENCE,
  TRIGGERED,
} from "./insert/catalog.ts";
import { accepted, columnsOfEvery, FIND_KEYS, insertChecked, insertInto, made, typeOf } from "./insert/statements.ts";
import { literal } from "./names.ts";

/**
 * Several statements in one round trip, and nothing is stored nor counted: the plan of an insert of every column, and what a
 * plan does not ask for.
 */
const HEALTH = `
  EXPLAIN WITH rows AS (
    ${insertInto(accepted)} SELECT ${["id", ...accepted].map((name) => `NULL::${typeOf(name)}`).join(", ")}
    RETURNING ${["id", ...made(columnsOfEvery)].join(", ")})
  SELECT FROM rows;
  WITH sequence AS MATERIALIZED (SELECT ${SEQUENCE} AS oid)
  SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS "readOnly", ${ID_IS_UNIQUE} AS "idIsUnique",
    oid::text AS sequence, has_sequence_privilege(oid, 'USAGE, UPDATE') AND ${mayUseSequencesBut(columnsOfEvery)} AS "mayCount",
    (SELECT NOT seqcycle AND pg_sequence_last_value(oid)::numeric + seqincrement NOT BETWEEN seqmin AND least(seqmax, ${LARGEST_ID})
     FROM pg_sequence WHERE seqrelid = oid AND has_sequence_privilege(oid, 'USAGE, SELECT')) IS TRUE AS exhausted,
    NOT row_security_active(${RELATION}) OR (${policyFor("a")} AND ${policyFor("r")}) AS permitted,
    (SELECT attname
     FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
     WHERE attrelid = ${RELATION} AND attnum > 0 AND NOT attisdropped AND (attnotnull OR typnotnull)
       AND NOT atthasdef AND attidentity = '' AND typdefault IS NULL AND NOT ${TRIGGERED}
       AND attname NOT IN (${["id", ...accepted].map(literal).join(", ")})
     LIMIT 1) AS required
  FROM sequence`;

/** The plans of what a feed needs besides: to store keys and rejects, and to find keys. */
const FEED = [
  insertChecked({ groups: [accepted], single: false, keyed: true, rejecting: true, guarded: true }),
  FIND_KEYS,
].map((statement) => `EXPLAIN ${statement.replaceAll(/\$\d+/g, "NULL")};`);

/** What a statement that is only planned does not find. */
interface Findings {
  readOnly: boolean;
  idIsUnique: boolean;
  sequence: string | null;
  mayCount: boolean;
  exhausted: boolean;
  /** Whether row-level security has a policy for the function's user, where it is on. */
  permitted: boolean;
  /** A column that no item brings, and no default, unless a trigger may fill it. */
  required: string | null;
}

/**
 * Proves that an insert would succeed, without one: the server plans the function's own statement, which asks for the table,
 * each column and each right, and looks up the rest in the catalog.
 *
 * @throws {Problem} 503 or 504 when it would not
 */
export async function checkHealth(database: Database, call: Call): Promise<void> {
  await database.run(call, "connect", async (connection) => {
    // Not the call's, which is "refuse" for whoever asks through the gateway.
    const feeds = readOnInvalid(process.env) === "set-aside";
    const results: unknown = await connection.query([...(feeds ? FEED : []), HEALTH].join("\n"));
    const [finding] = (results as { rows: Findings[] }[]).at(-1)?.rows ?? [];
    const { readOnly, idIsUnique, sequence, mayCount, exhausted, permitted, required } = finding as Findings;
    if (readOnly) throw new TableError("25006");
    if (!idIsUnique) throw new TableError("NO_KEY");
    if (sequence === null) throw new TableError("NO_SEQUENCE");
    if (!mayCount) throw new TableError("42501");
    if (!permitted) throw new TableError("NO_POLICY");
    if (exhausted) throw new TableError("2200H");
    if (required !== null) throw new TableError("23502");
  });
}
