/** A log's entry as queries see it, or a row that an operator made of some. */
export type Row = Readonly<Record<string, unknown>>;

type Expression = (row: Row) => unknown;
interface Named {
  name: string;
  of: Expression;
}

const TOKEN = /"(?:[^"]|"")*"|'[^']*'|[A-Za-z_]\w*|\d+|!=|<=|>=|[|,().=<>]/g;

/** All that there are. None is a percentile, and no function looks into a text. */
const AGGREGATES: Readonly<Record<string, (values: number[]) => number | undefined>> = {
  count: (values) => values.length,
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  first: (values) => values[0],
  last: (values) => values.at(-1),
};

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Runs what our documents use of OCI Logging's query language over entries:
 * https://docs.oracle.com/en-us/iaas/Content/Logging/Reference/query_language_specification.htm
 *
 * @throws {Error} for what the language lacks or is not known here, and for a field that no row has
 */
export function runQuery(text: string, entries: readonly Row[]): { scope: string; rows: readonly Row[] } {
  const tokens = text.match(TOKEN) ?? [];
  if (tokens.join("") !== text.replace(/\s+(?=(?:[^"']|"[^"]*"|'[^']*')*$)/g, ""))
    throw new Error(`not of the query language: ${text}`);
  let rows = entries;
  const next = () => tokens.shift() ?? fail("the end of the query");
  const fail = (found: string): never => {
    throw new Error(`not expected: ${found}`);
  };
  const accept = (...words: string[]) => words.includes(tokens[0] ?? "") && next();
  const expect = (word: string) => accept(word) || fail(`${tokens[0]} instead of ${word}`);
  const literal = () => /^["'](.*)["']$/.exec(next())?.[1] ?? fail("no text in quotes");

  function list<T>(part: () => T): T[] {
    const parts = [part()];
    while (accept(",")) parts.push(part());
    return parts;
  }

  function expression(): Expression {
    if (tokens[0]?.startsWith("'")) {
      const value = literal();
      return () => value;
    }
    if (/^\d/.test(tokens[0] ?? "")) {
      const value = Number(next());
      return () => value;
    }
    const path = [next()];
    if (accept("(")) return call(path[0] as string);
    while (accept(".")) path.push(next());
    const valueIn = (row: Row) => path.reduce<unknown>((value, name) => Object(value)[name], row);
    if (rows.every((row) => valueIn(row) === undefined)) throw new Error(`no row has ${path.join(".")}`);
    return valueIn;
  }

  function call(name: string): Expression {
    if (name !== "rounddown") throw new Error(`the query language has no ${name}()`);
    const of = expression();
    expect(",");
    const [, count, unit = ""] = /^(\d+)([dhms])$/.exec(literal()) ?? fail("no interval");
    expect(")");
    const step = Number(count) * (UNITS[unit] as number);
    return (row) => Math.floor(Number(of(row)) / step) * step;
  }

  function named(of: Expression, fallback: string): Named {
    return { of, name: accept("as") ? next() : fallback };
  }

  function aggregate(): { name: string; over: (rows: Row[]) => unknown } {
    const word = next();
    const combine = AGGREGATES[word] ?? fail(`the aggregate ${word}, which the query language has not`);
    expect("(");
    const of = tokens[0] === ")" ? () => 1 : expression();
    expect(")");
    const { name } = named(of, word);
    return { name, over: (group) => combine(group.map(of).filter((value) => value !== undefined) as number[]) };
  }

  const operators: Readonly<Record<string, () => readonly Row[]>> = {
    where() {
      const comparison = () => {
        const [left, sign, right] = [expression(), accept("=", "!=") || fail("another comparison"), expression()];
        return (row: Row) => (left(row) === right(row)) === (sign === "=");
      };
      const conditions = [comparison()];
      while (accept("and")) conditions.push(comparison());
      return rows.filter((row) => conditions.every((holds) => holds(row)));
    },
    sort() {
      expect("by");
      const keys = list(() => ({ of: expression(), sign: accept("asc", "desc") === "desc" ? -1 : 1 }));
      const compare = (a: unknown, b: unknown) =>
        Number((a as number) > (b as number)) - Number((a as number) < (b as number));
      return rows.toSorted((a, b) => keys.reduce((order, { of, sign }) => order || sign * compare(of(a), of(b)), 0));
    },
    select() {
      const columns = list(() => named(expression(), "unnamed"));
      return rows.map((row) => Object.fromEntries(columns.map(({ name, of }) => [name, of(row)])));
    },
    summarize() {
      const aggregates = list(aggregate);
      const keys = accept("by") ? list(() => named(expression(), "unnamed")) : [];
      const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map(({ of }) => of(row) ?? null)));
      return [...groups.values()].map((group) =>
        Object.fromEntries([
          ...keys.map(({ name, of }) => [name, of(group[0] as Row)]),
          ...aggregates.map(({ name, over }) => [name, over(group)]),
        ]),
      );
    },
  };

  expect("search");
  const scope = literal();
  while (tokens.length > 0) {
    expect("|");
    const word = next();
    const operator = operators[word] ?? fail(`the operator ${word}`);
    rows = operator();
  }
  return { scope, rows };
}
