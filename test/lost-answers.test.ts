import assert from "node:assert/strict";
import { test } from "node:test";
import { disconnect, type Lane, laneForTests } from "./fixture.ts";
import { ownerForTests } from "./owner.ts";
import { eventually } from "./platform/eventually.ts";

const { platform, tableWith, send, rows } = await ownerForTests();
const { postgres } = platform;

const LOWER = `
  CREATE FUNCTION lower_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := lower(NEW.name); RETURN NEW; END $$;
  CREATE TRIGGER lower_name BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION lower_name();`;

/** Invokes, and loses the server's answer to the insert. */
async function loseReply(lane: Lane, body: object, meanwhile?: () => Promise<unknown>) {
  lane.functions.replace();
  const first = Array.isArray(body)
    ? body.map((item) => ({ ...item, name: `before ${item.name}` }))
    : { ...body, name: "before" };
  assert.equal((await send(first, lane)).status, 201);
  const { server } = lane.wire.last;
  await disconnect(lane);
  lane.functions.replace();
  const [before, cuts] = [(await rows()).length, lane.wire.cuts];
  lane.wire.cut({ from: "server", after: server.length - 12, how: "end" });
  const answering = send(body, lane);
  if (meanwhile) {
    await eventually(() => lane.wire.cuts > cuts, "the answer to be lost");
    lane.wire.accept("refuse");
    await eventually(async () => (await rows()).length > before, "the row to be there");
    await meanwhile();
    lane.wire.accept("forward");
  }
  const answer = await answering;
  assert.equal(lane.wire.cuts, cuts + 1);
  return answer;
}

const lane = await laneForTests(platform, { maxContainers: 1 });
const sent = { name: "SENT" };
for (const [what, ddl, meanwhile] of [
  ["a trigger that changes the row", LOWER],
  ["another program's update", "", () => postgres.query("UPDATE items SET name = 'theirs', description = 'too'")],
  ["another program's delete", "", () => postgres.query("DELETE FROM items WHERE name LIKE '%SENT%'")],
  ["another unique constraint", "ALTER TABLE items ADD UNIQUE (name)"],
  [
    "another unique constraint, which is looked at first",
    "ALTER TABLE items DROP CONSTRAINT items_pkey; ALTER TABLE items ADD UNIQUE (name); ALTER TABLE items ADD PRIMARY KEY (id)",
  ],
  ["an exclusion constraint", "ALTER TABLE items ADD EXCLUDE USING hash (name WITH =)"],
  [
    "a trigger that refuses what is there",
    `CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM items WHERE name = NEW.name) THEN RAISE EXCEPTION 'twice'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER once BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION once();`,
  ],
  [
    "a trigger that passes over what is there",
    `CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM items WHERE name = NEW.name) THEN RETURN NULL; END IF; RETURN NEW; END $$;
      CREATE TRIGGER once BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION once();`,
  ],
  [
    "partitions by id",
    "DROP TABLE items; CREATE TABLE items (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name varchar(255) NOT NULL, description text, created_at timestamptz DEFAULT now()) PARTITION BY RANGE (id); CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (1000000); GRANT SELECT, INSERT ON items TO PUBLIC; GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC",
  ],
] as [string, string, (() => Promise<unknown>)?][]) {
  for (const body of [sent, [sent, { name: "SENT TOO" }]]) {
    test(`${Array.isArray(body) ? "a batch" : "an item"} is there once where the answer to the insert is lost, with ${what}`, async () => {
      await tableWith(ddl);
      const { status, json } = await loseReply(lane, body, meanwhile);
      assert.equal(status, 201);
      const left = (await rows()).filter(({ id }) => (json.ids ?? [json.id]).includes(Number(id))).length;
      const size = Array.isArray(body) ? body.length : 1;
      assert.equal(left, size);
      // Removed before the repeat, a row cannot be told from one that was never stored.
      if (!what.endsWith("delete")) assert.equal((await rows()).length, 2 * size, "the rows of before, and these");
    });
  }
}
