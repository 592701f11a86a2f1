import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerForTests } from "./owner.ts";

const { platform, tableWith, send, rows } = await ownerForTests();
const { postgres } = platform;

const ELSEWHERE = `
  CREATE TABLE elsewhere (name text);
  GRANT INSERT ON elsewhere TO PUBLIC;
  CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO elsewhere VALUES (NEW.name); IF NEW.name = 'kept' THEN RETURN NEW; END IF; RETURN NULL; END $$;
  CREATE TRIGGER elsewhere BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION elsewhere();`;
const OWN_ID = `
  CREATE SEQUENCE own; GRANT USAGE ON SEQUENCE own TO PUBLIC;
      CREATE FUNCTION own_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := nextval('own') + 1000; RETURN NEW; END $$;
      CREATE TRIGGER own_id BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION own_id();`;

for (const [what, body] of [
  ["an item", { name: "a" }],
  ["a batch, all of it or a part", [{ name: "kept" }, { name: "b" }]],
] as const) {
  test(`a trigger that keeps back ${what} is told after one try, and all of it taken back`, async () => {
    await tableWith(ELSEWHERE);
    const { status, line } = await send(body);
    assert.deepEqual([status, line.code], [503, "NOT_STORED"]);
    assert.match(line.remedy, /triggers and rules/);
    assert.deepEqual(await rows(), []);
    assert.deepEqual(await postgres.query("SELECT * FROM elsewhere"), []);
  });
}

test("a trigger that keeps rows away, and comes while a connection lasts, is told at once", async () => {
  await tableWith("");
  assert.equal((await send({ name: "before" })).status, 201);
  await postgres.query(ELSEWHERE);
  const { status, line } = await send({ name: "after" });
  assert.deepEqual([status, line.code], [503, "NOT_STORED"]);
  assert.equal((await rows()).length, 1);
  assert((await postgres.query("SELECT * FROM elsewhere")).length <= 1);
});

test("a trigger that keeps rows away, and comes before a batch while a connection lasts, is seen", async () => {
  await tableWith("");
  assert.equal((await send({ name: "before" })).status, 201);
  await postgres.query(ELSEWHERE);
  assert.equal((await send([{ name: "kept" }, { name: "b" }])).line.code, "NOT_STORED");
  assert.equal((await rows()).length, 1);
  assert.deepEqual(await postgres.query("SELECT * FROM elsewhere"), []);
});

test("a trigger that gives ids of its own, and comes while a connection lasts, is believed", async () => {
  await tableWith("");
  assert.equal((await send({ name: "before" })).status, 201);
  await postgres.query(OWN_ID);
  const { json } = await send({ name: "after" });
  assert.deepEqual(await postgres.query("SELECT id FROM items WHERE name = 'after'"), [{ id: json.id }]);
});

test("a trigger that gives ids of its own would hide what was stored, and so nothing is", async () => {
  await tableWith(OWN_ID);
  for (const body of [{ name: "a" }, [{ name: "a" }, { name: "b" }]])
    assert.equal((await send(body)).line.code, "NOT_STORED");
  assert.deepEqual(await rows(), []);
});

test("a rule that keeps rows away is told", async () => {
  await tableWith("CREATE RULE away AS ON INSERT TO items DO INSTEAD NOTHING");
  assert.deepEqual((await send({ name: "a" })).status, 503);
});
