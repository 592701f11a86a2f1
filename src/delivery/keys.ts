import { MOST_ERRORS, Problem, pointer } from "../problem.ts";

/** A name for items, by which they are stored once, by whichever invocation. */
export interface Key {
  /** With its kind before it, so that a caller's key is never taken for one of Streaming's. */
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

/** Before the text of a request's key. */
export const REQUEST = "request:";

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

/** Of a key, as a detail of a problem. */
export const OTHER_CONTENT = "was used for other content";

/** @param message which of the body an item is; absent where the body is the item */
export function otherContent(keys: readonly Key[], message?: (item: number) => number): Problem {
  const isRequests = keys.some(({ text }) => text.startsWith(REQUEST));
  const errors = keys.slice(0, MOST_ERRORS).map(({ covers: [item = 0] }) => ({
    pointer: isRequests ? "" : keyPointer(message?.(item)),
    detail: isRequests ? `is another than the first with this Idempotency-Key` : OTHER_CONTENT,
  }));
  return new Problem(422, "Nothing was stored, since a key was used for other content before.", { errors });
}
