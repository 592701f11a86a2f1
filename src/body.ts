import type { Call } from "./call.ts";
import { readFeed, readStream } from "./delivery/feed.ts";
import { fingerprintOf } from "./delivery/fingerprint.ts";
import { type Items, keyOf, parseItems, readJson } from "./delivery/items.ts";
import { keyInHeader, keyPointer, OTHER_CONTENT, REQUEST } from "./delivery/keys.ts";
import { mergeByKey } from "./delivery/merge.ts";
import { isStream } from "./delivery/stream.ts";
import type { Delivery } from "./delivery.ts";
import { Problem } from "./problem.ts";

/**
 * Tells what kind of delivery a body is, and takes the items out of it.
 *
 * @throws {Problem} 4xx where it is refused
 */
export function readDelivery(body: Buffer, { http, onInvalid }: Call): Delivery {
  if (onInvalid === "set-aside") return readFeed(body);
  const json = readJson(body);
  if (!http && isStream(json)) return readStream(json, body, onInvalid);
  if (onInvalid === "fail" && Array.isArray(json) && json.length === 0) return { items: [], keys: [], batch: true };
  return readItems(parseItems(json, body), http?.key ?? undefined);
}

function readItems({ items, batch }: Items, header: string | undefined): Delivery {
  const texts = items.map(keyOf);
  const first = texts.findIndex((text) => text !== undefined);
  const refusal = (index: number, detail: string) =>
    new Problem(422, `The ${batch ? "batch" : "item"} was not stored, because of a key.`, {
      errors: [{ pointer: keyPointer(batch ? index : undefined), detail }],
    });

  if (header !== undefined) {
    if (first >= 0) throw refusal(first, "must not be there beside the header Idempotency-Key, which covers all items");
    const text = `${REQUEST}${keyInHeader(header)}`;
    return { items, keys: [{ text, fingerprint: fingerprintOf(items), covers: [...items.keys()] }], batch };
  }
  if (first < 0) return { items, keys: [], batch };
  const { conflicts, ...merged } = mergeByKey(items, texts);
  if (conflicts[0] !== undefined) throw refusal(conflicts[0], OTHER_CONTENT);
  return { ...merged, batch };
}
