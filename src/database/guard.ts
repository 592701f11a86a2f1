import type { Duplex } from "node:stream";
import type { Client } from "pg";
import { ProtocolError } from "../faults/errors.ts";

/**
 * A check of what a server sends, before pg's parser, which takes it for PostgreSQL's: other bytes would crash the process, keep
 * the parser busy for ever, or fill the memory.
 */

/** Bytes of one answer. The largest of ours are the ids of a whole batch, 10 MB. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

/** Messages of one answer, since each takes a hundred times its bytes. Ours are one row, a plan, or known keys, 5,000 at most. */
const MOST_MESSAGES = 10_000;

/** Bytes before the server is ready for the first time. */
const LONGEST_GREETING = 64 * 1024;

/** Types of messages that may come. Not those of COPY and of portals, which are never asked for: pg would answer them. */
const TYPES = new Set(Buffer.from("123ACDEIKNRSTZntv"));

/** Those of which pg keeps nothing, so that any number may come. */
const PASSING = new Set(Buffer.from("ANS"));

const [ERROR, NOTICE, READY] = Buffer.from("ENZ") as Iterable<number>;

/** Puts a check before pg's parser, and has what either throws end the connection. Before `connect`. */
export function guard(client: Client): void {
  const { connection } = client as unknown as { connection: { attachListeners(stream: Duplex): void } };
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream) => attach(guarded(stream));
}

/** As much of a stream as pg's parser uses. */
function guarded(stream: Duplex): Duplex {
  const check = createCheck();
  const on = (event: string, listener: (...args: unknown[]) => void) =>
    stream.on(event, event === "data" ? (chunk) => attempt(chunk, listener) : listener);
  function attempt(chunk: Buffer, listener: (chunk: Buffer) => void): void {
    try {
      check(chunk);
      listener(chunk);
    } catch (cause) {
      const error = cause instanceof ProtocolError ? cause : new ProtocolError(String(cause), { cause });
      stream.destroy(error);
    }
  }
  return { on } as unknown as Duplex;
}

/**
 * Follows the messages from chunk to chunk: a byte for the type, four for the length without it, the body.
 *
 * @returns what throws a ProtocolError where a chunk does not go on as PostgreSQL would
 */
function createCheck(): (chunk: Buffer) => void {
  const header: number[] = [];
  /** Of the message's body, to come. */
  let left = 0;
  let lastTwo = 0;
  let [kept, messages] = [0, 0];
  let limit = LONGEST_GREETING;

  function open([type = 0, ...bytes]: number[]): void {
    const length = Buffer.from(bytes).readUInt32BE();
    if (length < 4) throw new ProtocolError("the server sent a message that is shorter than its length");
    left = length - 4;
    if (!PASSING.has(type)) {
      kept += length;
      messages++;
    }
    if (left > LONGEST_ANSWER || kept > limit || messages > MOST_MESSAGES)
      throw new ProtocolError("the server sent more than any answer holds");
    // A body of one byte has no other before it.
    lastTwo = left === 1 ? 0 : 0xffff;
  }

  function close([type]: number[]): void {
    // pg's parser looks for the end of a list of fields beyond the message, and for ever.
    if ((type === ERROR || type === NOTICE) && lastTwo !== 0)
      throw new ProtocolError("the server sent an error without an end");
    if (type === READY) [kept, messages, limit] = [0, 0, LONGEST_ANSWER];
    header.length = 0;
  }

  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (header.length < 5) {
        const byte = chunk[at++] as number;
        if (header.push(byte) === 1 && !TYPES.has(byte)) throw new ProtocolError("the server sent an unknown message");
        if (header.length < 5) continue;
        open(header);
      } else {
        const end = Math.min(at + left, chunk.length);
        left -= end - at;
        for (const byte of chunk.subarray(Math.max(at, end - 2), end)) lastTwo = ((lastTwo << 8) | byte) & 0xffff;
        at = end;
      }
      if (left === 0) close(header);
    }
  };
}
