import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { deliver as deliverTo, empty, item, namesIn, rejectedIn } from "./feed-fixture.ts";
import { closingLine, disconnect, laneForTests, platformForTests } from "./fixture.ts";
import { streaming } from "./messages.ts";

const platform = await platformForTests();
const { postgres } = platform;
const aside = await platformForTests({ config: { ON_INVALID: "set-aside" } });
const failing = await platformForTests({ config: { ON_INVALID: "fail" } });

beforeEach(() => Promise.all([platform, aside, failing].map(empty)));

const deliver = (body: unknown, to = platform) => deliverTo(body, to);

test("a batch of Streaming is stored, and not again when it is delivered again", async () => {
  const batch = streaming([item("a"), item("b")]);
  const { json } = await deliver(batch);
  assert.equal(json.count, 2);
  assert.deepEqual((await deliver(batch)).json, json);
  assert.deepEqual(await namesIn(platform), ["a", "b"]);
});

test("a large batch of Streaming is stored, and not again when it is delivered again", async () => {
  const batch = streaming(Array.from({ length: 12_000 }, (_, index) => item(`${index}`)));
  const { json } = await deliver(batch);
  assert.equal(json.count, 12_000);
  const again = await deliver(batch);
  assert.deepEqual(again.json, json);
  assert.equal((await closingLine(platform, again.callId)).replayed, 12_000);
});

test("a batch of Streaming that overlaps the one before brings what is new", async () => {
  await deliver(streaming([item("a"), item("b")]));
  const { json, callId } = await deliver(streaming([item("b"), item("c")], 1));
  assert.equal(json.count, 2);
  assert.deepEqual(await namesIn(platform), ["a", "b", "c"]);
  const line = await closingLine(platform, callId);
  assert.deepEqual([line.items, line.replayed, line.rejected], [1, 1, 0]);
});

test("a batch of Streaming has each message that is no item set aside as it came, once, and the others stored", async () => {
  const bad = [Buffer.from([0xff, 0x00, 0xfe]), "{", "[]", item(""), '{"name":"a","\\u0000":1}', "", "1"];
  const batch = streaming([item("a"), ...bad, item("b")]);
  for (let time = 0; time < 2; time++) {
    const { json } = await deliver(batch);
    assert.deepEqual([json.count, json.rejected], [2, bad.length]);
  }
  assert.deepEqual(await namesIn(platform), ["a", "b"]);
  const kept = await rejectedIn(platform);
  const contents = bad.map((each) => Buffer.from(each)).sort(Buffer.compare);
  assert.deepEqual(
    kept.map(({ content }) => content),
    contents,
  );
  for (const { source, errors } of kept) {
    assert.equal(source.stream, "orders");
    assert(errors[0]?.detail);
  }
});

test("a batch of Streaming fails whole where the tables are missing", async () => {
  for (const name of ["items_keys", "items_rejected"]) {
    await postgres.query(`ALTER TABLE ${name} RENAME TO hidden`);
    try {
      const { code, callId } = await deliver(streaming([item("a"), "{"]));
      assert.equal(code, "FunctionInvokeExecutionFailed");
      assert.match((await closingLine(platform, callId)).remedy, /schema\.sql/);
      assert.deepEqual(await namesIn(platform), []);
    } finally {
      await postgres.query(`ALTER TABLE hidden RENAME TO ${name}`);
    }
  }
});

test("a batch of Streaming takes an item's own key for its key", async () => {
  await deliver(streaming([item("a", { idempotency_key: "k" })]));
  await deliver(streaming([item("a", { idempotency_key: "k" }), item("b", { idempotency_key: "k" })], 10));
  assert.deepEqual(await namesIn(platform), ["a"]);
  const [one] = await rejectedIn(platform);
  assert.deepEqual(one?.errors, [{ pointer: "/idempotency_key", detail: "was used for other content" }]);
});

test("a message from the place of another in its stream is set aside, whether they come together or not", async () => {
  const [first, other] = [streaming([item("a")]), streaming([item("b")])];
  await deliver([...first, ...other]);
  await deliver([...streaming([item("c")]), ...streaming([item("d")], 1)]);
  assert.deepEqual(await namesIn(platform), ["a", "d"]);
  const errors = [{ pointer: "", detail: "is another than the first from this place in the stream" }];
  assert.deepEqual(
    (await rejectedIn(platform)).map(({ content, errors }) => [JSON.parse(`${content}`).name, errors]),
    [
      ["b", errors],
      ["c", errors],
    ],
  );
});

test("a batch of Streaming fails where it is to fail, and stores nothing", async () => {
  const { code } = await deliver(streaming([item("a"), "{"]), failing);
  assert.equal(code, "FunctionInvokeExecutionFailed");
  assert.deepEqual(await namesIn(failing), []);
  assert.equal((await deliver(streaming([item("a")]), failing)).json.count, 1);
});

test("a batch of Streaming fails where it is to fail for what the table refuses, too", async () => {
  await failing.postgres.query("ALTER TABLE items ADD CONSTRAINT no_bad CHECK (name <> 'bad')");
  try {
    const { code, callId } = await deliver(streaming([item("a"), item("bad")]), failing);
    assert.equal(code, "FunctionInvokeExecutionFailed");
    const { code: sqlstate, constraint, remedy } = await closingLine(failing, callId);
    assert.deepEqual([sqlstate, constraint], ["23514", "no_bad"]);
    assert.match(remedy, /set-aside/);
    assert.deepEqual([await namesIn(failing), await rejectedIn(failing)], [[], []]);
  } finally {
    await failing.postgres.query("ALTER TABLE items DROP CONSTRAINT no_bad");
  }
});

