import type { Connection } from "../database/connection.ts";
import type { Key } from "../delivery/keys.ts";
import type { Answer } from "../faults/errors.ts";
import { table } from "../table.ts";
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

export async function findKeys(connection: Connection, keys: readonly Key[]): Promise<StoredKey[]> {
  if (keys.length === 0) return [];
  const { rows } = await connection.query<Row>(FIND_KEYS, [arrayOf(keys.map(({ text }) => text))]);
  const byText = new Map(rows.map((row) => [row.key, row]));
  return keys.flatMap((key) => {
    const row = byText.get(key.text);
    if (!row) return [];
    const { fingerprint, ids, made } = row;
    return { key, same: fingerprint === key.fingerprint, ids: listOf(ids), made: made ?? undefined };
  });
}

/** Whether an error is that a key is there already. */
export function isOfKeys({ code, table: name }: Answer): boolean {
  return code === "23505" && name === `${table.name}_keys`;
}
