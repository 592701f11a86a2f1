import assert from "node:assert/strict";
import { beforeEach, suite, test } from "node:test";
import { assertNoSecret, closingLine, disconnect, laneForTests, platformForTests } from "./fixture.ts";
import { streaming } from "./messages.ts";

const platform = await platformForTests();
const { postgres } = platform;
const aside = await platformForTests({ config: { ON_INVALID: "set-aside" } });
const failing = await platformForTests({ config: { ON_INVALID: "fail" } });

interface Row {
  name: string;
}
interface Rejected {
  source: { stream: string | null; offset: unknown };
  content: Buffer;
  errors: { pointer: string; detail: string }[];
}

beforeEach(async () => {
  for (const each of [platform, aside, failing])
    await each.postgres.query("TRUNCATE items, items_keys, items_rejected");
});

const names = async ({ postgres } = platform) =>
  (await postgres.query<Row>("SELECT name FROM items ORDER BY id")).map(({ name }) => name);
const rejected = ({ postgres } = platform) =>
  postgres.query<Rejected>("SELECT source, content, errors FROM items_rejected ORDER BY content");

const item = (name: string, more = {}) => JSON.stringify({ name, ...more });

async function deliver(body: unknown, to = platform) {
  const sent = body instanceof Buffer ? body : JSON.stringify(body);
  const { code, callId, body: answer } = await to.functions.invoke({ body: sent });
  const text = answer.toString();
  assertNoSecret(to, text);
  return { code, callId, json: JSON.parse(text) };
}

