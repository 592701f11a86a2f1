/**
 * Conditions, as policy statements and the rules of dynamic groups have them: comparisons in `all {…}` and `any {…}`.
 * https://docs.oracle.com/en-us/iaas/Content/Identity/policysyntax/conditions.htm
 */
import { createReader, type Reader } from "./reader.ts";
import { all, any, not, type Verdict, verdict } from "./verdict.ts";

export type Condition =
  | { kind: "all" | "any" | "list"; of: Condition[] }
  | { kind: "comparison"; variable: string; equal: boolean; values: string[] }
  /** A variable alone: it must be there. */
  | { kind: "presence"; variable: string }
  | { kind: "unreadable" };

/**
 * What a variable is in the request that is judged: its value, null where the request has no such variable, undefined
 * where that cannot be told from here.
 */
export type Variables = (name: string) => string | null | undefined;

const VARIABLE = /[A-Za-z][\w.-]*/;
const QUOTED = /'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"/;
const PATTERN = /\/(?:\\.|[^/'\\])*\//;
const BARE = /[^\s,{}()'"=!/]+/;
/** Up to the next comma or brace of the same level. */
const REST_OF_ITEM = /(?:[^,{}()'"/]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\/(?:\\.|[^/'\\])*\/|\([^()]*\)|\{[^{}]*\})+/;

/** What cannot be read is unreadable, as far as it goes and no further. */
export function readCondition(text: string): Condition {
  const reader = createReader(text);
  const items = readItems(reader);
  if (!reader.atEnd()) return { kind: "unreadable" };
  return items.length === 1 && items[0] ? items[0] : { kind: "list", of: items };
}

function readItems(reader: Reader): Condition[] {
  const items: Condition[] = [];
  // A comma may stand behind the last one too.
  do {
    if (reader.peek(/\}/) || reader.atEnd()) break;
    items.push(readItem(reader));
  } while (reader.take(/,/));
  return items;
}

function readItem(reader: Reader): Condition {
  const start = reader.mark();
  const mode = reader.take(/(?:all|any)(?=\s*\{)/i)?.toLowerCase();
  if (mode && reader.take(/\{/)) {
    const of = readItems(reader);
    if (reader.take(/\}/)) return { kind: mode as "all" | "any", of };
  } else {
    const comparison = readComparison(reader);
    if (comparison && (reader.peek(/[,}]/) || reader.atEnd())) return comparison;
  }
  reader.reset(start);
  reader.take(REST_OF_ITEM);
  return { kind: "unreadable" };
}

function readComparison(reader: Reader): Condition | undefined {
  const variable = reader.take(VARIABLE)?.toLowerCase();
  if (!variable) return undefined;
  const operator = reader.take(/!=|=|not\s+in(?=\s*\()|in(?=\s*\()/i)?.toLowerCase();
  if (!operator) return { kind: "presence", variable };
  const equal = operator === "=" || operator === "in";
  if (operator.endsWith("=")) {
    const value = readValue(reader);
    return value === undefined ? undefined : { kind: "comparison", variable, equal, values: [value] };
  }
  const values: string[] = [];
  reader.take(/\(/);
  do {
    const value = readValue(reader);
    if (value === undefined) return undefined;
    values.push(value);
  } while (reader.take(/,/));
  return reader.take(/\)/) ? { kind: "comparison", variable, equal, values } : undefined;
}

/** A text, or a pattern with its slashes. */
function readValue(reader: Reader): string | undefined {
  const quoted = reader.take(QUOTED);
  if (quoted !== undefined) return quoted.slice(1, -1).replaceAll(/\\(.)/g, "$1");
  return reader.take(PATTERN) ?? reader.take(BARE);
}

export function evaluate(condition: Condition, variables: Variables): Verdict {
  switch (condition.kind) {
    case "all":
    case "any": {
      const verdicts = condition.of.map((one) => evaluate(one, variables));
      return condition.kind === "all" ? all(verdicts) : any(verdicts);
    }
    case "list": {
      // Whether such a list is an "all" or an "any" is not documented.
      const [strict, lenient] = (["all", "any"] as const).map((kind) => evaluate({ ...condition, kind }, variables));
      return strict && strict === lenient ? strict : "unknown";
    }
    case "comparison": {
      const value = variables(condition.variable);
      if (value === undefined) return "unknown";
      // A variable that a request does not have declines it; with != that is documented for a few alone.
      if (value === null) return condition.equal ? "no" : "unknown";
      const same = verdict(condition.values.some((wanted) => matches(wanted, value)));
      return condition.equal ? same : not(same);
    }
    case "presence": {
      const value = variables(condition.variable);
      return value === undefined ? "unknown" : verdict(value !== null);
    }
    case "unreadable":
      return "unknown";
  }
}

/** Matching ignores case; in a pattern the asterisk stands for anything. */
function matches(wanted: string, value: string): boolean {
  const text = value.toLowerCase();
  if (!/^\/.*\/$/s.test(wanted)) return wanted.toLowerCase() === text;
  const parts = wanted.slice(1, -1).replaceAll(/\\(.)/gs, "$1").toLowerCase().split("*");
  const [head = "", tail = ""] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return head === text;
  let at = head.length;
  if (!text.startsWith(head)) return false;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
