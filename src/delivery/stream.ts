import { sha256 } from "./fingerprint.ts";
import { parseJson } from "./json.ts";
import { keyText } from "./keys.ts";

/** Where a message stands in OCI Streaming. */
export interface Envelope {
  stream: unknown;
  partition: unknown;
  offset: unknown;
  timestamp: unknown;
}

/** As Connector Hub hands it over. */
export interface StreamMessage extends Envelope {
  /** Base64. */
  value: unknown;
}

const MEMBERS = ["stream", "partition", "value", "offset", "timestamp"];

/** A longer key is hashed: an index holds no more than a third of a page. */
const LONGEST_KEY = 255;

/** Whether a body is a batch of Streaming's, and not one of items. */
export function isStream(body: unknown): body is StreamMessage[] {
  return Array.isArray(body) && body.length > 0 && body.every(isMessage);
}

function isMessage(value: unknown): value is StreamMessage {
  if (typeof value !== "object" || value === null) return false;
  return MEMBERS.every((name) => Object.hasOwn(value, name) && isScalar((value as Record<string, unknown>)[name]));
}

/** Streaming's members are no others, which could be nested more deeply than a key can be made of. */
function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null || JSON.isRawJSON(value);
}

/** The messages with their offsets as they are written, where JavaScript would round one. */
export function exactly(messages: StreamMessage[], body: Uint8Array): StreamMessage[] {
  const isRounded = messages.some(({ offset }) => typeof offset === "number" && !Number.isSafeInteger(offset));
  return isRounded ? (parseJson(body, true) as StreamMessage[]) : messages;
}

export function envelopeOf({ stream, partition, offset, timestamp }: StreamMessage): Envelope {
  return { stream, partition, offset, timestamp };
}

/** Readable, and alike but for their ends, so that keys of a batch are neighbours in the index. */
export function keyOf({ stream, partition, offset, timestamp }: StreamMessage): string {
  const key = JSON.stringify([stream, partition, offset, timestamp]);
  return keyText("stream", key.length > LONGEST_KEY ? sha256(key) : key);
}

/** A message's bytes: what the base64 stands for, or where it is none, itself. */
export function contentOf({ value }: StreamMessage): Buffer {
  if (typeof value !== "string") return Buffer.from(JSON.stringify(value));
  const isBase64 = value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
  return Buffer.from(value, isBase64 ? "base64" : "utf8");
}
