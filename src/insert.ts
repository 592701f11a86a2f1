import type { Call } from "./call.ts";
import type { Connection } from "./database/connection.ts";
import type { Database } from "./database.ts";
import { conflictOf, otherContent } from "./delivery/keys.ts";
import { inAscii, isAscii } from "./delivery/rejects.ts";
import type { Delivery } from "./delivery.ts";
import { type Answer, answerOf, TableError } from "./faults/errors.ts";
import { forget, type Id, type Ids, idOf, isKeyOfId, quotedIds, surroundingsOf, takeIds } from "./insert/ids.ts";
import { createJob, isDone, type Job, messageOf, outcomeOf, type Stored, takeOut } from "./insert/job.ts";
import { problemOf, type Refusal, refusalOf } from "./insert/refusal.ts";
import { type Rows, rowsOf } from "./insert/rows.ts";
import { sieve } from "./insert/sieve.ts";
import { findRows } from "./insert/statements.ts";
import { type Made, store } from "./insert/store.ts";
import { findKeys, isOfKeys, type StoredKey } from "./insert/stored-keys.ts";
import { Problem, pointer } from "./problem.ts";

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
 *
 * A key is stored by the statement that stores its rows, and so is there if and only if they were stored, by whichever
 * invocation, whatever became of them since. An insert that is refused, for whatever reason, looks for its keys:
 * - all are there with the ids of this insert, which is repeated: a former attempt committed, and all of it is stored;
 * - one is there, but not so: another invocation stored its items, and no former attempt can commit any more, since the
 *   key is unique: what it covers is taken out, and the insert made anew;
 * - none is there: nothing was stored, and the refusal is to be believed.
 */

/** How often ids may turn out to be used: once by chance, and always where the user does not see all rows. */
const MOST_ROUNDS = 3;

/** The SQLSTATE of a character that the database's encoding does not have. */
const UNTRANSLATABLE = "22P05";

/** For rejects alone. They may be stored late, since they are delivered again: the database's clock is not asked. */
const NO_IDS: Ids = { ids: [], series: false, ahead: Number.POSITIVE_INFINITY, at: 0 };

/**
 * Stores all that was delivered or nothing, each item once, however often a connection breaks.
 *
 * @throws {Problem} 409 or 422 when the table refuses an item, or a key was used for another
 */
export async function insert(database: Database, delivery: Delivery, call: Call): Promise<Stored> {
  const job = createJob(delivery, call);
  if (isDone(job)) return outcomeOf(job, [], {});
  const result = await database.run(call, "insert", (connection) => attempt(connection, job));
  if (result instanceof Problem) throw result;
  return result;
}

/** What was sent, and when it had to be there. */
interface Sent {
  rows: readonly Rows[];
  ids: Ids;
  /** By the database's clock. Milliseconds since 1970. */
  until: number;
  /** Whether a former attempt may have stored it. */
  repeated: boolean;
}

/** A refusal is returned, since a connection on which something is thrown is given up. */
async function attempt(connection: Connection, job: Job): Promise<Stored | Problem> {
  if (isDone(job)) return outcomeOf(job, [], job.made);
  const { items, keys, rejects, call, mayHaveCommitted: repeated } = job;
  const taking = items.length === 0 ? NO_IDS : (job.ids ?? takeIds(connection, items.length, call.log));
  // Made while the ids come, a tenth of a large batch's time.
  const rows = items.length === 0 ? [] : rowsOf(items, items.length > 1);
  const ids = await taking;
  const until = Date.now() + ids.ahead + call.deadline.left;
  job.ids = ids;
  job.mayHaveCommitted = true;
  try {
    const made = await store(connection, { items, rows, ids, keys, rejects, until });
    // A trigger that came meanwhile may have given another.
    return outcomeOf(job, typeof made.id === "string" ? [idOf(made.id)] : ids.ids, made);
  } catch (error) {
    // Without an answer, only the next connection can tell whether it is stored.
    if (!answerOf(error) && !(error instanceof TableError)) throw error;
    return afterRefusal(error, connection, job, { rows, ids, until, repeated });
  }
}

