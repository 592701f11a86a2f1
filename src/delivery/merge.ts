import { fingerprintOf } from "./fingerprint.ts";
import type { Item } from "./items.ts";
import type { Key } from "./keys.ts";

/** Items of which those with the same key are one. */
export interface Merged {
  items: readonly Item[];
  keys: readonly Key[];
  /** For each that was given, which one it is; absent where none comes twice. */
  order?: readonly number[];
  /** For each, which of those that were given it is. */
  kept: readonly number[];
  /** Of those that were given, which bring other content with a key than the first. */
  conflicts: readonly number[];
}

/** @param texts of the items' keys; undefined where an item has none */
export function mergeByKey(given: readonly Item[], texts: readonly (string | undefined)[]): Merged {
  const keys = new Map<string, Key>();
  const [items, order, kept, conflicts]: [Item[], number[], number[], number[]] = [[], [], [], []];
  for (const [index, item] of given.entries()) {
    const text = texts[index];
    const fingerprint = text === undefined ? undefined : fingerprintOf([item]);
    const known = text === undefined ? undefined : keys.get(text);
    if (known && fingerprint && known.fingerprint !== fingerprint) conflicts.push(index);
    else if (known) order.push(known.covers[0] as number);
    else {
      kept.push(index);
      const place = items.push(item) - 1;
      order.push(place);
      if (text !== undefined && fingerprint) keys.set(text, { text, fingerprint, covers: [place] });
    }
  }
  const merged = { items, keys: Array.from(keys.values()).sort(byText), kept, conflicts };
  return order.length > items.length ? { ...merged, order } : merged;
}

const byText = ({ text }: Key, other: Key) => (text < other.text ? -1 : 1);
