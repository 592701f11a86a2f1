import type { Connection } from "../database/connection.ts";
import type { Item } from "../delivery/items.ts";
import { answerOf } from "../faults/errors.ts";
import { type Ids, isKeyOfId, quotedIds } from "./ids.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import { rowsOf } from "./rows.ts";
import { storeChecked } from "./store.ts";

/** The server ends it where nothing is asked of it any more, since the next attempt waits for its rows. */
const BEGIN =
  "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT tried";

/** What is tried, and undone in the end. */
interface Tried {
  items: readonly Item[];
  ids: Ids;
  until: number;
}

/** By the item. */
export type Refused = Map<number, Refusal>;

/**
 * Finds the items that the table refuses, in a transaction that is taken back. Ranges are tried, and of one that is refused a
 * half, unless PostgreSQL tells which row it was. What passes stays while the rest is tried, so that of items that
 * exclude one another the later is found.
 *
 * @param refused to be filled; what it holds already is not tried again, so that a lost connection costs nothing
 */
export async function sieve(connection: Connection, tried: Tried, refused: Refused): Promise<void> {
  const { length } = tried.items;
  await connection.query(BEGIN);
  let from = 0;
  /** How many are tried next. */
  let size = Math.ceil(length / 2);
  /** The end of the last range in which one is refused. */
  let bad = length;
  while (from < length) {
    if (refused.has(from)) {
      from++;
      continue;
    }
    const to = endOf(from, from + size, length, refused);
    const refusal = await tryRange(connection, tried, from, to);
    const item = to - from === 1 ? 0 : refusal?.item;
    if (!refusal) {
      from = to;
      size = from < bad ? Math.ceil((bad - from) / 2) : 2 * size;
    } else if (item === undefined) {
      bad = to;
      size = Math.ceil((to - from) / 2);
    } else {
      refused.set(from + item, refusal);
      bad = 0;
      // As far as they lay apart until now.
      size = Math.ceil((from + item + 1) / refused.size);
    }
  }
  await connection.query("ROLLBACK");
}

/** Up to the next that is refused. */
function endOf(from: number, to: number, length: number, refused: Refused): number {
  let end = from + 1;
  while (end < Math.min(to, length) && !refused.has(end)) end++;
  return end;
}

async function tryRange(
  connection: Connection,
  { items, ids, until }: Tried,
  from: number,
  to: number,
): Promise<Refusal | undefined> {
  const range = items.slice(from, to);
  const own = { ...ids, ids: ids.ids.slice(from, to) };
  try {
    await storeChecked(connection, { items: range, rows: rowsOf(range, true), ids: own, keys: [], rejects: [], until });
    await connection.query("RELEASE SAVEPOINT tried; SAVEPOINT tried");
    return undefined;
  } catch (error) {
    const answer = answerOf(error);
    if (!answer) throw error;
    await connection.query("ROLLBACK TO SAVEPOINT tried");
    const refusal = (await isKeyOfId(connection, answer))
      ? undefined
      : refusalOf(error, range, quotedIds(connection, own.ids));
    if (!refusal) throw error;
    return refusal;
  }
}
