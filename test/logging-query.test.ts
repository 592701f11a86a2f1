import assert from "node:assert/strict";
import test from "node:test";
import { runQuery } from "./logging-query.ts";

const ENTRIES = [1, 2, 3].map((secret) => ({ data: { name: "a", ms: { secret } }, datetime: secret }));

for (const [sign, found] of [
  ["=", [2]],
  ["!=", [1, 3]],
  ["<", [1]],
  ["<=", [1, 2]],
  [">", [3]],
  [">=", [2, 3]],
] as const) {
  test(`compares numbers by ${sign}`, () => {
    const { rows } = runQuery(`search "x" | where data.ms.secret ${sign} 2 | select data.ms.secret as secret`, [
      ...ENTRIES,
      { data: { name: "a line without it" } },
    ]);
    assert.deepEqual(
      rows.map(({ secret }) => secret),
      found,
    );
  });
}

for (const [rest, says] of [
  ["| where data.ms.secrets = 1", /no row has data\.ms\.secrets/],
  ["| where data.ms.secret = '1'", /"1" is no number/],
  ["| where data.name = 1", /"a" is no number/],
  ["| where data.name > data.name", /"a" is no number/],
  ["| where data.name != 'b'", /!= of a text/],
  ['| where data.name = "a"', /: "a"/],
  ["| where data.name = 'a*'", /: 'a\*'/],
  ["| where data.ms.secret ~ 1", /: ~ 1/],
  ["| where data.ms.secret => 1", /: >/],
  ["| where data.ms.secret = 1 2", /: 2 instead of \|/],
  ["| where data.ms.secret", /the comparison undefined/],
  ["| where data.ms.secret = ", /the end of the query/],
  ["| summarize percentile(data.ms.secret, 95) as p95", /the aggregate percentile/],
  ["| summarize sum(data.name) as names", /"a" is no number/],
  ["| summarize sum() as nothing", /: \)/],
  ["| summarize count() as all by rounddown(datetime, 1h) as hour", /: 1/],
  ["| summarize count() as all by rounddown(datetime, '1w') as week", /: '1w'/],
  ["| summarize count() as all by rounddown(data.name, '1h') as hour", /"a" is no number/],
  ["| select parse_json(data) as data", /parse_json\(\)/],
  ["| limit 5", /the operator limit/],
] as const) {
  test(`refuses ${rest}`, () => assert.throws(() => runQuery(`search "x" ${rest}`, ENTRIES), says));
}

test("refuses a text for a log stream", () => assert.throws(() => runQuery("search 'x'", ENTRIES), /: 'x'/));
