import assert from "node:assert/strict";
import { test } from "node:test";
import { disconnect, laneForTests } from "./fixture.ts";
import { ownerForTests } from "./owner.ts";

const { platform, tableWith, send } = await ownerForTests();
const { postgres } = platform;

const lastId = async () => Number((await postgres.query("SELECT last_value FROM items_id_seq"))[0]?.last_value);

test("a sequence far behind the table is caught up at once, and takes no more ids than it needs", async () => {
  await tableWith(
    "INSERT INTO items (id, name) SELECT id, 'imported' FROM generate_series(1, 200000) AS id WHERE id <> 100000",
  );
  const first = await send({ name: "into the gap" });
  assert.deepEqual([first.status, first.json.id], [201, 100_000]);
  const second = await send([{ name: "behind" }, { name: "them" }]);
  assert.deepEqual(second.json.ids, [200_001, 200_002]);
  assert(platform.functions.logs.some((line) => line.includes("sequence is behind")));
});

test("the remedy for a sequence that is behind is of the one that id counts by, and never sets it back", async () => {
  await tableWith(`CREATE SEQUENCE counter; GRANT USAGE ON SEQUENCE counter TO PUBLIC;
    ALTER TABLE items ALTER id SET DEFAULT nextval('counter');
    INSERT INTO items (id, name) SELECT id, 'imported' FROM generate_series(1, 20) AS id`);
  platform.functions.logs.length = 0;
  assert.equal((await send({ name: "a" })).json.id, 21);
  const warning = platform.functions.logs.find((line) => line.includes("sequence is behind"));
  await postgres.query("SELECT setval('counter', 40)");
  for (const largest of [40, 100]) {
    await postgres.query("INSERT INTO items (id, name) VALUES ($1, '') ON CONFLICT DO NOTHING", [largest]);
    await postgres.query(JSON.parse(String(warning)).remedy);
    const [{ next } = {}] = await postgres.query("SELECT nextval('counter')::int AS next");
    assert.equal(next, Math.max(42, largest + 1));
  }
});

test("ids of which another session has some between are as good, and no reason to warn", async () => {
  await tableWith("ALTER SEQUENCE items_id_seq CACHE 3; INSERT INTO items (name) VALUES ('takes 1 to 3')");
  assert.equal((await send({ name: "takes 4 to 6" })).json.id, 4);
  await postgres.query(
    "SELECT setval('items_id_seq', 6); INSERT INTO items (id, name) VALUES (7, 'theirs'), (8, ''), (9, '')",
  );
  await postgres.query("SELECT setval('items_id_seq', 9)");
  platform.functions.logs.length = 0;
  const { json } = await send([{ name: "a" }, { name: "b" }]);
  assert.deepEqual(json.ids, [6, 10]);
  assert(!platform.functions.logs.some((line) => line.includes("sequence is behind")));
});

test("a sequence that counts down, or in steps, gives each item of a batch an id of its own", async () => {
  for (const [how, ids] of [
    ["INCREMENT -1 MINVALUE -9 MAXVALUE 9 RESTART 5", [5, 4, 3]],
    ["INCREMENT 3 RESTART 5", [5, 8, 11]],
    ["MAXVALUE 6 CYCLE RESTART 5", [5, 6, 1]],
  ] as const) {
    await tableWith(`ALTER SEQUENCE items_id_seq ${how}; INSERT INTO items (id, name) VALUES (7, 'theirs')`);
    const { status, json, line } = await send([{ name: "a" }, { name: "b" }, { name: "c" }]);
    assert.deepEqual([status, json.ids], [201, ids], JSON.stringify(line));
    const stored = await postgres.query("SELECT id FROM items WHERE name <> 'theirs' ORDER BY name");
    assert.deepEqual(
      stored.map(({ id }) => id),
      ids,
    );
  }
});

test("rows that the user does not see hold ids that seem free: told, and not tried for ever", async () => {
  await tableWith(`INSERT INTO items (id, name) SELECT id, 'theirs' FROM generate_series(1, 100) AS id;
    ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON items FOR INSERT WITH CHECK (true);
    CREATE POLICY r ON items FOR SELECT USING (name <> 'theirs')`);
  const { status, line } = await send({ name: "mine" });
  assert.deepEqual([status, line.code], [503, "IDS_USED"]);
  assert((await lastId()) <= 10);
});

test("an id that is reserved for the next item is one that no row has", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  const both = async () => {
    lane.functions.replace();
    const first = await send({ name: "first" }, lane);
    return [first, await send({ name: "second" }, lane)];
  };
  await tableWith("");
  await both();
  const { server } = lane.wire.last;
  await disconnect(lane);
  // The insert of the first finds the id after its own used; of the second the answer is lost.
  await tableWith("INSERT INTO items (id, name) VALUES (2, 'theirs')");
  lane.wire.cut({ from: "server", after: server.length - 12, how: "end" });
  const [, second] = await both();
  assert.equal(second?.status, 201);
  assert.deepEqual(await postgres.query("SELECT id FROM items WHERE name = 'second'"), [{ id: second?.json.id }]);
});
