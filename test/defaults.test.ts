import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerForTests } from "./owner.ts";

const { platform, tableWith, restore, send } = await ownerForTests();
const { postgres } = platform;

const identity = (how: string) => `ALTER TABLE items ALTER id DROP DEFAULT; DROP SEQUENCE items_id_seq;
    ALTER TABLE items ALTER id ADD GENERATED ${how} AS IDENTITY; GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC`;
for (const ddl of [
  "ALTER TABLE items ALTER created_at TYPE timestamp",
  "ALTER TABLE items ALTER created_at TYPE date",
  "ALTER TABLE items ALTER created_at DROP DEFAULT",
  "ALTER TABLE items ALTER created_at SET DEFAULT '1999-12-31T23:59:59.999999Z'",
  "ALTER TABLE items ALTER created_at SET DEFAULT '9999-12-31T23:59:59Z'",
  "ALTER TABLE items ALTER created_at SET DEFAULT 'infinity'",
  "ALTER TABLE items ALTER created_at SET DEFAULT clock_timestamp() + '1 hour'",
  identity("ALWAYS"),
  identity("BY DEFAULT"),
  "ALTER TABLE items ALTER id TYPE bigint; ALTER SEQUENCE items_id_seq AS bigint; SELECT setval('items_id_seq', 9007199254740993)",
  "ALTER SEQUENCE items_id_seq RENAME TO counter",
  "CREATE SEQUENCE counter; GRANT USAGE ON SEQUENCE counter TO PUBLIC; ALTER TABLE items ALTER id SET DEFAULT nextval('counter')",
  `CREATE SCHEMA app; ALTER TABLE items SET SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC; ALTER ROLE ${postgres.credentials.username} SET search_path = app`,
  `ALTER ROLE ${postgres.credentials.username} SET "TimeZone" = 'Asia/Kolkata'; ALTER ROLE ${postgres.credentials.username} SET "DateStyle" = 'SQL, DMY'; ALTER TABLE items ALTER created_at TYPE timestamp`,
  `ALTER ROLE ${postgres.credentials.username} SET default_transaction_isolation = 'serializable'`,
]) {
  test(`items are stored one after another, and answered as they are, with ${ddl.replace(/\s+/g, " ")}`, async (t) => {
    t.after(restore);
    await tableWith(ddl);
    const table = ddl.includes("SCHEMA app") ? "app.items" : "items";
    const ids: string[] = [];
    for (const body of [{ name: "a" }, { name: "b" }, [{ name: "c" }, { name: "d" }], { name: "e" }]) {
      const { status, json, line } = await send(body);
      assert.equal(status, 201, JSON.stringify(line));
      ids.push(...(json.ids ?? [json.id]).map(String));
      if (!("ids" in json)) {
        const [row] = await postgres.query(
          `SELECT extract(epoch FROM created_at::timestamptz) IS NOT DISTINCT FROM extract(epoch FROM $2::timestamptz) AS same FROM ${table} WHERE name = $1`,
          [json.name, json.created_at],
        );
        if (!ddl.includes("TimeZone")) assert.deepEqual(row, { same: true }, json.created_at);
        else assert(Math.abs(Date.parse(json.created_at) - Date.now()) < 600_000, json.created_at);
      }
    }
    const stored = await postgres.query(`SELECT id::text FROM ${table} ORDER BY name`);
    if (!ddl.includes("90071992547"))
      assert.deepEqual(
        stored.map(({ id }) => id),
        ids,
      );
    else assert(stored.every(({ id }) => BigInt(id as string) > 9007199254740993n));
  });
}
