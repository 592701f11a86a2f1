import assert from "node:assert/strict";
import test from "node:test";
import { direct, gateway, platformForTests } from "./fixture.ts";
import { readings } from "./subjects.ts";

// The largest batch takes a minute of a busy machine, of which an attempt is given half.
const platform = await platformForTests({ functions: { timeoutSeconds: 300 } });
const { postgres } = platform;

const count = async () => (await postgres.query<{ n: number }>("SELECT count(*)::int AS n FROM items"))[0]?.n;

for (const size of [1, 2, 10_000]) {
  test(`a batch of ${size} is stored whole`, async () => {
    const before = (await count()) ?? 0;
    const items = Array.from({ length: size }, (_, index) => ({ name: `item ${index}`, description: `${index}` }));
    const { json } = await direct(platform, JSON.stringify(items));
    assert.equal(json.count, size);
    assert.equal(new Set(json.ids).size, size);
    assert.equal(await count(), before + size);
  });
}

test("a batch just under 6 MB is stored whole, as many small items or as one large one", async () => {
  const limit = 6 * 1024 * 1024;
  const many = Array(Math.floor((limit - 2) / 13)).fill('{"name":"n"}');
  const large = `[{"name":"large","description":"${"d".repeat(limit - 40)}"}]`;
  for (const [body, size] of [
    [`[${many.join(",")}]`, many.length],
    [large, 1],
  ] as const) {
    assert(limit - body.length < 100 && body.length <= limit);
    const before = (await count()) ?? 0;
    assert.equal((await direct(platform, body)).json.count, size);
    assert.equal(await count(), before + size);
  }
});

test("of 10,000 readings each other leaves out a column, and takes its default; an id may be beyond 2^53", async () => {
  const { options, relation, item, table } = readings;
  const { postgres: database, functions } = options;
  const other = await platformForTests({
    ...(database && { postgres: database }),
    functions: { ...functions, timeoutSeconds: 300 },
  });
  const first = 2n ** 53n - 5_000n;
  await other.postgres.query(`SELECT setval('telemetry.readings_id_seq', ${first}, false)`);
  const { body } = await other.functions.invoke({
    body: JSON.stringify(Array.from({ length: 10_000 }, (_, place) => item(`reading ${place}`, place))),
  });
  const ids = /"ids":\[([\d,]+)\]/.exec(body.toString())?.[1]?.split(",");
  assert.deepEqual(
    ids,
    Array.from({ length: 10_000 }, (_, place) => String(first + BigInt(place))),
  );
  const rows = await other.postgres.query(
    `SELECT note, valid, attributes::text, value::text, at = '2026-01-31T11:00:00.123456Z' AS "inTime"
     FROM ${relation} JOIN unnest($1::bigint[]) WITH ORDINALITY AS sent (id, place) USING (id) ORDER BY place`,
    [ids],
  );
  for (const [place, row] of rows.entries()) {
    const [note, attributes] = [`reading ${place}`, `{"room": ["reading ${place}", 0.1]}`];
    assert.deepEqual(row, { note, valid: place % 2 === 1, attributes, value: "21.5000", inTime: true });
  }
  assert.equal(rows.length, 10_000);
  const single = await other.functions.invoke({ body: JSON.stringify(item("single", 1)) });
  const answer = JSON.parse(single.body.toString());
  assert.deepEqual(Object.keys(answer), ["id", ...Object.keys(table.columns)]);
  assert.deepEqual([answer.valid, answer.day], [true, "2026-01-31"]);
  assert(single.body.toString().startsWith(`{"id":${first + 10_000n},`));
});

test("SQL is stored as text", async () => {
  const name = "'); DROP TABLE items; --";
  const { json } = await gateway(platform, "POST", "/items", JSON.stringify({ name, description: "$1 {NULL} \\" }));
  const [row] = await postgres.query("SELECT name, description FROM items WHERE id = $1", [json.id]);
  assert.deepEqual(row, { name, description: "$1 {NULL} \\" });
});
