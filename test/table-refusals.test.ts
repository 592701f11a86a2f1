import assert from "node:assert/strict";
import { test } from "node:test";
import { streaming } from "./messages.ts";
import { ownerForTests } from "./owner.ts";

const { platform, tableWith, send, rows } = await ownerForTests();
const { postgres } = platform;

const lastId = async () => Number((await postgres.query("SELECT last_value FROM items_id_seq"))[0]?.last_value);

const RAISE = `
  CREATE FUNCTION check_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.name = 'bad' THEN RAISE EXCEPTION 'a secret: %', NEW.name; END IF; RETURN NEW; END $$;
  CREATE TRIGGER check_name BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION check_name();`;

const AUDIT = (statement: string) => `
  CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement}; RETURN NULL; END $$;
  CREATE TRIGGER audit AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION audit();`;

/** What the owner did to the table, an item that it refuses then, and what the caller is told. */
const REFUSED = [
  [
    "ALTER TABLE items ADD UNIQUE (name)",
    { name: "taken" },
    409,
    "is in another row already (constraint items_name_key)",
    "/name",
  ],
  [
    "CREATE UNIQUE INDEX lower_name ON items (lower(name))",
    { name: "TAKEN" },
    409,
    "is in another row already (constraint lower_name)",
  ],
  [
    "ALTER TABLE items ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED",
    { name: "taken" },
    409,
    "is in another row already (constraint items_name_key)",
    "/name",
  ],
  [
    "ALTER TABLE items ADD EXCLUDE USING hash (name WITH =)",
    { name: "taken" },
    409,
    "conflicts with another row (constraint items_name_excl)",
    "/name",
  ],
  [
    "ALTER TABLE items ADD CONSTRAINT short CHECK (length(name) < 9)",
    { name: "long enough" },
    422,
    "breaks a check of the table (constraint short)",
  ],
  [
    "ALTER TABLE items ALTER description SET NOT NULL",
    { name: "good", description: null },
    422,
    "must not be null (column description)",
    "/description",
  ],
  [
    "CREATE TABLE names (name varchar PRIMARY KEY); INSERT INTO names VALUES ('taken'), ('good'), ('good too'); ALTER TABLE items ADD FOREIGN KEY (name) REFERENCES names",
    { name: "bad" },
    422,
    "refers to a row that is not there (constraint items_name_fkey)",
    "/name",
  ],
  ["ALTER TABLE items ALTER name TYPE varchar(9)", { name: "long enough" }, 422, "is not what the table can hold"],
  [
    RAISE.replace("NEW.name;", "NEW.name USING ERRCODE = 'check_violation';"),
    { name: "bad" },
    422,
    "breaks a check of the table (function check_name)",
  ],
  [
    RAISE.replace(
      "NEW.name;",
      "NEW.name USING ERRCODE = 'P0001', CONSTRAINT = 'a secret ' || NEW.name, COLUMN = NEW.name;",
    ),
    { name: "bad" },
    422,
    "is refused by a trigger (function check_name)",
  ],
  [
    RAISE.replace("NEW.name;", "NEW.name USING ERRCODE = 'AP001';"),
    { name: "bad" },
    422,
    "is refused by a trigger (function check_name)",
  ],
  [
    RAISE.replace("NEW.name;", "NEW.name USING ERRCODE = '42501';"),
    { name: "bad" },
    422,
    "is refused by a trigger (function check_name)",
  ],
  [
    "CREATE TABLE audit (id serial, description text NOT NULL); GRANT INSERT ON audit TO PUBLIC; GRANT USAGE ON SEQUENCE audit_id_seq TO PUBLIC;" +
      AUDIT("INSERT INTO audit (description) VALUES (nullif(NEW.name, 'bad'))"),
    { name: "bad" },
    422,
    "must not be null (column description)",
  ],
  [RAISE, { name: "bad" }, 422, "is refused by a trigger (function check_name)"],
  [
    "CREATE INDEX ON items (description)",
    { name: "bad", description: "x" },
    422,
    "is too large for the table or an index",
  ],
] as const;

const shortOf = (ddl: string) => `${ddl.trim().split("\n")[0]} ${/ERRCODE = '\w+'/.exec(ddl)?.[0] ?? ""}`;