/** Believes a refusal only where nothing tells that all is stored, by a former attempt or by another invocation. */
async function afterRefusal(
  error: unknown,
  connection: Connection,
  job: Job,
  { rows, ids, until, repeated }: Sent,
): Promise<Stored | Problem> {
  const { items, keys } = job;
  const { feed, batch } = job.delivery;
  const answer = answerOf(error);
  const known = await findKeys(connection, keys);
  if (repeated && isOfFormer(known, job, ids)) return outcomeOf(job, ids.ids, known[0]?.made ?? {});
  if (known.length > 0) return withoutKnown(connection, job, known);
  const found = repeated && keys.length === 0 ? await find(connection, rows, ids) : undefined;
  if (found) return outcomeOf(job, ids.ids, found);
  const isUsed = answer !== undefined && (await isKeyOfId(connection, answer));
  // The row has been removed since.
  if (isUsed && repeated && keys.length === 0) return outcomeOf(job, ids.ids, {});
  if (isUsed || (answer && (isOfKeys(answer) || isOutdated(answer, ids, connection)))) return anew(connection, job);
  if (answer?.code === UNTRANSLATABLE && !job.rejects.every(isAscii)) {
    job.rejects = job.rejects.map(inAscii);
    return goOn(connection, job);
  }
  const refusal = refusalOf(error, items, quotedIds(connection, ids.ids));
  if (!refusal) throw error;
  if (feed) return withoutRefused(connection, job, ids, until);
  return problemOf(refusal, batch ? (item) => messageOf(job, item) : undefined);
}

/** What a former attempt stored, however it looks by now. */
async function find(connection: Connection, [first]: readonly Rows[], { ids }: Pick<Ids, "ids">) {
  const { rows } = await connection.query<Made>(findRows(first?.columns ?? []), [`{${ids}}`]);
  return rows[0];
}

/** Whether an error may come of what was learnt with an earlier insert, such as a sequence that has been replaced since. */
function isOutdated({ code }: Answer, ids: Ids, connection: Connection): boolean {
  return /^(42|XX)/.test(code) && ids === surroundingsOf(connection)?.reserved;
}

/** Where the insert certainly stored nothing, and another might. */
async function anew(connection: Connection, job: Job): Promise<Stored | Problem> {
  if (job.round++ === MOST_ROUNDS) throw new TableError("IDS_USED");
  forget(connection);
  return goOn(connection, job);
}

/** With other ids. */
function goOn(connection: Connection, job: Job): Promise<Stored | Problem> {
  job.ids = undefined;
  job.mayHaveCommitted = false;
  return attempt(connection, job);
}

/**
 * Whether a former attempt stored all of it. One id alone may be the same by chance, where the table was emptied and counts
 * anew, and its keys are of before.
 */
function isOfFormer(known: readonly StoredKey[], { keys }: Job, { ids }: Ids): boolean {
  const own = known.filter(({ same, key, ids: [first] }) => same && first === ids[key.covers[0] as number]);
  return own.length > 0 && own.length === keys.length;
}

/** Goes on without what other invocations stored, or used a key for. */
async function withoutKnown(connection: Connection, job: Job, known: readonly StoredKey[]) {
  const { batch, feed } = job.delivery;
  const other = known.filter(({ same }) => !same).map(({ key }) => key);
  if (other.length > 0 && !feed) return otherContent(other, batch ? (item) => messageOf(job, item) : undefined);
  const same = known.filter(({ same }) => same);
  const [first] = same;
  if (first && !batch) job.made = first.made ?? (await find(connection, rowsOf(job.items, false), first)) ?? {};
  const stored = same.flatMap(({ key, ids }) => key.covers.map((item, index) => [item, ids[index] as Id] as const));
  const refused = other.flatMap(({ covers, text }) => covers.map((item) => [item, [conflictOf(text)]] as const));
  takeOut(job, new Map(stored), new Map(refused));
  return goOn(connection, job);
}

/** Goes on without what the table refuses, which is set aside. */
async function withoutRefused(connection: Connection, job: Job, ids: Ids, until: number) {
  const { items, keys, known, refused } = job;
  await sieve(connection, { items, ids, until }, refused);
  // Refused may be what another invocation has stored meanwhile, for its own row.
  const now = await findKeys(
    connection,
    keys.filter(({ covers }) => covers.some((item) => refused.has(item))),
  );
  if (now.length > 0) return withoutKnown(connection, job, now);
  const refusals = [...refused.values()];
  const [first] = refusals;
  if (!first) return anew(connection, job);
  // Not where other rows forbid them (409): the table took those, such as the same items when they came first.
  const isOneReason = refusals.every(
    ({ status, detail, path }) => status === 422 && detail === first.detail && `${path}` === `${first.path}`,
  );
  if (isOneReason && items.length > 1 && refusals.length === items.length && known.size === 0) return refusesAll(first);
  const setAside = Array.from(
    refused,
    ([item, { path, detail }]) => [item, [{ pointer: pointer(path), detail }]] as const,
  );
  takeOut(job, new Map(), new Map(setAside));
  return goOn(connection, job);
}

/** It is the table then that is wrong: what is delivered is to come again. */
function refusesAll({ logged }: Refusal): Problem {
  return new Problem(503, "The table refuses each of several items for the same reason.", {
    logged: {
      ...logged,
      remedy: "look at what the table demands, and mend it or who sends the items: the delivery comes again until then",
    },
  });
}