suite("a batch of Streaming", () => {
  test("is stored, and delivered again is not", async () => {
    const batch = streaming([item("a"), item("b")]);
    const { json } = await deliver(batch);
    assert.equal(json.count, 2);
    assert.deepEqual((await deliver(batch)).json, json);
    assert.deepEqual(await names(), ["a", "b"]);
  });

  test("that overlaps the one before brings what is new", async () => {
    await deliver(streaming([item("a"), item("b")]));
    const { json, callId } = await deliver(streaming([item("b"), item("c")], 1));
    assert.equal(json.count, 2);
    assert.deepEqual(await names(), ["a", "b", "c"]);
    const line = await closingLine(platform, callId);
    assert.deepEqual([line.items, line.replayed, line.rejected], [1, 1, 0]);
  });

  test("has each message that is no item set aside as it came, once, and the others stored", async () => {
    const bad = [Buffer.from([0xff, 0x00, 0xfe]), "{", "[]", item(""), '{"name":"a","\\u0000":1}', "", "1"];
    const batch = streaming([item("a"), ...bad, item("b")]);
    for (let time = 0; time < 2; time++) {
      const { json } = await deliver(batch);
      assert.deepEqual([json.count, json.rejected], [2, bad.length]);
    }
    assert.deepEqual(await names(), ["a", "b"]);
    const kept = await rejected();
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

  test("fails whole where the tables are missing", async () => {
    for (const name of ["items_keys", "items_rejected"]) {
      await postgres.query(`ALTER TABLE ${name} RENAME TO hidden`);
      try {
        const { code, callId } = await deliver(streaming([item("a"), "{"]));
        assert.equal(code, "FunctionInvokeExecutionFailed");
        assert.match((await closingLine(platform, callId)).remedy, /schema\.sql/);
        assert.deepEqual(await names(), []);
      } finally {
        await postgres.query(`ALTER TABLE hidden RENAME TO ${name}`);
      }
    }
  });

  test("takes an item's own key for its key", async () => {
    await deliver(streaming([item("a", { idempotency_key: "k" })]));
    await deliver(streaming([item("a", { idempotency_key: "k" }), item("b", { idempotency_key: "k" })], 10));
    assert.deepEqual(await names(), ["a"]);
    const [one] = await rejected();
    assert.deepEqual(one?.errors, [{ pointer: "/idempotency_key", detail: "was used for other content" }]);
  });

  test("fails where it is to fail, and stores nothing", async () => {
    const { code } = await deliver(streaming([item("a"), "{"]), failing);
    assert.equal(code, "FunctionInvokeExecutionFailed");
    assert.deepEqual(await names(failing), []);
    assert.equal((await deliver(streaming([item("a")]), failing)).json.count, 1);
  });
});

suite("a batch of Queue", () => {
  test("is stored, and what is no item is set aside, as it came", async () => {
    const body = Buffer.from(`[{"name":"a"} , {"name" : ""},"x",  [1, "]"],{"name":"b","name":"c"},{"name":"d"}]`);
    for (let time = 1; time <= 2; time++) {
      const { json } = await deliver(body, aside);
      assert.deepEqual([json.count, json.rejected], [2, 4]);
    }
    assert.deepEqual(await names(aside), ["a", "d", "a", "d"]);
    const contents = (await rejected(aside)).map(({ content }) => content.toString());
    assert.deepEqual(contents, ['"x"', '[1, "]"]', '{"name" : ""}', '{"name":"b","name":"c"}']);
  });

  test("whose messages have keys is stored once", async () => {
    const batch = ["a", "b"].map((name) => ({ name, idempotency_key: name }));
    const { json } = await deliver(batch, aside);
    assert.deepEqual((await deliver(batch, aside)).json, json);
    assert.deepEqual(await names(aside), ["a", "b"]);
  });

  test("that is no JSON is set aside whole", async () => {
    const body = Buffer.from('[{"name":"a"},a plain string]');
    assert.deepEqual((await deliver(body, aside)).json, { count: 0, ids: [], rejected: 1 });
    assert.deepEqual((await rejected(aside))[0]?.content, body);
  });

  test("of nothing is a delivery of nothing", async () => {
    for (const to of [aside, failing]) assert.deepEqual((await deliver([], to)).json, { count: 0, ids: [] });
    assert.equal((await deliver([])).json.status, 422);
  });

  test("fails where it is to fail", async () => {
    for (const body of [[{ name: "" }], Buffer.from("{"), { name: 1 }]) {
      const { code, callId } = await deliver(body, failing);
      assert.equal(code, "FunctionInvokeExecutionFailed");
      const line = await closingLine(failing, callId);
      assert.deepEqual([line.msg, line.level], ["failed", "error"]);
    }
  });
});

suite("what the table refuses", () => {
  const messages = (count: number, bad: (index: number) => boolean) =>
    Array.from({ length: count }, (_, index) => item(`${bad(index) ? "bad" : "good"} ${index}`));

  for (const [rule, make, drop] of [
    [
      "a CHECK",
      "ALTER TABLE items ADD CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%')",
      "ALTER TABLE items DROP CONSTRAINT no_bad",
    ],
    [
      "a trigger",
      `CREATE FUNCTION no_bad() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN IF NEW.name LIKE ''bad%'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END';
       CREATE TRIGGER no_bad BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION no_bad()`,
      "DROP FUNCTION no_bad CASCADE",
    ],
    [
      "a deferred constraint trigger",
      `CREATE FUNCTION no_bad() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN IF NEW.name LIKE ''bad%'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NULL; END';
       CREATE CONSTRAINT TRIGGER no_bad AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION no_bad()`,
      "DROP FUNCTION no_bad CASCADE",
    ],
  ] as const) {
    for (const [to, what] of [
      [platform, "Streaming"],
      [aside, "Queue"],
    ] as const) {
      for (const [which, bad] of [
        ["one", (index: number) => index === 77],
        ["the first and the last", (index: number) => index === 0 || index === 99],
        ["every third", (index: number) => index % 3 === 1],
        ["all but one", (index: number) => index !== 50],
      ] as const) {
        test(`is set aside: ${which}, by ${rule}, from ${what}`, async () => {
          await to.postgres.query(make);
          try {
            const sent = messages(100, bad);
            const body = what === "Streaming" ? streaming(sent) : Buffer.from(`[${sent}]`);
            const { json, callId } = await deliver(body, to);
            const good = sent.filter((_, index) => !bad(index));
            const line = await closingLine(to, callId);
            assert.deepEqual([json.count, json.rejected], [good.length, 100 - good.length], JSON.stringify(line));
            assert.deepEqual((await names(to)).sort(), good.map((each) => JSON.parse(each).name).sort());
            const kept = (await rejected(to)).map(({ content }) => content.toString());
            assert.deepEqual(kept.sort(), sent.filter((_, index) => bad(index)).sort());
          } finally {
            await to.postgres.query(drop);
          }
        });
      }
    }
    test(`fails the delivery where it is every item: by ${rule}`, async () => {
      await postgres.query(make);
      try {
        const { code, callId } = await deliver(streaming(messages(50, () => true)));
        assert.equal(code, "FunctionInvokeExecutionFailed");
        const line = await closingLine(platform, callId);
        assert(line.code && line.remedy, JSON.stringify(line));
        assert.deepEqual([await names(), await rejected()], [[], []]);
      } finally {
        await postgres.query(drop);
      }
    });
  }

  test("is set aside where another item of the batch forbids it", async () => {
    await postgres.query("CREATE UNIQUE INDEX once ON items (lower(name))");
    try {
      const { json } = await deliver(streaming(["a", "b", "A", "c", "B"].map((name) => item(name))));
      assert.deepEqual([json.count, json.rejected], [3, 2]);
      assert.deepEqual(await names(), ["a", "b", "c"]);
    } finally {
      await postgres.query("DROP INDEX once");
    }
  });
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
  assert.deepEqual(await names(), ["a", "b", "a", "b", "c"]);
});

test("an offset that JavaScript would round is kept, after a byte order mark too", async () => {
  const text = JSON.stringify(streaming([item("a"), item("b")]))
    .replace('"offset":0', '"offset":9007199254740993')
    .replace('"offset":1', '"offset":9007199254740992');
  for (const body of [text, `\ufeff${text}`]) assert.equal((await deliver(Buffer.from(body))).json.count, 2);
  assert.deepEqual(await names(), ["a", "b"]);
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
      assert.deepEqual(await names(), []);
    } finally {
      await postgres.query(`ALTER TABLE ${name} DROP CONSTRAINT strange`);
    }
  }
});
