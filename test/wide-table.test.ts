import assert from "node:assert/strict";
import { test } from "node:test";
import { direct, gateway, platformForTests } from "./fixture.ts";
import { sampleOf } from "./samples.ts";

const { options } = await sampleOf("test/wide");
const platform = await platformForTests(options);

test("an item with a key may leave out more than fifty columns with defaults, and is answered the same again", async () => {
  // The second on a connection that is known, which gets another statement.
  for (const key of ["one", "other"]) {
    const send = () => direct(platform, JSON.stringify({ name: "a", idempotency_key: key }));
    const { status, json } = await send();
    assert.equal(status, 200);
    assert.equal(json.column_59, "59", JSON.stringify(json));
    assert.deepEqual((await send()).json, json);
  }
  assert.equal((await gateway(platform, "GET", "/health")).status, 200);
});
