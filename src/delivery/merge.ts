import { fingerprintOf } from "./fingerprint.ts";
import type { Item } from "./items.ts";
import type { Key } from "./keys.ts";

/** Items, of those with the same key only the first. */
interface Merged {
  items: readonly Item[];
  keys: readonly Key[];
  /** For each given item without a conflict, its index in `items`; absent where no key comes twice. */
  order?: readonly number[];
  /** For each of `items`, its index in what was given. */
  kept: readonly number[];
  /** Indexes, in what was given, of items with the key of an earlier one and other content. */
  conflicts: readonly number[];
}

/** @param texts for each item the text of its key; undefined where it has none */
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
