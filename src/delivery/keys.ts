import { MOST_ERRORS, type Pointed, Problem, pointer } from "../problem.ts";

/** A name for items, by which they are stored once, by whichever invocation. */
export interface Key {
  /** As `keyText` makes it. */
  text: string;
  /** SHA-256 of what the items hold, in hexadecimal. Of a short text it can be guessed, so it is logged nowhere. */
  fingerprint: string;
  /** Which items: one, or for a request's key all. */
  covers: readonly number[];
}

/** The member of an item that is its key. */
export const KEY = "idempotency_key";

/** Where that is in a batch, or in an item. */
export function keyPointer(index?: number): string {
  return pointer(index === undefined ? [KEY] : [index, KEY]);
}

/** What brings a key: a request's header, an item, or the place of a message in a stream. */
type Origin = "request" | "item" | "stream";

/** With its origin before it, so that a caller's key is never taken for one of Streaming's. */
export const keyText = (origin: Origin, key: string) => `${origin}:${key}`;

const VISIBLE_ASCII = /^[!-~]{1,255}$/;

export function isKey(value: unknown): value is string {
  return typeof value === "string" && VISIBLE_ASCII.test(value);
}

/**
 * The key in the header Idempotency-Key: bare, as most clients send it, or a string of RFC 9651.
 *
 * @throws {Problem} 400 when it is none
 */
export function keyInHeader(header: string): string {
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim()) ?? [];
  const key = quoted === undefined ? header.trim() : quoted.replace(/\\(.)/g, "$1");
  if (isKey(key)) return key;
  throw new Problem(400, "The header Idempotency-Key must hold 1 to 255 visible ASCII characters, bare or in quotes.");
}

/** What is wrong with an item whose key came with other content before. */
export function conflictOf(text: string, index?: number): Pointed {
  switch (text.slice(0, text.indexOf(":")) as Origin) {
    case "request":
      return { pointer: "", detail: "is another than the first with this Idempotency-Key" };
    case "item":
      return { pointer: keyPointer(index), detail: "was used for other content" };
    case "stream":
      return { pointer: "", detail: "is another than the first from this place in the stream" };
  }
}

/** @param message gives the index in the body of an item; absent where the body is the item */
export function otherContent(keys: readonly Key[], message?: (item: number) => number): Problem {
  const errors = keys.slice(0, MOST_ERRORS).map(({ text, covers: [item = 0] }) => conflictOf(text, message?.(item)));
  return new Problem(422, "Nothing was stored, since a key was used for other content before.", { errors });
}
