import assert from "node:assert/strict";
import test from "node:test";
import { laneForTests, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";

const platform = await platformForTests();

test("straight to PostgreSQL, the insert of an item is parsed once a connection, and takes the next id along", async () => {
  const { functions, wire } = await laneForTests(platform, { maxContainers: 1 });
  // Of a busy machine a connection that rested may be given up, and the next is as good.
  await eventually(async () => {
    const connections = new Set<number>();
    for (const name of ["first", "second", "third"]) {
      assert.equal((await functions.invoke({ body: JSON.stringify({ name }) })).code, undefined);
      connections.add(wire.connections);
    }
    return connections.size === 1;
  }, "three inserts on one connection");
  const sent = wire.last.client.toString("latin1");
  assert.equal(sent.split("INSERT INTO").length - 1, 1);
  assert.equal(sent.split("pg_backend_pid").length - 1, 1);
  for (const name of ["first", "second", "third"]) assert(sent.includes(name));
});

test("a table that changes between two inserts costs no error", async () => {
  const { functions, wire } = await laneForTests(platform, { maxContainers: 1 });
  for (const change of [
    "SELECT 'nothing'",
    "ALTER TABLE items ADD COLUMN note text",
    "ALTER TABLE items ALTER COLUMN name TYPE text",
    "ALTER TABLE items ALTER COLUMN id TYPE bigint",
    "ALTER SEQUENCE items_id_seq AS bigint; SELECT setval('items_id_seq', 3000000000)",
    "ALTER TABLE items RENAME TO former; CREATE TABLE items (LIKE former INCLUDING ALL); GRANT SELECT, INSERT ON items TO PUBLIC",
    `DROP TABLE items; DROP TABLE former; CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, description text, created_at date);
     GRANT SELECT, INSERT ON items TO PUBLIC; GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC`,
  ]) {
    await platform.postgres.query(change);
    // At first the batch, of a connection that knew the table otherwise, and then what the item before left.
    assert.equal((await functions.invoke({ body: '[{"name":"a"},{"name":"b"}]' })).code, undefined, change);
    for (const name of ["one", "another"]) {
      const { code, body } = await functions.invoke({ body: JSON.stringify({ name }) });
      assert.equal(code, undefined, change);
      const { id } = JSON.parse(body.toString());
      const rows = await platform.postgres.query("SELECT FROM items WHERE id = $1 AND name = $2", [id, name]);
      assert.equal(rows.length, 1, change);
    }
  }
  const given = functions.logs.filter((line) => JSON.parse(line).code === "LOST");
  assert.equal(wire.connections, 1 + given.length, "a change costs no connection");
});
