import { encoded, Problem } from "../problem.ts";
import { parseExactly } from "../values/json.ts";

/**
 * Decodes a body strictly; a byte order mark before it is ignored, as RFC 8259 allows.
 *
 * @param exact keeps numbers as they are written
 * @throws {Problem} 400 when the bytes are not UTF-8 or the text is not JSON, 415 when they are compressed
 */
export function parseJson(body: Uint8Array, exact: boolean): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    const coding = codingOf(body);
    throw coding === undefined ? new Problem(400, "The body is not UTF-8.") : encoded(`is compressed (${coding})`);
  }
  if (text.trim() === "") throw new Problem(400, "The body is empty. Send an item, which is a JSON object.");
  try {
    return exact ? parseExactly(text) : JSON.parse(text);
  } catch (error) {
    // The OCI CLI sends --body as it stands, though it reads files named so in other options.
    const hint = text.startsWith("file://")
      ? 'it is the name of a file; try --body "$(cat payload.json)"'
      : whereOf(error);
    throw new Problem(400, `The body is not JSON: ${hint}.`);
  }
}

/** By what compressed bytes begin with, none of which is UTF-8 as a whole. Brotli's begin with anything. */
function codingOf(body: Uint8Array): string | undefined {
  const begin = Buffer.from(body.subarray(0, 4)).toString("hex");
  if (begin.startsWith("1f8b")) return "gzip";
  if (begin === "28b52ffd") return "zstd";
  return /^78(01|5e|9c|da)/.test(begin) ? "deflate" : undefined;
}

/** V8's message quotes the text, which must not be repeated; only the place in it is passed on. */
function whereOf(error: unknown): string {
  if (error instanceof RangeError) return "it is nested too deeply";
  const message = String(error);
  if (message.includes("Unexpected end")) return "it ends too early";
  return /line \d+ column \d+/.exec(message)?.[0].replace(" column", ", column") ?? "a character is out of place";
}

/** Visits each structural byte of JSON: a brace, bracket, colon or comma outside of strings. */
function walk(json: Uint8Array, visit: (byte: number, at: number) => void): void {
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (STRUCTURE[byte]) visit(byte, at);
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from(
  '"\\,:[]{}',
) as Iterable<number>;

/** By the byte. */
const STRUCTURE = Array.from({ length: 256 }, (_, byte) => ",:[]{}".includes(String.fromCharCode(byte)));

/** The bytes of each element of an array; undefined where they are not the structure of one, whatever its elements are. */
export function elementsOf(json: Buffer): Buffer[] | undefined {
  const elements: Buffer[] = [];
  let [depth, start, end] = [0, -1, -1];
  let isArray = true;
  walk(json, (byte, at) => {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth++ > 0) return;
      isArray &&= start < 0 && byte === OPEN_ARRAY && isBlank(json.subarray(0, at));
      start = at + 1;
    } else if (byte === COMMA && depth === 1) {
      elements.push(trimmed(json.subarray(start, at)));
      start = at + 1;
    } else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) {
      elements.push(trimmed(json.subarray(start, at)));
      end = at + 1;
    }
    isArray &&= depth >= 0;
  });
  if (!isArray || depth !== 0 || end < 0 || !isBlank(json.subarray(end))) return undefined;
  return elements.length === 1 && elements[0]?.length === 0 ? [] : elements;
}

/** But for a byte order mark. */
const isBlank = (json: Buffer) => trimmed(json).length === 0 || json.toString() === "\ufeff";

/** Without JSON's white space around it. */
function trimmed(json: Buffer): Buffer {
  const isSpace = (byte = 0) => [0x20, 0x09, 0x0a, 0x0d].includes(byte);
  let [from, to] = [0, json.length];
  while (from < to && isSpace(json[from])) from++;
  while (from < to && isSpace(json[to - 1])) to--;
  return json.subarray(from, to);
}

/**
 * Counts the members of each item, those of objects in its values too. Of two members with the same key `JSON.parse` keeps the
 * last in silence: then `membersOf` counts fewer.
 *
 * @param batch whether the items are in an array
 */
export function countMembers(json: Uint8Array, batch: boolean): number[] {
  const outside = batch ? 1 : 0;
  const counts: number[] = [];
  let [members, depth] = [0, 0];
  walk(json, (byte) => {
    if (byte === COLON) members++;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === outside) {
      counts.push(members);
      members = 0;
    }
  });
  return counts;
}

/** How many members `JSON.parse` kept of an item. */
export function membersOf(value: unknown): number {
  if (typeof value !== "object" || value === null || JSON.isRawJSON(value)) return 0;
  let members = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const member of Object.values(value)) members += membersOf(member);
  return members;
}
