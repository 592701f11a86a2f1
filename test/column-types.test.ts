import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExactly } from "../src/json.ts";
import { platformForTests } from "./fixture.ts";
import { sampleOf } from "./samples.ts";
import { bodyOf, strangers } from "./strangers.ts";

const { table, relation, options } = await sampleOf("test/types");
const platform = await platformForTests(options);
const { postgres, functions } = platform;

// Whatever a session's settings are.
for (const setting of ["DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'", "extra_float_digits = 0"])
  await postgres.query(`ALTER ROLE ${postgres.credentials.username} SET ${setting}`);

// biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
async function send(body: string): Promise<{ text: string; json: any }> {
  const { code, body: answer } = await functions.invoke({ body });
  assert.equal(code, undefined, functions.logs.slice(-3).join("\n"));
  return { text: answer.toString(), json: JSON.parse(answer.toString()) };
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const digits = (count: number) => "1234567890".repeat(Math.ceil(count / 10)).slice(0, count);

/** What a column takes, as JSON writes it. */
const TAKEN: Record<string, string[]> = {
  text: ['""', '" a "', '"NULL"', '"{\\"\\\\\\",}"', '"\\ufeff\\u0001\\ud83d\\ude00"', '"e\\u0301"'],
  varchar: [`"${"😀".repeat(20)}"`, '"ends in blanks      "', '"                    "'],
  integer: ["0", "-0", "2147483647", "-2147483648"],
  bigint: [
    ...["9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", '"9007199254740993"'],
    ...["9223372036854775807", "-9223372036854775808", '"-9223372036854775808"'],
  ],
  numeric: [
    ...["1e-7", "1E400", "-0", "0.1", "1.10", "0.30000000000000004", '"1e-7"', '"-12.50"', "9007199254740993"],
    ...[digits(30), `0.${digits(30)}`, `"${digits(30)}.${digits(30)}"`, digits(131_072), `0.${digits(16_383)}`],
    ...["1e131071", "1e-16383", "0e99999", `1${"0".repeat(100_000)}1`],
  ],
  money: ["0", "1.0000000", "99999999.9999", '"-99999999.9999"', "12e2", "123456e-4", '"0.0001"', "1.5e7", "0.0000e-3"],
  double: [
    "1e-7",
    "0.1",
    "0.30000000000000004",
    "-0",
    "-0.0",
    "1.0",
    "1e3",
    "5e-324",
    "1.7976931348623157e308",
    "1E22",
  ],
  boolean: ["true", "false"],
  date: ['"2024-02-29"', '"2000-02-29"', '"0001-01-01"', '"0099-12-31"', '"9999-12-31"'],
  timestamptz: [
    ...['"2026-01-31T12:00:00Z"', '"2026-01-31t12:00:00.1z"', '"2026-01-31T12:00:00.123456+01:00"'],
    ...['"2024-02-29T23:59:59.999999-15:59"', '"0001-01-01T00:00:00+15:59"', '"9999-12-31T23:59:59.999999-15:59"'],
    ...['"1970-01-01T00:00:00-00:00"', '"1883-11-18T12:03:58+05:45"'],
  ],
  uuid: ['"123e4567-e89b-12d3-a456-426614174000"', '"123E4567-E89B-12D3-A456-42661417400F"'],
  jsonb: [
    ...["true", '""', '"null"', "[null]", "{}", "[]", '{"a":{"b":[{"c":"\\ud83d\\ude00"}]}}', nested(500)],
    ...['{"__proto__":{"__proto__":1}}', '{"constructor":1,"rawJSON":2}', '{"a":1,"b":{"a":1}}', '{"":{"":""}}'],
    ...["-0", "1e400", "0.1", "0.30000000000000004", "9007199254740993", digits(40), `[0.${digits(40)}, -1E-30, 1.10]`],
  ],
};

/** What a column does not take, and what the answer says that it must be. */
const REFUSED: [column: string, detail: RegExp, sources: string[]][] = [
  ["text", /^must be a string$/, ["1", "true", "{}", "[]", '["a"]']],
  ["text", /U\+0000/, ['"\\u0000"']],
  ["text", /unpaired surrogate/, ['"\\ud800"', '"a\\udc00"', '"\\ude00\\ud83d"']],
  [
    "varchar",
    /^must have at most 20 characters$/,
    [`"${"a".repeat(21)}"`, `"${" ".repeat(21)}"`, `"${"😀".repeat(21)}"`],
  ],
  ["integer", /^must be from -2147483648 to 2147483647$/, ["2147483648", "-2147483649", digits(100)]],
  ["integer", /^must be a whole number, without fraction or exponent$/, ["1.0", "1e3", "1.5", "1E0"]],
  ["integer", /^must be a number$/, ['"1"', "true", '""', "[1]"]],
  [
    "bigint",
    /^must be from -9223372036854775808 to 9223372036854775807$/,
    ["9223372036854775808", "-9223372036854775809", `"${digits(200)}"`],
  ],
  ["bigint", /whole number/, ["1.0", '"1.0"', "1e3", '"1e3"']],
  [
    "bigint",
    /^must be a number, or a string that holds one$/,
    ['"one"', '""', '" 1"', '"1 "', '"0x10"', '"+1"', '"01"', '"1_000"', "false"],
  ],
  ["numeric", /^must be a number, or/, ['"NaN"', '"Infinity"', '"-inf"', '"1,5"', '".5"', '"5."', '""', "{}"]],
  [
    "numeric",
    /^has more digits than numeric holds$/,
    [
      "1e131072",
      '"1e-16384"',
      `0.${digits(16_384)}`,
      digits(131_073),
      "1e99999999999",
      '"-1e-99999999999"',
      "0e-99999",
    ],
  ],
  [
    "money",
    /^has more digits than numeric\(12,4\) holds$/,
    ["0.00001", '"1.23456"', "100000000", "1e8", "99999999.99995", "1e-400", "1e99999999999"],
  ],
  [
    "double",
    /^has more digits/,
    ["1e400", "-1e400", "1e-400", "9007199254740993", "0.12345678901234567890", digits(30)],
  ],
  ["double", /^must be a number$/, ['"1"', '"NaN"', "true"]],
  ["boolean", /^must be true or false$/, ['"true"', "1", "0", '"t"', '""']],
  [
    "date",
    /^must be a date like/,
    [
      '"2023-02-29"',
      '"1900-02-29"',
      '"2026-04-31"',
      '"2026-13-01"',
      '"2026-00-10"',
      '"2026-01-00"',
      '"0000-01-01"',
      '"10000-01-01"',
      '"2026-1-1"',
      '"20260101"',
      '"infinity"',
      '"now"',
      '"today"',
      '"2026-01-31T00:00:00Z"',
      "20260131",
      '"2026-01-31 "',
    ],
  ],
  [
    "timestamptz",
    /RFC 3339, with its offset and at most microseconds$/,
    [
      '"2026-01-31T12:00:00"',
      '"2026-01-31T12:00:00.1234567Z"',
      '"2026-01-31T24:00:00Z"',
      '"2026-12-31T23:59:60Z"',
      '"2026-01-31 12:00:00Z"',
      '"2026-01-31T12:00Z"',
      '"2026-01-31T12:00:00+16:00"',
      '"2026-01-31T12:00:00+01"',
      '"2026-01-31T12:00:00+0100"',
      '"2026-01-31T12:00:00 Europe/Paris"',
      '"2023-02-29T12:00:00Z"',
      '"0000-01-01T00:00:00Z"',
      '"infinity"',
      '"now"',
      '"today"',
      '"epoch"',
      "1769860800",
      '"2026-01-31T12:00:00,5Z"',
      '"2026-01-31T12:00:00.Z"',
      '"2026-01-31"',
    ],
  ],
  [
    "uuid",
    /^must be a UUID like/,
    [
      '"123e4567e89b12d3a456426614174000"',
      '"{123e4567-e89b-12d3-a456-426614174000}"',
      '""',
      '"123e4567-e89b-12d3-a456-42661417400g"',
      "1",
    ],
  ],
  ["never null", /^must not be null$/, ["null"]],
  ["jsonb", /U\+0000/, ['"\\u0000"', '{"a":{"b":["\\u0000"]}}', '{"a":[{"\\u0000":1}]}']],
  ["jsonb", /key with a backslash/, ['{"\\\\":1}', '{"a":[{"b\\\\c":1}]}', '{"a":{"\\u005c":1}}']],
  ["jsonb", /unpaired surrogate/, ['"\\ud800"', '{"a":{"b":["\\udc00"]}}', '{"a":[{"\\ud83d":1}]}']],
  ["jsonb", /^is nested more than 500 deep$/, [nested(501), `${'{"a":'.repeat(501)}1${"}".repeat(501)}`]],
  [
    "jsonb",
    /^holds a number that has more digits than numeric holds$/,
    ["1e131072", '{"a":[{"b":1e-16384}]}', "1e99999999999", "-1e-99999999999"],
  ],
];

test("the ends of what each type takes are stored and answered as they were sent", async () => {
  const items = Object.entries(TAKEN).flatMap(([name, sources]) => sources.map((source) => ({ [name]: source })));
  for (const item of items) {
    const { text, json } = await send(bodyOf(item));
    assert.equal("status" in json, false, `${bodyOf(item).slice(0, 100)} ${text.slice(0, 300)}`);
    const row = parseExactly(text) as Record<string, unknown>;
    const told = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, JSON.stringify(value)]));
    const left = Object.fromEntries(Object.keys(table.columns).map((name) => [name, undefined]));
    assert.deepEqual(await strangers(postgres, table, relation, [json.id], [{ ...left, ...item }]), []);
    assert.deepEqual(await strangers(postgres, table, relation, [json.id], [told], true), []);
  }
  const { json } = await send(`[${items.map(bodyOf)}]`);
  assert.deepEqual(await strangers(postgres, table, relation, json.ids, items), []);
});

