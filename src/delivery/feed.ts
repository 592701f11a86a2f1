import type { OnInvalid } from "../config.ts";
import type { Delivery, Feed } from "../delivery.ts";
import { Problem } from "../problem.ts";
import { ANSWER_BYTES, type Item, keyOf, parseItem, readJson } from "./items.ts";
import { elementsOf } from "./json.ts";
import { conflictOf } from "./keys.ts";
import { mergeByKey } from "./merge.ts";
import { type Reject, rejectOf } from "./rejects.ts";
import * as stream from "./stream.ts";

/** A message from a source that reads no answer. */
interface Message {
  content(): Buffer;
  /** @throws {Problem} where it is no item */
  read(content: Buffer): Item;
  /** As Streaming has it. */
  source?: stream.StreamMessage;
}

/** Never refuses a body: what is no JSON is set aside. */
export function readFeed(body: Buffer): Delivery {
  let json: unknown;
  try {
    json = readJson(body);
  } catch {
    return sort(messagesOf(body), true);
  }
  if (stream.isStream(json)) return readStream(json, body, "set-aside");
  const contents = Array.isArray(json) ? elementsOf(body) : [body];
  const messages = [json].flat().map((value, index) => ({
    content: () => contents?.[index] as Buffer,
    read: (content: Buffer) => parseItem(value, content),
  }));
  // An answer that repeats so long an item would be dropped, and the item delivered again.
  return sort(messages, Array.isArray(json) || body.length > ANSWER_BYTES);
}

/** Of a queue's delivery, in which a message is no JSON: each by itself, where they can be told apart. */
function messagesOf(body: Buffer): Message[] {
  return (elementsOf(body) ?? [body]).map((message) => ({ content: () => message, read: readItem }));
}

function readItem(content: Buffer): Item {
  return parseItem(readJson(content), content);
}

/** @throws {Problem} 422 where a message is no item, and the delivery is to fail for it */
export function readStream(given: stream.StreamMessage[], body: Buffer, onInvalid: OnInvalid): Delivery {
  const messages = stream.exactly(given, body).map((message) => ({
    content: () => stream.contentOf(message),
    read: readItem,
    source: message,
  }));
  const { feed, ...delivery } = sort(messages, true);
  if (onInvalid !== "fail") return { ...delivery, feed };
  if (feed.rejects.length > 0)
    throw new Problem(422, `${feed.rejects.length} of ${messages.length} messages are no items.`);
  // No feed, so that what the table refuses fails the delivery too.
  return delivery;
}

/** Sorts out what is no item. */
function sort(messages: readonly Message[], batch: boolean): Delivery & { feed: Feed } {
  const rejects: Reject[] = [];
  const valid: Message[] = [];
  const items: Item[] = [];
  const reject = ({ content, source }: Message, errors: Problem["errors"] = []) =>
    rejectOf(content(), errors, source && stream.envelopeOf(source));

  for (const message of messages) {
    try {
      items.push(message.read(message.content()));
      valid.push(message);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      rejects.push(reject(message, error.errors ?? [{ pointer: "", detail: error.message }]));
    }
  }
  const keys = items.map((item, index) => {
    const source = valid[index]?.source;
    return keyOf(item) ?? (source && stream.keyOf(source));
  });
  const { conflicts, kept, ...merged } = mergeByKey(items, keys);
  for (const index of conflicts) rejects.push(reject(valid[index] as Message, [conflictOf(keys[index] as string)]));
  const rejectItem = (item: number, errors: Problem["errors"]) =>
    reject(valid[kept[item] as number] as Message, errors);
  return { ...merged, batch, feed: { rejects, rejectOf: rejectItem } };
}
