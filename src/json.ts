import { Problem } from "./problem.ts";

/**
 * Decodes a body strictly; a byte order mark before it is ignored, as RFC 8259 allows.
 *
 * @throws {Problem} 400 when the bytes are not UTF-8 or the text is not JSON
 */
export function parseJson(body: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Problem(400, "The body is not UTF-8.");
  }
  if (text.trim() === "") throw new Problem(400, 'The body is empty. Send an item, like {"name": "…"}.');
  try {
    return JSON.parse(text);
  } catch (error) {
    // The OCI CLI sends --body as it stands, though it reads files named so in other options.
    const hint = text.startsWith("file://")
      ? 'it is the name of a file; try --body "$(cat payload.json)"'
      : whereOf(error);
    throw new Problem(400, `The body is not JSON: ${hint}.`);
  }
}

/** V8's message quotes the text, which must not be repeated; only the place in it is passed on. */
function whereOf(error: unknown): string {
  const message = String(error);
  if (message.includes("Unexpected end")) return "it ends too early";
  return /line \d+ column \d+/.exec(message)?.[0].replace(" column", ", column") ?? "a character is out of place";
}

/**
 * How many members each object of a JSON text has, in the order in which the objects begin, for objects that hold no
 * objects. `JSON.parse` keeps the last of two members with the same key in silence; this count betrays it.
 */
export function countMembers(json: Uint8Array): number[] {
  const counts: number[] = [];
  let members = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inString) {
      if (byte === 0x5c /* \ */) at++;
      else if (byte === 0x22 /* " */) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x3a /* : */) members++;
    else if (byte === 0x7d /* } */) {
      counts.push(members);
      members = 0;
    }
  }
  return counts;
}
