import { faultInNumeric } from "./decimal.ts";
import { faultInText } from "./text.ts";

/** Deeper JSON could exhaust the stack of whoever reads it, PostgreSQL too. */
const DEEPEST = 500;

/** Numbers become objects that hold their source. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) => (typeof value === "number" ? JSON.rawJSON(source) : value));
}

/** Why a value is no JSON that PostgreSQL can hold unchanged. */
export function faultInJson(value: unknown, depth = 0): string | undefined {
  if (typeof value === "string") return faultInText(value);
  if (typeof value !== "object" || value === null) return undefined;
  if (JSON.isRawJSON(value))
    return faultInNumeric(value.rawJSON) && "holds a number that has more digits than numeric holds";
  if (depth === DEEPEST) return `is nested more than ${DEEPEST} deep`;
  for (const [key, member] of Object.entries(value)) {
    const fault = faultInKey(key) ?? faultInJson(member, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * V8 (in Node.js 24.21) takes a key that begins with an escape for one of backslashes, where an object of the same shape had
 * such a key before: {"a":1,"\\n":2} after {"a":1,"\\\\":2}. So no key with a backslash is believed.
 */
function faultInKey(key: string): string | undefined {
  return key.includes("\\") ? "has a key with a backslash, which cannot be read for certain" : faultInText(key);
}

/** With each object's members in the order of their names. */
export function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null || JSON.isRawJSON(value)) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, inOrder(member)]));
}
