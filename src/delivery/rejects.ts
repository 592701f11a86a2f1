import type { Pointed } from "../problem.ts";
import { sha256 } from "./fingerprint.ts";
import type { Envelope } from "./stream.ts";

/** A message that is kept apart from the items. */
export interface Reject {
  /** Of the message, so that one that comes again is there once. */
  key: string;
  /** What makes a message of Streaming of it, to be delivered again. JSON. */
  source: string;
  content: Buffer;
  /** As in a problem. JSON. */
  errors: string;
}

/** @param envelope of a message of Streaming; others have none */
export function rejectOf(content: Buffer, errors: readonly Pointed[], envelope?: Envelope): Reject {
  const digest = sha256(content);
  const source = storable(envelope ?? { stream: null, partition: null, offset: digest, timestamp: null });
  return { key: sha256(`${source} ${digest}`), source, content, errors: storable(errors) };
}

/** JSON that jsonb can hold: U+0000 and unpaired surrogates, which a faulty message may have in its keys, become U+FFFD. */
function storable(json: unknown): string {
  return JSON.stringify(json, (_key, value) =>
    typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\ufffd") : value,
  );
}

/** With question marks in place of what a database of another encoding than UTF-8 may not hold. Its content stays as it came. */
export function inAscii({ source, errors, ...reject }: Reject): Reject {
  const plain = (json: string) => json.replace(/[^\0-\x7f]/gu, "?");
  return { ...reject, source: plain(source), errors: plain(errors) };
}

export function isAscii({ source, errors }: Reject): boolean {
  return !/[^\0-\x7f]/.test(source + errors);
}
