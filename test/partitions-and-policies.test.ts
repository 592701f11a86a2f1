import assert from "node:assert/strict";
import { test } from "node:test";
import { requestWithKey } from "./fixture.ts";
import { streaming } from "./messages.ts";
import { ownerForTests } from "./owner.ts";

const { platform, tableWith, send, rows } = await ownerForTests();
const { postgres, functions } = platform;
const { username } = postgres.credentials;

/** Of ids, so that a batch of four lies in both. */
const PARTITIONED = `
  DROP TABLE items;
  CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(255) NOT NULL, description text,
    created_at timestamptz DEFAULT now()) PARTITION BY RANGE (id);
  CREATE TABLE items_low PARTITION OF items FOR VALUES FROM (MINVALUE) TO (3);
  CREATE TABLE items_high PARTITION OF items FOR VALUES FROM (3) TO (MAXVALUE);
  GRANT SELECT, INSERT ON items TO ${username}; GRANT USAGE ON SEQUENCE items_id_seq TO ${username};`;

/** By role, and nobody else's. */
const SECURED = `
  ALTER TABLE items ENABLE ROW LEVEL SECURITY;
  CREATE POLICY append ON items FOR INSERT TO ${username} WITH CHECK (true);
  CREATE POLICY read ON items FOR SELECT TO ${username} USING (true);`;

const keyed = (name: string) => ({ name, idempotency_key: name });
const names = async () => (await rows()).map(({ name }) => name);

/** Through the gateway, with the header. */
async function request(key: string, body: object) {
  const { headers, body: answer } = await functions.invoke({ body: JSON.stringify(body), ...requestWithKey(key) });
  const replayed = headers["fn-http-h-idempotency-replayed"];
  return { status: headers["fn-http-status"], replayed, json: JSON.parse(answer.toString()) };
}

for (const [where, ddl] of [
  ["a table with partitions", PARTITIONED],
  ["a table with row-level security", SECURED],
] as const) {
  test(`an item and batches with keys, which come again, are stored once in ${where}`, async () => {
    await tableWith(ddl);
    const first = await send(keyed("a"));
    assert.equal(first.status, 201, JSON.stringify(first.line));
    const batch = await send(["b", "a", "c", "d"].map(keyed));
    assert.equal(batch.json.ids[1], first.json.id);
    // On a connection that knows the table, and on one that does not.
    for (let time = 0; time < 2; time++) {
      assert.deepEqual((await send(keyed("a"))).json, first.json);
      assert.deepEqual((await send(["b", "a", "c", "d"].map(keyed))).json, batch.json);
      functions.replace();
    }
    const other = await send({ ...keyed("a"), description: "another" });
    assert.deepEqual(other.json.errors, [{ pointer: "/idempotency_key", detail: "was used for other content" }]);
    assert.deepEqual(await names(), ["a", "b", "c", "d"]);
  });

  test(`a request with a key, which comes again, is stored once in ${where}`, async () => {
    await tableWith(ddl);
    const items = ["a", "b", "c", "d"].map((name) => ({ name }));
    const first = await request("r1", items);
    assert.deepEqual([first.status, first.replayed], ["201", undefined]);
    assert.deepEqual(await request("r1", items), { ...first, replayed: "true" });
    assert.equal((await request("r1", items.slice(1))).status, "422");
    assert.deepEqual(await names(), ["a", "b", "c", "d"]);
  });

  test(`a batch of Streaming, which comes again, is stored once in ${where}, and its rejects set aside once`, async () => {
    await tableWith(`${ddl} ALTER TABLE items ADD CONSTRAINT no_bad CHECK (name <> 'bad')`);
    const messages = [...["a", "b", "bad", "c", "d"].map((name) => JSON.stringify({ name })), "{"];
    const first = await send(streaming(messages));
    assert.deepEqual([first.status, first.json.count, first.json.rejected], [201, 4, 2], JSON.stringify(first.line));
    for (let time = 0; time < 2; time++) {
      functions.replace();
      assert.deepEqual((await send(streaming(messages))).json, first.json);
    }
    // Another batch, which overlaps it.
    assert.equal((await send(streaming([...messages.slice(3), '{"name":"e"}'], 3))).json.count, 3);
    assert.deepEqual(await names(), ["a", "b", "c", "d", "e"]);
    const rejected = await postgres.query(
      "SELECT convert_from(content, 'UTF8') AS text FROM items_rejected ORDER BY 1",
    );
    assert.deepEqual(rejected, [{ text: "{" }, { text: '{"name":"bad"}' }]);
  });
}
