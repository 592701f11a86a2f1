import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { skipWithout } from "./deployment.ts";
import { closingLine, laneForTests, platformForTests } from "./fixture.ts";
import { streaming } from "./messages.ts";
import { BODY_LIMIT, BUNDLE } from "./platform/functions.ts";
import { startPgBouncer } from "./platform/pgbouncer.ts";
import type { Platform } from "./platform/platform.ts";
import { readings } from "./subjects.ts";

const platform = await platformForTests({ config: { ON_INVALID: "set-aside" } });
const { postgres } = platform;
const another = await platformForTests(readings.options);

beforeEach(() => postgres.query("TRUNCATE items, items_keys, items_rejected"));

async function deliver(body: unknown, { functions }: Pick<Platform, "functions"> = platform) {
  const { code, callId, body: answer } = await functions.invoke({ body: JSON.stringify(body) });
  return { code, callId, json: JSON.parse(answer.toString()) };
}

const keyed = (name: string) => ({ name, idempotency_key: name });
const item = (name: string) => JSON.stringify({ name });
const count = async (table: string, { postgres } = platform) =>
  (await postgres.query<{ count: number }>(`SELECT count(*)::int FROM ${table}`))[0]?.count;

/** What a delivery may be that comes again. */
const FORMS: [form: string, body: unknown][] = [
  ["an item", keyed("a")],
  ["a batch", ["a", "b", "c"].map(keyed)],
  ["a stream's batch", streaming(["a", "b", "c"].map(item))],
];

for (const [source, body] of [
  ["a stream", [...streaming([item("a"), "{"]), ...streaming([item("a"), "{"])]],
  ["a queue", [keyed("a"), { name: 1 }, keyed("a"), { name: 1 }]],
] as const)
  test(`messages that are no items are set aside once where they come twice in one batch of ${source}`, async () => {
    const { code, json } = await deliver(body);
    assert.deepEqual([code, json.count, json.rejected], [undefined, 2, 2]);
    assert.deepEqual([await count("items"), await count("items_rejected")], [1, 1]);
  });

test("messages that are no items are set aside by a container whose clock is behind the database's", async () => {
  const behind = "data:text/javascript,const now = Date.now; Date.now = () => now() - 3_600_000";
  const { functions } = await laneForTests(platform, { command: [process.execPath, "--import", behind, BUNDLE] });
  const headers = { "Fn-Deadline": new Date(Date.now() - 3_600_000 + 30_000).toISOString() };
  for (const [body, expected] of [
    [streaming(["{"]), { count: 0, ids: [], rejected: 1 }],
    [streaming(["{", item("a")]), { count: 1, rejected: 1 }],
  ] as const) {
    const { code, body: answer } = await functions.invoke({ body: JSON.stringify(body), headers });
    assert.equal(code, undefined, functions.logs.slice(-3).join("\n"));
    assert.partialDeepStrictEqual(JSON.parse(answer.toString()), expected);
  }
});

for (const [right, body] of [
  ["INSERT ON items_keys", keyed("b")],
  ["SELECT ON items_keys", keyed("a")],
  ["INSERT ON items_keys", streaming([item("a")])],
  ["INSERT ON items_rejected", [{ name: "" }, { name: "b" }]],
  ["UPDATE (errors, at) ON items_rejected", [{ name: "" }, { name: "b" }]],
] as const)
  test(`without ${right}, what needs it fails whole, and nothing else: ${JSON.stringify(body).slice(0, 40)}`, async () => {
    await deliver(keyed("a"));
    await postgres.query(`REVOKE ${right} FROM librarian_user`);
    try {
      assert.equal((await deliver({ name: "without" })).json.name, "without");
      const { code, callId } = await deliver(body);
      assert.equal(code, "FunctionInvokeExecutionFailed");
      const line = await closingLine(platform, callId);
      assert.deepEqual([line.code, /schema\.sql/.test(line.remedy)], ["42501", true]);
      assert.deepEqual([await count("items"), await count("items_rejected")], [2, 0]);
    } finally {
      await postgres.query(`GRANT ${right} TO librarian_user`);
    }
  });

