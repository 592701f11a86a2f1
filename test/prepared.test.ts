import assert from "node:assert/strict";
import test from "node:test";
import { laneForTests, platformForTests } from "./fixture.ts";

const platform = await platformForTests();

test("straight to PostgreSQL, the insert of an item is parsed once a connection", async () => {
  const { functions, wire } = await laneForTests(platform, { maxContainers: 1 });
  for (const name of ["first", "second", "third"]) {
    assert.equal((await functions.invoke({ body: JSON.stringify({ name }) })).code, undefined);
  }
  assert.equal(wire.connections, 1);
  const sent = wire.last.client.toString("latin1");
  assert.equal(sent.split("INSERT INTO items").length - 1, 1);
  for (const name of ["first", "second", "third"]) assert(sent.includes(name));
});
