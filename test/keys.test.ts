import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type Answer, closingLine, direct, platformForTests } from "./fixture.ts";

const platform = await platformForTests();
const { postgres } = platform;

beforeEach(async () => {
  await postgres.query("TRUNCATE items, items_keys");
});

const send = (body: unknown): Promise<Answer> => direct(platform, JSON.stringify(body));
const names = async () =>
  (await postgres.query<{ name: string }>("SELECT name FROM items ORDER BY id")).map(({ name }) => name);

/** Through the gateway, with the header. */
async function request(key: string, body: unknown) {
  const response = await fetch(`${platform.url}/items`, {
    method: "POST",
    headers: { "Idempotency-Key": key },
    body: JSON.stringify(body),
  });
  const { status, headers } = response;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
  return { status, replayed: headers.get("idempotency-replayed"), json: (await response.json()) as any };
}

test("an item that comes again with its key is stored once, and answered as the first time", async () => {
  const first = await send({ name: "a", idempotency_key: "k1" });
  assert.equal(first.status, 200);
  assert.deepEqual(await send({ idempotency_key: "k1", description: null, name: "a" }), first);
  assert.deepEqual(await names(), ["a"]);
  assert.equal(first.json.idempotency_key, undefined);
});

for (const [what, change] of [
  ["deleted", "DELETE FROM items"],
  ["changed", "UPDATE items SET name = 'b', created_at = 'epoch'"],
  ["moved", "UPDATE items SET id = id + 1000000"],
] as const) {
  test(`an item whose row was ${what} since is answered as the first time`, async () => {
    const first = await send({ name: "a", idempotency_key: "k1" });
    await postgres.query(change);
    const count = (await names()).length;
    assert.deepEqual(await send({ name: "a", idempotency_key: "k1" }), first);
    assert.equal((await names()).length, count);
  });
}

test("a key that comes with other content is refused", async () => {
  await send({ name: "a", idempotency_key: "k1" });
  const second = await send({ name: "b", idempotency_key: "k1" });
  assert.equal(second.json.status, 422);
  assert.deepEqual(second.json.errors, [{ pointer: "/idempotency_key", detail: "was used for other content" }]);
  const batch = await send([{ name: "c" }, { name: "b", idempotency_key: "k1" }]);
  assert.deepEqual(batch.json.errors, [{ pointer: "/1/idempotency_key", detail: "was used for other content" }]);
  assert.deepEqual(await names(), ["a"]);
});

test("of a batch what is new is stored, and the ids are told of all", async () => {
  const first = await send([
    { name: "a", idempotency_key: "ka" },
    { name: "b", idempotency_key: "kb" },
  ]);
  const second = await send([
    { name: "b", idempotency_key: "kb" },
    { name: "c", idempotency_key: "kc" },
    { name: "d" },
    { name: "a", idempotency_key: "ka" },
  ]);
  const [a, b] = first.json.ids;
  const [b2, c, d, a2] = second.json.ids;
  assert.deepEqual([a2, b2, second.json.count], [a, b, 4]);
  assert.deepEqual(await names(), ["a", "b", "c", "d"]);
  assert.equal(new Set([a, b, c, d]).size, 4);
});

test("a key that comes twice in a batch is one row, or refused", async () => {
  const twice = await send([
    { name: "a", idempotency_key: "k1" },
    { name: "b" },
    { name: "a", description: null, idempotency_key: "k1" },
  ]);
  const [one, two, three] = twice.json.ids;
  assert.equal(one, three);
  assert.notEqual(one, two);
  assert.deepEqual(await names(), ["a", "b"]);
  const other = await send([
    { name: "x", idempotency_key: "k2" },
    { name: "y", idempotency_key: "k2" },
  ]);
  assert.deepEqual(other.json.errors, [{ pointer: "/1/idempotency_key", detail: "was used for other content" }]);
});

test("an item of a batch that comes alone has the answer of an item", async () => {
  const { json } = await send([{ name: "a", idempotency_key: "k1" }]);
  const alone = await send({ name: "a", idempotency_key: "k1" });
  assert.equal(alone.json.id, json.ids[0]);
  assert.match(alone.json.created_at, /^\d{4}-/);
});

for (const key of ["", "a b", "é", "x".repeat(256), 1, null]) {
  test(`${JSON.stringify(key).slice(0, 20)} is refused as a key`, async () => {
    const { json } = await send({ name: "a", idempotency_key: key });
    assert.equal(json.status, 422);
    assert.equal(json.errors[0].pointer, "/idempotency_key");
  });
}

test("the header covers the whole request", async () => {
  const items = [{ name: "a" }, { name: "b" }];
  const first = await request("r1", items);
  assert.deepEqual([first.status, first.replayed], [201, null]);
  const second = await request('"r1"', items);
  assert.deepEqual([second.status, second.replayed, second.json], [201, "true", first.json]);
  for (const other of [[{ name: "a" }], [...items, { name: "c" }], [{ name: "b" }, { name: "a" }]]) {
    const refused = await request("r1", other);
    assert.equal(refused.status, 422);
    assert.equal(refused.json.errors[0].pointer, "");
  }
  assert.deepEqual(await names(), ["a", "b"]);
  const item = await request("r2", { name: "c" });
  await postgres.query("DELETE FROM items");
  assert.deepEqual((await request("r2", { name: "c" })).json, item.json);
});

test("the header and a key in an item exclude each other, and an unfit header is refused", async () => {
  const both = await request("r1", [{ name: "a" }, { name: "b", idempotency_key: "k" }]);
  assert.deepEqual([both.status, both.json.errors[0].pointer], [422, "/1/idempotency_key"]);
  assert.equal((await request("a b", { name: "a" })).status, 400);
});

test("the same key from many containers at once is one row and one answer", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => send({ name: "a", idempotency_key: "k1" })));
  for (const { json } of answers) assert.deepEqual(json, answers[0]?.json);
  assert.deepEqual(await names(), ["a"]);
});

test("without the table of keys, items without keys are stored, and a key is told what it lacks", async () => {
  await postgres.query("ALTER TABLE items_keys RENAME TO hidden");
  try {
    assert.equal((await send({ name: "a" })).json.name, "a");
    const { callId, code } = await platform.functions.invoke({ body: '{"name":"b","idempotency_key":"k"}' });
    assert.equal(code, "FunctionInvokeExecutionFailed");
    const line = await closingLine(platform, callId);
    assert.equal(line.code, "42P01");
    assert.match(line.remedy, /schema\.sql/);
    assert.deepEqual(await names(), ["a"]);
  } finally {
    await postgres.query("ALTER TABLE hidden RENAME TO items_keys");
  }
});

test("a header that comes twice is one key, or refused", async () => {
  for (const [values, status] of [
    [["r1", "r1"], "201"],
    [["r1", "r2"], "400"],
  ] as const) {
    const headers = { "Idempotency-Key": [...values] };
    const answer = await platform.functions.invoke({
      body: '{"name":"a"}',
      gateway: { method: "POST", url: "/items", headers },
    });
    assert.equal(answer.headers["fn-http-status"], status);
  }
  assert.deepEqual(await names(), ["a"]);
});
