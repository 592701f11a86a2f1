import type { Connection } from "../database/connection.ts";
import type { Key } from "../delivery/keys.ts";
import type { Answer } from "../faults/errors.ts";
import { KEYS_NAME } from "../names.ts";
import { type Id, listOf } from "./ids.ts";
import { arrayOf } from "./rows.ts";
import { FIND_KEYS } from "./statements.ts";
import type { Made } from "./store.ts";

/** A key that is stored. */
export interface StoredKey {
  key: Key;
  /** Whether with the same content. */
  same: boolean;
  /** Of the items that it covers. */
  ids: readonly Id[];
  /** Of a row that was stored by itself. */
  made: Made | undefined;
}

interface Row {
  key: string;
  fingerprint: string;
  ids: string;
  made: Made | null;
}

/** Each key that is known is a row, and guard.ts allows an answer 10,000 messages. */
const MOST_AT_ONCE = 5_000;

export async function findKeys(connection: Connection, keys: readonly Key[]): Promise<StoredKey[]> {
  const byText = new Map<string, Row>();
  for (let from = 0; from < keys.length; from += MOST_AT_ONCE) {
    const texts = keys.slice(from, from + MOST_AT_ONCE).map(({ text }) => text);
    const { rows } = await connection.query<Row>(FIND_KEYS, [arrayOf(texts)]);
    for (const row of rows) byText.set(row.key, row);
  }
  return keys.flatMap((key) => {
    const row = byText.get(key.text);
    if (!row) return [];
    const { fingerprint, ids, made } = row;
    return { key, same: fingerprint === key.fingerprint, ids: listOf(ids), made: made ?? undefined };
  });
}

/** Whether an error is that a key is there already. */
export function isOfKeys({ code, table }: Answer): boolean {
  return code === "23505" && table === KEYS_NAME;
}
