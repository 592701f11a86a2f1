import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import pg from "pg";
import { SCHEMA, startPostgres } from "./platform/postgres.ts";

const postgres = await startPostgres();
const { username: user, dbname: database, ...rest } = postgres.credentials;
const client = new pg.Client({ ...rest, user, database, ssl: false });
before(() => client.connect());
after(async () => {
  await client.end();
  await postgres.stop();
});

test("the function's user may take ids, insert and read back", async () => {
  await client.query("INSERT INTO items (id, name) SELECT nextval('items_id_seq'), 'mine'");
  const { rows } = await client.query("SELECT name FROM items");
  assert.deepEqual(rows, [{ name: "mine" }]);
});

for (const sql of [
  "UPDATE items SET name = 'other'",
  "DELETE FROM items",
  "TRUNCATE items",
  "DROP TABLE items",
  "ALTER TABLE items ADD COLUMN extra text",
  "CREATE INDEX ON items (name)",
  "CREATE TRIGGER t AFTER INSERT ON items EXECUTE FUNCTION suppress_redundant_updates_trigger()",
  "SELECT setval('items_id_seq', 1)",
  "ALTER SEQUENCE items_id_seq RESTART",
  "DROP SEQUENCE items_id_seq",
  "CREATE TABLE public.mine (id int)",
  "CREATE SCHEMA mine",
  "CREATE ROLE other",
  "ALTER ROLE owner PASSWORD 'x'",
  "SET ROLE owner",
  "SELECT * FROM pg_authid",
  "SELECT pg_read_file('postgresql.conf')",
  "COPY items TO PROGRAM 'cat'",
  "COPY items FROM '/etc/passwd'",
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'",
  "ALTER SYSTEM SET ssl = off",
  "CREATE DATABASE other",
]) {
  test(`the function's user is refused ${sql}`, async () => {
    await assert.rejects(client.query(sql), (error: pg.DatabaseError) => {
      assert.equal(error.code, "42501", error.message);
      return true;
    });
  });
}

test("the function's user can grant to nobody what it may do", async () => {
  await client.query("GRANT INSERT ON items TO PUBLIC"); // a warning, and nothing granted
  const [row] = await postgres.query("SELECT has_table_privilege('public', 'items', 'INSERT') AS granted");
  assert.deepEqual(row, { granted: false });
});

test("the schema is applied to a database of another encoding, and again", async () => {
  await postgres.query("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
  const owner = new pg.Client({ connectionString: postgres.url.replace(/\/\w+$/, "/latin") });
  await owner.connect();
  try {
    await owner.query("SELECT set_config('inserter.user', $1, false)", [user]);
    for (let time = 0; time < 2; time++) await owner.query(readFileSync(SCHEMA, "utf8"));
    assert.deepEqual((await owner.query("SELECT key FROM items_keys")).rows, []);
  } finally {
    await owner.end();
  }
});