for (const [ddl, bad, status, detail, pointer = ""] of REFUSED) {
  test(`an item that ${detail} is told as ${status}, at once and without values: ${shortOf(ddl)}`, async () => {
    await tableWith("INSERT INTO items (name, description) VALUES ('taken', '')");
    await postgres.query(ddl);
    const item =
      status === 422 && bad.name === "bad" && "description" in bad ? { ...bad, description: random(9_000) } : bad;
    const before = await rows();
    const ids = await lastId();
    const single = await send(item);
    assert.equal(single.status, status, JSON.stringify(single));
    assert.deepEqual(single.json.errors, [{ pointer, detail }]);
    assert.match(single.line.code, /^[\dA-Z]{5}$/);
    assert(!JSON.stringify(single).includes("a secret"));

    const batch = await send([{ name: "good", description: "d" }, item, { name: "good too", description: "d" }]);
    assert.equal(batch.status, status);
    const [error] = batch.json.errors;
    // Which item it is, PostgreSQL tells by the row or by the key's value, and of the rest not at all.
    const isKnown = (pointer !== "" && status !== 409) || /short|name_key/.test(detail);
    assert.equal(error.pointer, isKnown ? `/1${pointer}` : "");
    assert.match(error.detail, new RegExp(detail.replaceAll(/[()]/g, "\\$&")));
    assert.deepEqual(await rows(), before, "nothing was stored");
    assert((await lastId()) - ids <= 6, "ids were burnt");
    assert.equal((await send({ name: "good", description: "d" })).status, 201, "and the next one is stored");
  });
}

for (const [what, ddl, code, remedy, named = {}] of [
  [
    "a trigger's table without a right",
    `CREATE TABLE audit (); ${AUDIT("INSERT INTO audit DEFAULT VALUES")}`,
    "42501",
    /trigger/,
    { function: "audit" },
  ],
  [
    "a trigger's table that is missing",
    AUDIT("INSERT INTO audit DEFAULT VALUES"),
    "42P01",
    /trigger/,
    { function: "audit" },
  ],
  [
    "a trigger that speaks of a column that is not there",
    AUDIT("NEW.updated_at := now()"),
    "42703",
    /trigger/,
    { function: "audit" },
  ],
  [
    "a sequence that goes on where id ends",
    "ALTER SEQUENCE items_id_seq AS bigint; SELECT setval('items_id_seq', 2147483647)",
    "22003",
    /bigint/,
  ],
  [
    "a required column more that has the name of a method",
    'ALTER TABLE items ADD "valueOf" text NOT NULL',
    "23502",
    /default/,
    { column: "valueOf" },
  ],
  [
    "a required column more of a table with partitions",
    `DROP TABLE items; CREATE TABLE items (id serial PRIMARY KEY, name varchar(255) NOT NULL, description text, created_at timestamptz DEFAULT now(), owner text NOT NULL) PARTITION BY RANGE (id);
       CREATE TABLE items_1 PARTITION OF items DEFAULT; GRANT SELECT, INSERT ON items TO PUBLIC; GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC`,
    "23502",
    /default/,
    { table: "items_1", column: "owner" },
  ],
] as [string, string, string, RegExp, object?][]) {
  test(`${what} is told as ${code}, with what mends it, since no item can help`, async () => {
    await tableWith(ddl);
    for (const body of [{ name: "a" }, [{ name: "a" }, { name: "b" }]]) {
      const { status, line } = await send(body);
      assert.deepEqual([status, line.code], [503, code], JSON.stringify(line));
      assert.match(line.remedy, remedy);
      assert.partialDeepStrictEqual(line, named);
    }
    assert.deepEqual(await rows(), []);
  });
}

test("no other item is taken for the one that a check refuses where id is not the first column", async () => {
  await tableWith("ALTER TABLE items DROP id, ADD id serial PRIMARY KEY, ADD CONSTRAINT odd CHECK (name <> '3')");
  await postgres.query("GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC");
  const named = ["3", "4", "5"].map((name) => ({ name }));
  const { status, json } = await send(named);
  assert.equal(status, 422);
  assert.deepEqual(json.errors, [{ pointer: "", detail: "an item breaks a check of the table (constraint odd)" }]);
  // The next three ids, of which one is 6, come after those that were taken in vain.
  for (const name of ["6", "7", "8", "9"]) {
    await postgres.query(`ALTER TABLE items DROP CONSTRAINT odd, ADD CONSTRAINT odd CHECK (name <> '${name}')`);
    const fed = await send(
      streaming(
        [name, "a", "b"].map((each) => JSON.stringify({ name: each })),
        Number(name) * 10,
      ),
    );
    assert.deepEqual([fed.json.count, fed.json.rejected], [2, 1], name);
    const [reject] = await postgres.query("SELECT convert_from(content, 'UTF8') AS content FROM items_rejected");
    assert.deepEqual(reject, { content: `{"name":"${name}"}` });
    await postgres.query("TRUNCATE items, items_keys, items_rejected");
  }
});

/** Which does not compress. */
function random(length: number): string {
  return Array.from({ length }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join("");
}