test("a batch of Queue is stored, and what is no item is set aside, as it came", async () => {
  const body = Buffer.from(`[{"name":"a"} , {"name" : ""},"x",  [1, "]"],{"name":"b","name":"c"},{"name":"d"}]`);
  for (let time = 1; time <= 2; time++) {
    const { json } = await deliver(body, aside);
    assert.deepEqual([json.count, json.rejected], [2, 4]);
  }
  assert.deepEqual(await namesIn(aside), ["a", "d", "a", "d"]);
  const contents = (await rejectedIn(aside)).map(({ content }) => content.toString());
  assert.deepEqual(contents, ['"x"', '[1, "]"]', '{"name" : ""}', '{"name":"b","name":"c"}']);
});

test("a batch of Queue whose messages have keys is stored once", async () => {
  const batch = ["a", "b"].map((name) => ({ name, idempotency_key: name }));
  const { json } = await deliver(batch, aside);
  assert.deepEqual((await deliver(batch, aside)).json, json);
  assert.deepEqual(await namesIn(aside), ["a", "b"]);
});

test("a batch of Queue has each message that is no JSON set aside as it came, and the others stored", async () => {
  const bad = ["", "a plain string", "{'name':'a'}", "\xff"].map((text) => Buffer.from(text, "latin1"));
  const messages = [item("a"), ...bad, item("b")].map((message) => Buffer.from(message));
  const body = Buffer.concat(messages.flatMap((message, index) => [Buffer.from(index === 0 ? "[" : ","), message]));
  const { json } = await deliver(Buffer.concat([body, Buffer.from("]")]), aside);
  assert.deepEqual([json.count, json.rejected], [2, bad.length]);
  assert.deepEqual(await namesIn(aside), ["a", "b"]);
  assert.deepEqual(
    (await rejectedIn(aside)).map(({ content }) => content),
    bad.sort(Buffer.compare),
  );
});

test("a batch of Queue in which messages cannot be told apart is set aside whole", async () => {
  for (const text of [
    '[{"name":"a"},half "a string]',
    '[{"name":"a"},{]',
    '[{"name":"a"}],{"name":"b"}]',
    '[{"name":"a"},',
  ]) {
    await empty(aside);
    assert.deepEqual((await deliver(Buffer.from(text), aside)).json, { count: 0, ids: [], rejected: 1 }, text);
    assert.equal((await rejectedIn(aside))[0]?.content.toString(), text);
  }
});

test("a batch of nothing is a delivery of nothing", async () => {
  for (const to of [aside, failing]) assert.deepEqual((await deliver([], to)).json, { count: 0, ids: [] });
  assert.equal((await deliver([])).json.status, 422);
});

test("a batch of Queue fails where it is to fail", async () => {
  for (const body of [[{ name: "" }], Buffer.from("{"), { name: 1 }]) {
    const { code, callId } = await deliver(body, failing);
    assert.equal(code, "FunctionInvokeExecutionFailed");
    const line = await closingLine(failing, callId);
    assert.deepEqual([line.msg, line.level, line.code], ["failed", "error", "INVALID"]);
    assert.match(line.remedy, /set-aside/);
  }
});

test("an id that a delivery has used is given to no item after it", async () => {
  const lane = await laneForTests(platform);
  const invoke = async (body: unknown) => (await lane.functions.invoke({ body: JSON.stringify(body) })).code;
  const begin = async (offset: number) => {
    assert.equal(await invoke({ name: "a" }), undefined);
    assert.equal(await invoke(streaming([item("b"), "{"], offset)), undefined);
  };
  await begin(0);
  const { length } = lane.wire.last.client;
  await disconnect(lane);
  // In the first message of the item that follows: it is repeated then, and a row with its id would pass for its own.
  lane.wire.cut({ from: "client", after: length + 20, how: "end" });
  await begin(5);
  assert.equal(await invoke({ name: "c" }), undefined);
  assert.equal(lane.wire.cuts, 1);
  assert.deepEqual(await namesIn(platform), ["a", "b", "a", "b", "c"]);
});

test("an offset that JavaScript would round is kept, after a byte order mark too", async () => {
  const text = JSON.stringify(streaming([item("a"), item("b")]))
    .replace('"offset":0', '"offset":9007199254740993')
    .replace('"offset":1', '"offset":9007199254740992');
  for (const body of [text, `\ufeff${text}`]) assert.equal((await deliver(Buffer.from(body))).json.count, 2);
  assert.deepEqual(await namesIn(platform), ["a", "b"]);
});

test("a table beside the table that refuses what is written there is the operator's to mend", async () => {
  for (const [name, rule] of [
    ["items_keys", "key NOT LIKE 'stream:%'"],
    ["items_rejected", "length(content) > 1"],
  ]) {
    await postgres.query(`ALTER TABLE ${name} ADD CONSTRAINT strange CHECK (${rule})`);
    try {
      const { code, callId } = await deliver(streaming([item("a"), "{"]));
      assert.equal(code, "FunctionInvokeExecutionFailed");
      const line = await closingLine(platform, callId);
      assert.deepEqual([line.status, line.code, line.table, line.constraint], [503, "23514", name, "strange"]);
      assert.match(line.remedy, /schema\.sql/);
      assert.deepEqual(await namesIn(platform), []);
    } finally {
      await postgres.query(`ALTER TABLE ${name} DROP CONSTRAINT strange`);
    }
  }
});
