import type { Connection } from "../database/connection.ts";
import { isWithin } from "../deadline.ts";
import { type Answer, answerOf, TableError } from "../faults/errors.ts";
import type { Log } from "../log.ts";
import { IS_KEY_OF_ID } from "./catalog.ts";
import { setSequence, TAKE_FIRST_IDS, TAKE_FREE_IDS, TAKE_IDS } from "./statements.ts";

/** As a string where it is beyond what JavaScript counts. */
export type Id = number | string;

/** Ids that no row had when they were taken, and that the sequence gives to nobody else. */
export interface Ids {
  ids: readonly Id[];
  /** Whether each is the one after the id before. */
  series: boolean;
  /** Milliseconds by which the database's clock is ahead of ours, at least, since its answer took time. */
  ahead: number;
  /** When they were taken, by our clock. Milliseconds since 1970. */
  at: number;
}

/** What is learnt of the table on a connection. It may change while the connection lasts. */
export interface Surroundings {
  /** OID of the sequence that `id` counts by. */
  sequence: string;
  /** Whether rows must be counted as they are stored. */
  guarded: boolean;
  /** Whether the values that PostgreSQL quotes of a row begin with its id. */
  idIsFirst: boolean;
  /** Whether every statement reaches the same process, so that one that is prepared is there the next time: no pooler is between. */
  direct: boolean;
  /** For the next row, taken along by the insert before. */
  reserved?: Ids | undefined;
}

/** For so long ids are reserved one after another; then all is asked for anew, since clocks are set and tables filled. */
const RESERVED_FOR_MS = 10_000;

const surroundings = new WeakMap<Connection, Surroundings>();

export function surroundingsOf(connection: Connection): Surroundings | undefined {
  return surroundings.get(connection);
}

export function forget(connection: Connection): void {
  surroundings.delete(connection);
}

/** What the database tells as ids are taken; the rest of it on a connection of which nothing is known. */
interface Row {
  /** As PostgreSQL's array literal; null where they are a series. */
  ids: string | null;
  first: string;
  used: boolean;
  guarded: boolean;
  now: number;
  sequence?: string | null;
  idIsUnique?: boolean;
  idIsFirst?: boolean;
  backend?: number;
}

/** @throws {TableError} where `id` does not count, or is not unique */
export async function takeIds(connection: Connection, count: number, log: Log): Promise<Ids> {
  const known = surroundings.get(connection);
  const { reserved } = known ?? {};
  if (reserved && count === 1 && isWithin(RESERVED_FOR_MS, reserved.at)) return reserved;
  const row = (known && (await takeKnown(connection, count, known))) ?? (await takeFirst(connection, count));
  const about = known && !row.sequence ? known : learn(row, connection);
  about.guarded = row.guarded;
  const taken = { ids: idsIn(row, count), series: row.ids === null, ahead: row.now - Date.now(), at: Date.now() };
  if (!row.used) return taken;
  const ids = await takeFreeIds(connection, taken.ids, about.sequence);
  // Of a sequence with CACHE, ids between the first and the last may be another session's.
  if (ids.some((id, place) => id !== taken.ids[place]))
    log.warn("the sequence is behind the table, so other ids are taken", { remedy: setSequence(about.sequence) });
  return { ...taken, ids, series: false };
}

function idsIn({ ids, first }: Pick<Row, "ids" | "first">, count: number): Id[] {
  if (ids !== null) return listOf(ids);
  const start = BigInt(first);
  const isSafe = Number.isSafeInteger(Number(first) + count);
  return Array.from({ length: count }, (_, place) => (isSafe ? Number(first) + place : String(start + BigInt(place))));
}

/** The ids by which an error can tell the row that it is about: none where they do not begin the row that it quotes. */
export function quotedIds(connection: Connection, ids: readonly Id[]): readonly Id[] {
  return surroundings.get(connection)?.idIsFirst ? ids : [];
}

/** Whether an error is that an id is in the table already. */
export async function isKeyOfId(connection: Connection, { code, schema, constraint }: Answer): Promise<boolean> {
  return code === "23505" && (await connection.query(IS_KEY_OF_ID, [schema, constraint])).rowCount === 1;
}

/** Of PostgreSQL's array literal. */
export function listOf(literal: string): Id[] {
  return literal.slice(1, -1).split(",").map(idOf);
}

export function idOf(text: string): Id {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

async function takeFirst(connection: Connection, count: number): Promise<Row> {
  return ((await connection.query<Row>(TAKE_FIRST_IDS, [count])).rows as [Row])[0];
}

async function takeKnown(connection: Connection, count: number, { sequence }: Surroundings): Promise<Row | undefined> {
  try {
    return ((await connection.query<Row>(TAKE_IDS, [count, sequence])).rows as [Row])[0];
  } catch (error) {
    if (!answerOf(error)) throw error;
    // The sequence may have been replaced.
    return undefined;
  }
}

function learn(
  { sequence, idIsUnique, idIsFirst = false, backend, guarded }: Row,
  connection: Connection,
): Surroundings {
  if (!idIsUnique) throw new TableError("NO_KEY");
  if (!sequence) throw new TableError("NO_SEQUENCE");
  const learnt = { sequence, guarded, idIsFirst, direct: backend === connection.backend };
  surroundings.set(connection, learnt);
  return learnt;
}

async function takeFreeIds(connection: Connection, taken: readonly Id[], sequence: string): Promise<Id[]> {
  const { rows } = await connection.query<{ ids: string }>(TAKE_FREE_IDS, [`{${taken}}`, sequence]);
  return rows.flatMap(({ ids }) => listOf(ids));
}
