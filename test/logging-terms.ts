/*
 * Of OCI Logging's query language what our documents use, after
 * https://docs.oracle.com/en-us/iaas/Content/Logging/Reference/query_language_specification.htm
 *
 * That page has: log streams and names in double quotes, texts in single ones; each of COMPARISONS for numbers, and for texts
 * `=` alone; `rounddown` with an interval in quotes; `select`, whose rows have no column where the field is absent.
 *
 * Believed: that a comparison with an absent field does not hold; that `sum` leaves absent values out, and a group by an
 * absent field has no column for it; that `datetime` is a number, milliseconds since 1970. What becomes of a number beside a
 * text the page does not say, so it is refused here.
 */
export const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  "=": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  "<": (left, right) => left < right,
  "<=": (left, right) => left <= right,
  ">": (left, right) => left > right,
  ">=": (left, right) => left >= right,
};

/** Of sum, avg, min, max, count, first and last, which are all that there are: none is a percentile. */
export const AGGREGATES: Readonly<Record<string, (values: readonly unknown[]) => number>> = {
  count: (values) => values.length,
  sum: (values) => values.reduce<number>((sum, value) => sum + numberOf(value), 0),
};

// A text with a backslash or a wildcard means more than it says, and is left out.
const TOKEN = /\s*("[^"]*"|'[^'\\*]*'|[A-Za-z_]\w*|\d+(?:\.\d+)?|!=|<=|>=|[|,().=<>])\s*/y;

export function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new Error(`not of the query language, or not known here: ${text.slice(at)}`);
    tokens.push(token);
  }
  return tokens;
}

export const isAbsent = (value: unknown) => value === undefined || value === null;

export function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  throw new Error(`${JSON.stringify(value)} is no number`);
}

export function compare(left: unknown, sign: string, right: unknown): boolean {
  if (isAbsent(left) || isAbsent(right)) return false;
  if (sign === "=" && typeof left === "string" && typeof right === "string") return left === right;
  return (COMPARISONS[sign] as (typeof COMPARISONS)["="])(numberOf(left), numberOf(right));
}