for (const [column, detail, sources] of REFUSED) {
  test(`${column}: what is refused as ${detail}`, async () => {
    const before = await postgres.query(`SELECT count(*) FROM ${relation}`);
    for (const name of [column, `${column}'s`]) {
      if (!(name in table.columns)) continue;
      const batch = await send(`[${sources.map((source) => bodyOf({ [name]: source }))}]`);
      assert.equal(batch.json.status, 422, batch.text.slice(0, 500));
      assert.deepEqual(
        batch.json.errors.map(({ pointer }: { pointer: string }) => pointer),
        sources.map((_, index) => `/${index}/${name}`),
      );
      for (const error of batch.json.errors) assert.match(error.detail, detail);
    }
    for (const source of sources) {
      const { json } = await send(bodyOf({ [column]: source }));
      assert.equal(json.status, 422);
      assert.equal(json.errors[0].pointer, `/${column}`, source.slice(0, 100));
    }
    assert.deepEqual(await postgres.query(`SELECT count(*) FROM ${relation}`), before);
  });
}

test("the same key twice is refused however deep it is, and the same key in two objects is taken", async () => {
  for (const source of ['{"a":1,"a":1}', '[{"b":{"a":1,"\\u0061":2}}]', '{"__proto__":1,"__proto__":2}']) {
    const { json } = await send(`[{}, ${bodyOf({ jsonb: source })}]`);
    assert.equal(json.status, 422, source);
    assert.deepEqual(json.errors, [{ pointer: "/1", detail: "has the same key twice" }]);
  }
});