for (const [form, body] of FORMS) {
  test(`what comes again is answered as the first time where a trigger moved its rows: ${form}`, async () => {
    await postgres.query(`CREATE TABLE archive (LIKE items);
      CREATE FUNCTION move() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS
      'BEGIN INSERT INTO archive SELECT NEW.*; DELETE FROM items WHERE id = NEW.id; RETURN NULL; END';
      CREATE TRIGGER move AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION move()`);
    try {
      const first = await deliver(body);
      const moved = await count("archive");
      assert.deepEqual((await deliver(body)).json, first.json);
      assert.deepEqual([await count("items"), await count("archive")], [0, moved]);
      assert.equal(moved, first.json.count ?? 1);
    } finally {
      await postgres.query("DROP FUNCTION move CASCADE; DROP TABLE archive");
    }
  });

  test(`what comes again is answered as the first time where a trigger changed its rows, and would refuse them by now: ${form}`, async () => {
    await postgres.query(`CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN NEW.name := upper(NEW.name); NEW.created_at := ''epoch''; RETURN NEW; END';
      CREATE TRIGGER change BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION change()`);
    try {
      const first = await deliver(body);
      const stored = await count("items");
      await postgres.query(`CREATE OR REPLACE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''no''; END'`);
      assert.deepEqual((await deliver(body)).json, first.json);
      assert.equal(await count("items"), stored);
    } finally {
      await postgres.query("DROP FUNCTION change CASCADE");
    }
  });

  test(`what comes again is stored where a trigger kept a row away, and no key was left: ${form}`, async () => {
    await postgres.query(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF NEW.name = ''a'' THEN RETURN NULL; END IF; RETURN NEW; END';
      CREATE TRIGGER keep BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION keep()`);
    try {
      // Of a connection that knew the table without it, too.
      for (let time = 0; time < 2; time++) assert.equal((await deliver(body)).code, "FunctionInvokeExecutionFailed");
      assert.deepEqual([await count("items"), await count("items_keys")], [0, 0]);
    } finally {
      await postgres.query("DROP FUNCTION keep CASCADE");
    }
    const { json } = await deliver(body);
    assert.equal(await count("items"), json.count ?? 1);
  });
}

test("what comes again brings what is new with it into a table that was emptied, and counts anew", async () => {
  const first = await deliver(["a", "b"].map(keyed));
  await postgres.query("TRUNCATE items RESTART IDENTITY");
  await postgres.query("SELECT setval('items_id_seq', $1, false)", [first.json.ids[0]]);
  const { json } = await deliver([...["a", "b"].map(keyed), { name: "c" }]);
  assert.deepEqual(json.ids.slice(0, 2), first.json.ids);
  assert.equal(await count("items"), 1);
  await postgres.query("SELECT setval('items_id_seq', 1000)");
});

const sent = ["w", "x", "y", "z"].map((note, place) => ({ ...readings.item(note, place), idempotency_key: note }));

test("readings of which each other leaves out a column that has a default are stored once by their keys, in batches and alone", async () => {
  const { json } = await deliver(sent, another);
  assert.deepEqual((await deliver(sent.toReversed(), another)).json.ids, json.ids.toReversed());
  const alone = { ...readings.item("alone", 1), idempotency_key: "alone" };
  const first = await deliver(alone, another);
  assert.equal(first.json.valid, true);
  await another.postgres.query("DELETE FROM telemetry.readings WHERE note = 'alone'");
  assert.deepEqual((await deliver(alone, another)).json, first.json);
  const rows = await another.postgres.query("SELECT note, valid FROM telemetry.readings ORDER BY note");
  assert.deepEqual(
    rows,
    ["w", "x", "y", "z"].map((note, place) => ({ note, valid: place % 2 === 1 })),
  );
});

test("readings of which each other leaves out a column that has a default are other content where one is null that was left out, or brings what the default is", async () => {
  const { idempotency_key } = { idempotency_key: "default" };
  await deliver({ ...readings.item("d", 1), idempotency_key }, another);
  const { json } = await deliver({ ...readings.item("d", 1), valid: true, idempotency_key }, another);
  assert.deepEqual(json.errors, [{ pointer: "/idempotency_key", detail: "was used for other content" }]);
});

test("through PgBouncer each message of a stream is stored or set aside, once", {
  skip: skipWithout("pgbouncer"),
}, async () => {
  const pgbouncer = await startPgBouncer(postgres, 2);
  after(() => pgbouncer.stop());
  const { functions, vault } = await laneForTests(platform, { maxContainers: 6 });
  vault.put({ ...postgres.credentials, port: pgbouncer.port });
  await postgres.query("ALTER TABLE items ADD CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%')");
  try {
    const batches = Array.from({ length: 6 }, (_, batch) =>
      streaming(
        Array.from({ length: 50 }, (_, index) => item(`${index % 10 === batch ? "bad" : "good"} ${batch} ${index}`)),
        1_000 * batch,
      ),
    );
    const first = await Promise.all(batches.map((batch) => deliver(batch, { functions })));
    for (const { json } of first)
      assert.deepEqual([json.count, json.rejected], [45, 5], functions.logs.slice(-3).join());
    const second = await Promise.all(batches.map((batch) => deliver(batch, { functions })));
    assert.deepEqual(
      second.map(({ json }) => json),
      first.map(({ json }) => json),
    );
    assert.deepEqual([await count("items"), await count("items_rejected")], [270, 30]);
  } finally {
    await postgres.query("ALTER TABLE items DROP CONSTRAINT no_bad");
  }
});

test("an item is answered where nothing is refused, however long it is", async () => {
  // Its answer repeats an item, and is dropped above 6 MiB once the row is stored.
  const frame = JSON.stringify({ name: "a", description: "" }).length;
  const body = JSON.stringify({ name: "a", description: "x".repeat(BODY_LIMIT - frame) });
  const { code, body: answer } = await platform.functions.invoke({ body });
  assert.equal(code, undefined);
  assert.deepEqual(Object.keys(JSON.parse(answer.toString())), ["count", "ids"]);
  assert.equal(await count("items"), 1);
});
