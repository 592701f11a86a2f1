import { AGGREGATES, COMPARISONS, compare, isAbsent, numberOf, tokensOf } from "./logging-terms.ts";

/** A log's entry as queries see it, or a row that an operator made of some. */
export type Row = Readonly<Record<string, unknown>>;

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

type Expression = (row: Row) => unknown;
type Operator = () => readonly Row[];

/**
 * Runs a query of OCI Logging over entries, as far as our documents use its language.
 *
 * @throws {Error} for what the language lacks or is not known here, and for a field that no row has
 */
export function runQuery(text: string, entries: readonly Row[]): { scope: string; rows: readonly Row[] } {
  const tokens = tokensOf(text);
  let rows = entries;
  const fail = (found: string): never => {
    throw new Error(`not of the query language, or not known here: ${found}`);
  };
  const next = (form = /./) => {
    const token = tokens.shift() ?? fail("the end of the query");
    return form.test(token) ? token : fail(token);
  };
  const accept = (...words: string[]) => words.includes(tokens[0] ?? "") && next();
  const expect = (word: string) => accept(word) || fail(`${tokens[0]} instead of ${word}`);
  const name = () => next(/^[a-z_]/i);
  const quoted = (form: RegExp) => next(form).slice(1, -1);

  function list<T>(part: () => T): T[] {
    const parts = [part()];
    while (accept(",")) parts.push(part());
    return parts;
  }

  function expression(): Expression {
    if (tokens[0]?.startsWith("'")) {
      const value = quoted(/^'/);
      return () => value;
    }
    if (/^\d/.test(tokens[0] ?? "")) {
      const value = Number(next());
      return () => value;
    }
    const path = [name()];
    if (accept("(")) return call(path[0] as string);
    while (accept(".")) path.push(name());
    const valueIn = (row: Row) => path.reduce<unknown>((value, key) => Object(value)[key], row);
    if (rows.every((row) => isAbsent(valueIn(row)))) throw new Error(`no row has ${path.join(".")}`);
    return valueIn;
  }

  function call(called: string): Expression {
    if (called !== "rounddown") fail(`${called}()`);
    const of = expression();
    expect(",");
    const interval = quoted(/^'[1-9]\d*[dhms]'$/);
    expect(")");
    const step = Number.parseInt(interval, 10) * (UNITS[interval.at(-1) as string] as number);
    return (row) => Math.floor(numberOf(of(row)) / step) * step;
  }

  function column(): { of: Expression; as: string } {
    return { of: expression(), as: expect("as") && name() };
  }

  function aggregate(): { as: string; over: (group: readonly Row[]) => number } {
    const word = name();
    const combine = AGGREGATES[word] ?? fail(`the aggregate ${word}`);
    expect("(");
    const of = tokens[0] === ")" && word === "count" ? () => 1 : expression();
    expect(")");
    expect("as");
    return { as: name(), over: (group) => combine(group.map(of).filter((value) => !isAbsent(value))) };
  }

  function comparison(): (row: Row) => boolean {
    const left = expression();
    const sign = accept(...Object.keys(COMPARISONS)) || fail(`the comparison ${tokens[0]}`);
    if (sign !== "=" && tokens[0]?.startsWith("'")) fail(`${sign} of a text`);
    const right = expression();
    return (row) => compare(left(row), sign, right(row));
  }

  const operators: Readonly<Record<string, Operator>> = {
    where() {
      const conditions = [comparison()];
      while (accept("and")) conditions.push(comparison());
      return rows.filter((row) => conditions.every((holds) => holds(row)));
    },
    sort() {
      expect("by");
      const by = expression();
      const sign = accept("asc", "desc") === "desc" ? -1 : 1;
      return rows.toSorted((a, b) => sign * (numberOf(by(a)) - numberOf(by(b))));
    },
    select() {
      const columns = list(column);
      return rows.map((row) => Object.fromEntries(columns.map(({ as, of }) => [as, of(row)])));
    },
    summarize() {
      const aggregates = list(aggregate);
      const keys = accept("by") ? list(column) : [];
      const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map(({ of }) => of(row) ?? null)));
      return [...groups.values()].map((group) =>
        Object.fromEntries([
          ...keys.map(({ as, of }) => [as, of(group[0] as Row)]),
          ...aggregates.map(({ as, over }) => [as, over(group)]),
        ]),
      );
    },
  };

  expect("search");
  const scope = quoted(/^"/);
  while (tokens.length > 0) {
    expect("|");
    const word = name();
    const operator = operators[word] ?? fail(`the operator ${word}`);
    rows = operator();
  }
  return { scope, rows };
}