test("JSON of any depth is refused, and the function lives on", async () => {
  const [container] = functions.containers;
  for (const depth of [1_000, 10_000, 100_000, 1_000_000]) {
    for (const body of [
      nested(depth),
      `{"jsonb":${nested(depth)}}`,
      `{"jsonb":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`,
    ]) {
      if (body.length > 6e6) continue;
      const { json } = await send(body);
      assert([400, 422].includes(json.status), JSON.stringify(json).slice(0, 300));
    }
  }
  assert.deepEqual(functions.containers, [container]);
});

test("a value that is no item is refused as one, numbers too", async () => {
  for (const source of ["1", "1.5", '"a"', "true", "null"]) {
    const alone = await send(source);
    assert.deepEqual(
      alone.json.errors.map(({ pointer }: { pointer: string }) => pointer),
      [""],
      alone.text,
    );
    const among = await send(`[{}, ${source}]`);
    assert.deepEqual(
      among.json.errors.map(({ pointer }: { pointer: string }) => pointer),
      ["/1"],
      among.text,
    );
    assert.match(among.json.errors[0].detail, /^must be an object like/);
  }
});

test("an answer stays below the platform's limit, however many columns it tells of", async () => {
  for (const length of [6_000_000 - 200, 6_000_000 - 1_000, 6_000_000 - 4_000]) {
    const { text, json } = await send(bodyOf({ text: `"${"t".repeat(length - 11)}"` }));
    assert(text.length <= 6_000_000, `${length} became ${text.length}`);
    if (length === 6_000_000 - 200) assert.equal(json.errors[0].pointer, "/text");
    if (length === 6_000_000 - 4_000) assert.equal(typeof json.id, "number");
  }
});

test("in one batch, null is null, and absent is the default", async () => {
  const [name, usual] = ["boolean's", "false"];
  const sources = ["true", undefined, "null", undefined, "false"];
  const { json } = await send(`[${sources.map((source) => bodyOf({ [name]: source, text: '"mixed"' }))}]`);
  const rows = await postgres.query(
    `SELECT "boolean's"::text AS value FROM ${relation} WHERE text = 'mixed' ORDER BY id`,
  );
  assert.deepEqual(
    rows.map(({ value }) => value ?? "null"),
    sources.map((source) => source ?? usual),
  );
  assert.deepEqual(
    json.ids,
    [...json.ids].sort((one, other) => one - other),
  );
  const single = await send(bodyOf({ [name]: "null" }));
  assert.equal(single.json[name], null);
});

test("a number of six million digits is refused at once", async () => {
  const since = performance.now();
  for (const name of ["numeric", "money", "double", "bigint", "integer", "jsonb"]) {
    const { json } = await send(bodyOf({ [name]: `1${"0".repeat(5_900_000)}1` }));
    assert.equal(json.status, 422, name);
    assert.equal(json.errors[0].pointer, `/${name}`);
  }
  assert(performance.now() - since < 20_000);
});
