import type { Cut } from "./platform/wire.ts";

/** Ends of the protocol's messages in one side's stream. https://www.postgresql.org/docs/current/protocol-message-formats.html */
function boundaries(stream: Buffer, from: Cut["from"]): number[] {
  const ends = [0];
  for (let at = 0; at < stream.length; ) {
    // The client's first message has no type byte.
    const type = from === "client" && at === 0 ? 0 : 1;
    at += type + stream.readInt32BE(at + type);
    ends.push(at);
  }
  return ends;
}

/** Every message's end. */
export function endings(stream: Buffer, from: Cut["from"]): number[] {
  return boundaries(stream, from).filter((at) => from === "client" || at > 0);
}

/** Every message's end, and within each message its first byte, its length and its middle. */
export function positions(stream: Buffer, from: Cut["from"]): number[] {
  const ends = boundaries(stream, from);
  const inside = ends.slice(0, -1).flatMap((start, index) => {
    const end = ends[index + 1] as number;
    return [start + 1, start + 3, Math.floor((start + end) / 2)].filter((at) => at > start && at < end);
  });
  return [...new Set([...ends, ...inside])].filter((at) => from === "client" || at > 0);
}
