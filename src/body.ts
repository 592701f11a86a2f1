import type { Call } from "./call.ts";
import { readFeed, readStream } from "./delivery/feed.ts";
import { fingerprintOf } from "./delivery/fingerprint.ts";
import { type Items, keyOf, parseItems, readJson } from "./delivery/items.ts";
import { conflictOf, keyInHeader, keyPointer, keyText } from "./delivery/keys.ts";
import { mergeByKey } from "./delivery/merge.ts";
import { isStream } from "./delivery/stream.ts";
import type { Delivery } from "./delivery.ts";
import { type Pointed, Problem } from "./problem.ts";

/**
 * Tells what kind of delivery a body is, and takes the items out of it.
 *
 * @throws {Problem} 4xx where it is refused
 */
export function readDelivery(body: Buffer, { http, onInvalid }: Call): Delivery {
  if (onInvalid === "set-aside") return readFeed(body);
  const json = readJson(body);
  if (!http && isStream(json)) return readStream(json, body, onInvalid);
  // Nothing was delivered, so there is nothing to fail for, and to be delivered again.
  if (onInvalid === "fail" && Array.isArray(json) && json.length === 0) return { items: [], keys: [], batch: true };
  return readItems(parseItems(json, body), http?.key);
}

function readItems({ items, batch }: Items, header: string | undefined): Delivery {
  const texts = items.map(keyOf);
  const first = texts.findIndex((text) => text !== undefined);
  const placeOf = (index: number) => (batch ? index : undefined);
  const refusal = (error: Pointed) =>
    new Problem(422, `The ${batch ? "batch" : "item"} was not stored, because of a key.`, { errors: [error] });

  if (header !== undefined) {
    const detail = "must not be there beside the header Idempotency-Key, which covers all items";
    if (first >= 0) throw refusal({ pointer: keyPointer(placeOf(first)), detail });
    const text = keyText("request", keyInHeader(header));
    return { items, keys: [{ text, fingerprint: fingerprintOf(items), covers: [...items.keys()] }], batch };
  }
  if (first < 0) return { items, keys: [], batch };
  const { conflicts, ...merged } = mergeByKey(items, texts);
  const [conflict] = conflicts;
  if (conflict !== undefined) throw refusal(conflictOf(texts[conflict] as string, placeOf(conflict)));
  return { ...merged, batch };
}
