import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExactly } from "../src/values/json.ts";
import { platformForTests } from "./fixture.ts";
import { sampleOf } from "./samples.ts";
import { bodyOf, strangers } from "./strangers.ts";
import { nested, REFUSED, TAKEN } from "./types/sources.ts";

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

test("what the database makes of a row is answered where a trigger sees the row, too", async (t) => {
  await postgres.query(`
    CREATE FUNCTION as_it_is() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER as_it_is BEFORE INSERT ON ${relation} FOR EACH ROW EXECUTE FUNCTION as_it_is()`);
  t.after(() => postgres.query("DROP FUNCTION as_it_is CASCADE"));
  functions.replace();
  const { json } = await send("{}");
  const [row] = await postgres.query(`SELECT "inTime", int4 FROM ${relation} WHERE id = ${json.id}`);
  assert.deepEqual({ inTime: json.inTime, int4: json.int4 }, row);
});

for (const [column, detail, sources] of REFUSED) {
  test(`what ${column} does not hold is refused, with ${detail}`, async () => {
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

test("a number of six million digits is refused at once", async () => {
  const since = performance.now();
  for (const name of ["numeric", "money", "double", "bigint", "integer", "jsonb"]) {
    const { json } = await send(bodyOf({ [name]: `1${"0".repeat(5_900_000)}1` }));
    assert.equal(json.status, 422, name);
    assert.equal(json.errors[0].pointer, `/${name}`);
  }
  assert(performance.now() - since < 20_000);
});
