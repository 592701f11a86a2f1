import assert from "node:assert/strict";
import { test } from "node:test";
import { closingLine, platformForTests } from "./fixture.ts";
import type { Platform } from "./platform/platform.ts";

const platform = await platformForTests({ config: { ON_INVALID: "set-aside" } });
const refusing = await platformForTests({ config: { ON_INVALID: "refuse" } });
const username = platform.postgres.credentials.username;

async function health({ functions }: Platform) {
  const { code, callId } = await functions.invoke({ body: "" });
  const { status, code: cause, remedy } = await closingLine({ functions }, callId);
  return { code, status, cause, remedy };
}

for (const [what, cause, break_, mend] of [
  ["the table of keys", "42P01", "ALTER TABLE items_keys RENAME TO hidden", "ALTER TABLE hidden RENAME TO items_keys"],
  [
    "the table of rejects",
    "42P01",
    "ALTER TABLE items_rejected RENAME TO hidden",
    "ALTER TABLE hidden RENAME TO items_rejected",
  ],
  [
    "the right to store a key",
    "42501",
    `REVOKE INSERT ON items_keys FROM ${username}`,
    `GRANT INSERT ON items_keys TO ${username}`,
  ],
  [
    "the right to find a key",
    "42501",
    `REVOKE SELECT ON items_keys FROM ${username}`,
    `GRANT SELECT ON items_keys TO ${username}`,
  ],
  [
    "the right to set a message aside",
    "42501",
    `REVOKE INSERT ON items_rejected FROM ${username}`,
    `GRANT INSERT ON items_rejected TO ${username}`,
  ],
  [
    "the right to set a message aside again",
    "42501",
    `REVOKE UPDATE (at) ON items_rejected FROM ${username}`,
    `GRANT UPDATE (at) ON items_rejected TO ${username}`,
  ],
  [
    "a column of the keys",
    "42703",
    "ALTER TABLE items_keys RENAME fingerprint TO hidden",
    "ALTER TABLE items_keys RENAME hidden TO fingerprint",
  ],
] as const) {
  test(`health asks for ${what} where bad messages are set aside, and nowhere else`, async (t) => {
    for (const each of [platform, refusing]) {
      await each.postgres.query(break_);
      t.after(() => each.postgres.query(mend));
    }
    const { remedy, ...found } = await health(platform);
    assert.deepEqual(found, { code: "FunctionInvokeExecutionFailed", status: 503, cause });
    assert.match(remedy, /schema\.sql|column/);
    assert.equal((await health(refusing)).status, 200);
  });
}

test("health is well again once all is there", async () => {
  assert.equal((await health(platform)).status, 200);
});
