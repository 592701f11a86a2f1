import assert from "node:assert/strict";
import { test } from "node:test";
import { closingLine } from "./fixture.ts";
import { ownerForTests } from "./owner.ts";

const owner = await ownerForTests();
const { platform, tableWith, restore } = owner;
const { postgres } = platform;
const { username } = postgres.credentials;

async function health() {
  const { callId, code, body } = await platform.functions.invoke({ body: "" });
  const line = await closingLine(platform, callId);
  return { line, body: code === undefined ? JSON.parse(body.toString()) : undefined };
}

/** What an insert leaves behind, and a health check must not: rows, ids taken, what triggers do. */
async function traces() {
  const [row] = await postgres.query(
    "SELECT (SELECT count(*) FROM items) AS rows, last_value, is_called FROM items_id_seq",
  );
  return row;
}

test("healthy leaves no row, takes no id and fires no trigger", async () => {
  await tableWith(`CREATE TABLE fired (at text); GRANT INSERT ON fired TO PUBLIC;
    CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired VALUES (TG_WHEN || TG_LEVEL); RETURN NULL; END $$;
    CREATE TRIGGER fire AFTER INSERT ON items FOR EACH STATEMENT EXECUTE FUNCTION fire()`);
  const before = await traces();
  const { line, body } = await health();
  assert.deepEqual(body, { status: "ok" }, JSON.stringify(line));
  assert.deepEqual(await traces(), before);
  assert.deepEqual(await postgres.query("SELECT * FROM fired"), []);
});

for (const [what, ddl] of [
  ["the recorded table", ""],
  [
    "a column more that may be left out",
    "ALTER TABLE items ADD a text, ADD b int NOT NULL DEFAULT 1, ADD c int GENERATED ALWAYS AS (2 * b) STORED",
  ],
  [
    "a bigint identity, ALWAYS",
    "ALTER TABLE items ALTER id DROP DEFAULT; DROP SEQUENCE items_id_seq; ALTER TABLE items ALTER id TYPE bigint, ALTER id ADD GENERATED ALWAYS AS IDENTITY; GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC",
  ],
  ["a renamed sequence", "ALTER SEQUENCE items_id_seq RENAME TO counter"],
  [
    "policies that let the user read and append",
    `ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON items FOR INSERT WITH CHECK (true); CREATE POLICY r ON items FOR SELECT TO ${username} USING (true)`,
  ],
  [
    "an updatable view is no table, but a table that was renamed under it is",
    "ALTER TABLE items RENAME TO things; ALTER TABLE things RENAME TO items",
  ],
  [
    "a required column more, which a trigger fills",
    `ALTER TABLE items ADD slug text NOT NULL;
     CREATE FUNCTION slug() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.slug := lower(NEW.name); RETURN NEW; END $$;
     CREATE TRIGGER slug BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION slug()`,
  ],
  [
    "no right to read but what an insert reads",
    `REVOKE SELECT ON items FROM ${username}; GRANT SELECT (id, created_at) ON items TO ${username}`,
  ],
  [
    "a bigint sequence far beyond integers, as its id is",
    "ALTER TABLE items ALTER id TYPE bigint; ALTER SEQUENCE items_id_seq AS bigint; SELECT setval('items_id_seq', 3000000000)",
  ],
] as const) {
  test(`healthy, and an insert succeeds: ${what}`, async () => {
    await tableWith(ddl);
    assert.deepEqual((await health()).body, { status: "ok" });
    assert.equal((await owner.send({ name: "a" })).status, 201);
  });
}

