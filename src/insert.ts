import type { Call } from "./call.ts";
import { IS_KEY_OF_ID } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { type Answer, answerOf, TableError } from "./errors.ts";
import { forget, type Id, type Ids, idOf, surroundingsOf, takeIds } from "./ids.ts";
import type { Items } from "./items.ts";
import { Problem } from "./problem.ts";
import { refusalOf } from "./refusal.ts";
import { type Rows, rowsOf } from "./rows.ts";
import { findRows } from "./statements.ts";
import { type Made, store } from "./store.ts";

/*
 * Why each item is stored once, on any table:
 *
 * An insert whose answer is lost may have committed, so it is repeated with the same ids. Ids are taken from the sequence,
 * and were looked for in the table as they were taken: no row had them. So once the insert has been sent, a row with one of
 * them is its own, whatever a trigger or another program made of it by then, and with it are all the others, since a
 * statement is stored as a whole. The first insert is still under way, or committed, or came to nothing:
 * - the repeat stores the rows: the first came to nothing, since `id` is unique, and waits for whoever has it in hand;
 * - the repeat is refused because of `id`: the first committed;
 * - the repeat is refused for another reason, which may be the first's own rows: the rows are looked for;
 * - the answer is lost again: repeated again.
 *
 * It takes for granted that `id` alone is unique, that the user sees all rows, that nobody chooses an id which the sequence
 * has yet to give in the moments between taking it and the insert, and that rows are not removed in those between an insert
 * and its repeat.
 */

/** What became of the items, in their order. */
export interface Stored {
  ids: readonly Id[];
  /** Of a single item. */
  made: Made;
}

/** How often ids may turn out to be used: once by chance, and always where the user does not see all rows. */
const MOST_ROUNDS = 3;

/** An insert over all its attempts. */
interface Job extends Items {
  call: Call;
  ids: Ids | undefined;
  mayHaveCommitted: boolean;
  round: number;
}

/**
 * Stores all items or none, each once, however often a connection breaks.
 *
 * @throws {Problem} 409 or 422 when the table refuses an item
 */
export async function insert(database: Database, items: Items, call: Call): Promise<Stored> {
  const job: Job = { ...items, call, ids: undefined, mayHaveCommitted: false, round: 1 };
  const result = await database.run(call, "insert", (connection) => attempt(connection, job));
  if (result instanceof Problem) throw result;
  return result;
}

/** A refusal is returned, since a connection on which something is thrown is given up. */
async function attempt(connection: Connection, job: Job): Promise<Stored | Problem> {
  const { items, call } = job;
  const taking = job.ids ?? takeIds(connection, items.length, call.log);
  // Made while the ids come, a tenth of a large batch's time.
  const rows = rowsOf(items, items.length > 1);
  const ids = await taking;
  const repeated = job.mayHaveCommitted;
  Object.assign(job, { ids, mayHaveCommitted: true });
  const until = Date.now() + ids.ahead + call.deadline.left;
  try {
    const made = await store(connection, { items, rows, ids, until });
    // A trigger that came meanwhile may have given another.
    return { ids: typeof made.id === "string" ? [idOf(made.id)] : ids.ids, made };
  } catch (error) {
    const answer = answerOf(error);
    // Without an answer, only the next connection can tell whether it is stored.
    if (!answer && !(error instanceof TableError)) throw error;
    const found = repeated ? await find(connection, rows, ids) : undefined;
    if (found) return found;
    const isUsed = answer?.code === "23505" && (await isKeyOfId(connection, answer));
    // The row has been removed since.
    if (isUsed && repeated) return { ids: ids.ids, made: {} };
    if (isUsed || (answer && isOutdated(answer, ids, connection))) return anew(connection, job);
    const refusal = refusalOf(error, job, ids.ids);
    if (refusal) return refusal;
    throw error;
  }
}

/** What a former attempt stored, however it looks by now. */
async function find(connection: Connection, [first]: readonly Rows[], { ids }: Ids): Promise<Stored | undefined> {
  const { rows } = await connection.query<Made>(findRows(first?.columns ?? []), [`{${ids}}`]);
  return rows[0] && { ids, made: rows[0] };
}

async function isKeyOfId(connection: Connection, { schema, constraint }: Answer): Promise<boolean> {
  return (await connection.query(IS_KEY_OF_ID, [schema, constraint])).rowCount === 1;
}

/** Whether an error may come of what was learnt with an earlier insert, such as a sequence that has been replaced since. */
function isOutdated({ code }: Answer, ids: Ids, connection: Connection): boolean {
  return /^(42|XX)/.test(code) && ids === surroundingsOf(connection)?.reserved;
}

/** With other ids, where the insert certainly stored nothing. */
async function anew(connection: Connection, job: Job): Promise<Stored | Problem> {
  if (job.round++ === MOST_ROUNDS) throw new TableError("IDS_USED");
  forget(connection);
  Object.assign(job, { ids: undefined, mayHaveCommitted: false });
  return attempt(connection, job);
}
