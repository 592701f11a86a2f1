import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import pg from "pg";
import { deliver } from "./feed-fixture.ts";
import { platformForTests } from "./fixture.ts";

const platform = await platformForTests({ config: { ON_INVALID: "set-aside" } });
const { postgres, vault } = platform;
const { credentials } = postgres;

test("a database of another encoding has set aside what it cannot hold, and the others stored", async () => {
  await postgres.query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
  const url = new URL(postgres.url);
  url.pathname = "latin";
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  try {
    await owner.query("SELECT set_config('inserter.user', $1, false)", [credentials.username]);
    await owner.query(readFileSync(new URL("../src/schema.sql", import.meta.url), "utf8"));
    vault.put({ ...credentials, dbname: "latin" });
    // Of a message that is no item the key goes into its errors.
    for (const messages of [[{ name: "é" }, { name: "€" }, { name: "a", "né€": "a" }], [{ "€": 1 }]]) {
      const { json } = await deliver(Buffer.from(JSON.stringify(messages)), platform);
      assert.equal(json.rejected, messages.length === 1 ? 1 : 2, JSON.stringify(json));
    }
    assert.deepEqual((await owner.query("SELECT name FROM items")).rows, [{ name: "é" }]);
    const { rows } = await owner.query("SELECT content, errors FROM items_rejected");
    assert.deepEqual(rows.map(({ content }) => `${content}`).sort(), [
      '{"name":"a","né€":"a"}',
      '{"name":"€"}',
      '{"€":1}',
    ]);
    assert(rows.some(({ errors: [{ pointer }] }) => pointer === "/n??"));
  } finally {
    await owner.end();
  }
});