for (const [what, ddl, code, remedy] of [
  ["no right to insert", `REVOKE INSERT ON items FROM ${username}`, "42501", /schema\.sql/],
  [
    "no right to insert a column",
    `REVOKE INSERT ON items FROM ${username}; GRANT INSERT (id, name) ON items TO ${username}`,
    "42501",
    /schema\.sql/,
  ],
  ["no right to read", `REVOKE SELECT ON items FROM ${username}`, "42501", /schema\.sql/],
  ["no right on the sequence", `REVOKE ALL ON SEQUENCE items_id_seq FROM ${username}`, "42501", /schema\.sql/],
  ["no right on the schema", `REVOKE USAGE ON SCHEMA public FROM ${username}`, "42P01", /schema\.sql/],
  [
    "read-only by the user's setting",
    `ALTER ROLE ${username} SET default_transaction_read_only = on`,
    "25006",
    /primary/,
  ],
  [
    "a view of a join",
    "ALTER TABLE items RENAME TO things; CREATE VIEW items AS SELECT things.* FROM things, (SELECT 1) one; GRANT SELECT, INSERT ON items TO PUBLIC",
    "55000",
    /table behind/,
  ],
  [
    "a view that takes rows, and does not count them",
    "ALTER TABLE items RENAME TO things; CREATE VIEW items AS SELECT * FROM things; GRANT SELECT, INSERT ON items TO PUBLIC",
    "NO_KEY",
    /primary key/,
  ],
  ["a required column more", "ALTER TABLE items ADD owner text NOT NULL", "23502", /default/],
  [
    "a required column more, by its domain",
    "CREATE DOMAIN required AS text NOT NULL; ALTER TABLE items ADD owner required",
    "23502",
    /default/,
  ],
  ["a column less", "ALTER TABLE items DROP description", "42703", /column/],
  ["the answer's column less", "ALTER TABLE items DROP created_at", "42703", /column/],
  ["a column of another type", "ALTER TABLE items ALTER description TYPE int USING 1", "42804", /agree/],
  ["no table", "DROP TABLE items", "42P01", /schema\.sql/],
  ["no primary key", "ALTER TABLE items DROP CONSTRAINT items_pkey", "NO_KEY", /primary key/],
  [
    "a primary key of id and another column",
    "ALTER TABLE items DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (id, name)",
    "NO_KEY",
    /primary key/,
  ],
  [
    "an id that does not count",
    "ALTER TABLE items ALTER id DROP DEFAULT; DROP SEQUENCE items_id_seq",
    "NO_SEQUENCE",
    /serial/,
  ],
  ["a sequence at its end", "SELECT setval('items_id_seq', 2147483647)", "2200H", /bigint/],
  [
    "a sequence that goes on where id ends",
    "ALTER SEQUENCE items_id_seq AS bigint; SELECT setval('items_id_seq', 2147483647)",
    "2200H",
    /bigint/,
  ],
  [
    "a sequence at the end of bigint",
    "ALTER TABLE items ALTER id TYPE bigint; ALTER SEQUENCE items_id_seq AS bigint; SELECT setval('items_id_seq', 9223372036854775807)",
    "2200H",
    /end/,
  ],
  ["no right on another column's sequence", "ALTER TABLE items ADD place serial", "42501", /schema\.sql/],
  [
    "a rule that also stores elsewhere",
    "CREATE TABLE copies (name text); CREATE RULE copy AS ON INSERT TO items DO ALSO INSERT INTO copies VALUES (NEW.name)",
    "0A000",
    /rules/,
  ],
  ["row-level security without a policy", "ALTER TABLE items ENABLE ROW LEVEL SECURITY", "42501", /polic/],
  [
    "row-level security that lets those in whose role the user is, without inheriting of it",
    `DO $$ BEGIN CREATE ROLE writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
     ALTER ROLE ${username} NOINHERIT; GRANT writer TO ${username};
     ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY w ON items TO writer USING (true) WITH CHECK (true)`,
    "42501",
    /polic/,
  ],
  [
    "row-level security that lets nobody append",
    "ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY r ON items FOR SELECT USING (true)",
    "42501",
    /polic/,
  ],
  [
    "row-level security that lets nobody read",
    "ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON items FOR INSERT WITH CHECK (true)",
    "42501",
    /polic/,
  ],
] as const) {
  test(`not healthy, with the code ${code} and a remedy, and an insert fails: ${what}`, async (t) => {
    t.after(restore);
    await tableWith(ddl);
    // What may pass is tried until the deadline.
    platform.functions.options.timeoutSeconds = code === "25006" ? 4 : 300;
    const { line, body } = await health();
    assert.equal(body, undefined, "healthy");
    assert.deepEqual([line.status, line.code], [503, code]);
    assert.match(line.remedy, remedy);
    const { status } = await owner.send({ name: "a" });
    assert.notEqual(status, 201, "an insert does succeed");
  });
}
