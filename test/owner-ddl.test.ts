import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { insertChecked, insertOne, TAKE_FIRST_IDS } from "../src/insert/statements.ts";
import { disconnect, type Lane, laneForTests } from "./fixture.ts";
import { ownerForTests } from "./owner.ts";
import { eventually } from "./platform/eventually.ts";

const { platform, tableWith, restore, send, rows } = await ownerForTests();
const { postgres } = platform;

const lastId = async () => Number((await postgres.query("SELECT last_value FROM items_id_seq"))[0]?.last_value);

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

const LOWER = `
  CREATE FUNCTION lower_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := lower(NEW.name); RETURN NEW; END $$;
  CREATE TRIGGER lower_name BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION lower_name();`;
const ELSEWHERE = `
  CREATE TABLE elsewhere (name text);
  GRANT INSERT ON elsewhere TO PUBLIC;
  CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO elsewhere VALUES (NEW.name); IF NEW.name = 'kept' THEN RETURN NEW; END IF; RETURN NULL; END $$;
  CREATE TRIGGER elsewhere BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION elsewhere();`;
const OWN_ID = `
  CREATE SEQUENCE own; GRANT USAGE ON SEQUENCE own TO PUBLIC;
      CREATE FUNCTION own_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := nextval('own') + 1000; RETURN NEW; END $$;
      CREATE TRIGGER own_id BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION own_id();`;
const RAISE = `
  CREATE FUNCTION check_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.name = 'bad' THEN RAISE EXCEPTION 'a secret: %', NEW.name; END IF; RETURN NEW; END $$;
  CREATE TRIGGER check_name BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION check_name();`;

const AUDIT = (statement: string) => `
  CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement}; RETURN NULL; END $$;
  CREATE TRIGGER audit AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION audit();`;

suite("an item that the table refuses is the caller's, at once, with names and no values", () => {
  for (const [ddl, bad, status, detail, pointer = ""] of [
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
  ] as const) {
    test(`${ddl.trim().split("\n")[0]} ${/ERRCODE.*?'/.exec(ddl)?.[0] ?? ""}`, async () => {
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
});

suite("what no item can help is told as a failure, and what mends it", () => {
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
      "a required column more of a table with partitions",
      `DROP TABLE items; CREATE TABLE items (id serial PRIMARY KEY, name varchar(255) NOT NULL, description text, created_at timestamptz DEFAULT now(), owner text NOT NULL) PARTITION BY RANGE (id);
       CREATE TABLE items_1 PARTITION OF items DEFAULT; GRANT SELECT, INSERT ON items TO PUBLIC; GRANT USAGE ON SEQUENCE items_id_seq TO PUBLIC`,
      "23502",
      /default/,
      { table: "items_1", column: "owner" },
    ],
  ] as [string, string, string, RegExp, object?][]) {
    test(what, async () => {
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
});

/** Which does not compress. */
function random(length: number): string {
  return Array.from({ length }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join("");
}

suite("whatever id counts by and created_at is, items are stored one after another", () => {
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
    test(ddl.split("\n")[0] as string, async (t) => {
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
});

test("a sequence far behind the table is caught up at once, and takes no more ids than it needs", async () => {
  await tableWith(
    "INSERT INTO items (id, name) SELECT id, 'imported' FROM generate_series(1, 200000) AS id WHERE id <> 100000",
  );
  const first = await send({ name: "into the gap" });
  assert.deepEqual([first.status, first.json.id], [201, 100_000]);
  const second = await send([{ name: "behind" }, { name: "them" }]);
  assert.deepEqual(second.json.ids, [200_001, 200_002]);
  assert(platform.functions.logs.some((line) => line.includes("sequence is behind")));
});

test("the remedy for a sequence that is behind is of the one that id counts by, and never sets it back", async () => {
  await tableWith(`CREATE SEQUENCE counter; GRANT USAGE ON SEQUENCE counter TO PUBLIC;
    ALTER TABLE items ALTER id SET DEFAULT nextval('counter');
    INSERT INTO items (id, name) SELECT id, 'imported' FROM generate_series(1, 20) AS id`);
  platform.functions.logs.length = 0;
  assert.equal((await send({ name: "a" })).json.id, 21);
  const warning = platform.functions.logs.find((line) => line.includes("sequence is behind"));
  await postgres.query("SELECT setval('counter', 40)");
  for (const largest of [40, 100]) {
    await postgres.query("INSERT INTO items (id, name) VALUES ($1, '') ON CONFLICT DO NOTHING", [largest]);
    await postgres.query(JSON.parse(String(warning)).remedy);
    const [{ next } = {}] = await postgres.query("SELECT nextval('counter')::int AS next");
    assert.equal(next, Math.max(42, largest + 1));
  }
});

test("ids of which another session has some between are as good, and no reason to warn", async () => {
  await tableWith("ALTER SEQUENCE items_id_seq CACHE 3; INSERT INTO items (name) VALUES ('takes 1 to 3')");
  assert.equal((await send({ name: "takes 4 to 6" })).json.id, 4);
  await postgres.query(
    "SELECT setval('items_id_seq', 6); INSERT INTO items (id, name) VALUES (7, 'theirs'), (8, ''), (9, '')",
  );
  await postgres.query("SELECT setval('items_id_seq', 9)");
  platform.functions.logs.length = 0;
  const { json } = await send([{ name: "a" }, { name: "b" }]);
  assert.deepEqual(json.ids, [6, 10]);
  assert(!platform.functions.logs.some((line) => line.includes("sequence is behind")));
});

test("a sequence that counts down, or in steps, gives each item of a batch an id of its own", async () => {
  for (const [how, ids] of [
    ["INCREMENT -1 MINVALUE -9 MAXVALUE 9 RESTART 5", [5, 4, 3]],
    ["INCREMENT 3 RESTART 5", [5, 8, 11]],
    ["MAXVALUE 6 CYCLE RESTART 5", [5, 6, 1]],
  ] as const) {
    await tableWith(`ALTER SEQUENCE items_id_seq ${how}; INSERT INTO items (id, name) VALUES (7, 'theirs')`);
    const { status, json, line } = await send([{ name: "a" }, { name: "b" }, { name: "c" }]);
    assert.deepEqual([status, json.ids], [201, ids], JSON.stringify(line));
    const stored = await postgres.query("SELECT id FROM items WHERE name <> 'theirs' ORDER BY name");
    assert.deepEqual(
      stored.map(({ id }) => id),
      ids,
    );
  }
});

test("rows that the user does not see hold ids that seem free: told, and not tried for ever", async () => {
  await tableWith(`INSERT INTO items (id, name) SELECT id, 'theirs' FROM generate_series(1, 100) AS id;
    ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON items FOR INSERT WITH CHECK (true);
    CREATE POLICY r ON items FOR SELECT USING (name <> 'theirs')`);
  const { status, line } = await send({ name: "mine" });
  assert.deepEqual([status, line.code], [503, "IDS_USED"]);
  assert((await lastId()) <= 10);
});

suite("a trigger that keeps rows away", () => {
  for (const [what, body] of [
    ["an item", { name: "a" }],
    ["a batch, all of it or a part", [{ name: "kept" }, { name: "b" }]],
  ] as const) {
    test(`${what}: one try, told at once, and all of it taken back`, async () => {
      await tableWith(ELSEWHERE);
      const { status, line } = await send(body);
      assert.deepEqual([status, line.code], [503, "NOT_STORED"]);
      assert.match(line.remedy, /triggers and rules/);
      assert.deepEqual(await rows(), []);
      assert.deepEqual(await postgres.query("SELECT * FROM elsewhere"), []);
    });
  }

  test("one that comes while a connection lasts stores nothing in the table, and is told at once", async () => {
    await tableWith("");
    assert.equal((await send({ name: "before" })).status, 201);
    await postgres.query(ELSEWHERE);
    const { status, line } = await send({ name: "after" });
    assert.deepEqual([status, line.code], [503, "NOT_STORED"]);
    assert.equal((await rows()).length, 1);
    assert((await postgres.query("SELECT * FROM elsewhere")).length <= 1);
  });

  test("one that comes before a batch, while a connection lasts, is seen", async () => {
    await tableWith("");
    assert.equal((await send({ name: "before" })).status, 201);
    await postgres.query(ELSEWHERE);
    assert.equal((await send([{ name: "kept" }, { name: "b" }])).line.code, "NOT_STORED");
    assert.equal((await rows()).length, 1);
    assert.deepEqual(await postgres.query("SELECT * FROM elsewhere"), []);
  });

  test("one that gives ids of its own, and comes while a connection lasts, is believed", async () => {
    await tableWith("");
    assert.equal((await send({ name: "before" })).status, 201);
    await postgres.query(OWN_ID);
    const { json } = await send({ name: "after" });
    assert.deepEqual(await postgres.query("SELECT id FROM items WHERE name = 'after'"), [{ id: json.id }]);
  });

  test("one that gives ids of its own would hide what was stored, and so nothing is", async () => {
    await tableWith(OWN_ID);
    for (const body of [{ name: "a" }, [{ name: "a" }, { name: "b" }]])
      assert.equal((await send(body)).line.code, "NOT_STORED");
    assert.deepEqual(await rows(), []);
  });

  test("a rule", async () => {
    await tableWith("CREATE RULE away AS ON INSERT TO items DO INSTEAD NOTHING");
    assert.deepEqual((await send({ name: "a" })).status, 503);
  });
});

test("a table may have the name of anything in a statement", async () => {
  await tableWith("");
  const names = ["name", "description"];
  const until = Date.now() + 1e6;
  for (const name of ["sequence", "clock", "rows_0", "known", "taken", "next", "sent", "stored", "keyed", "free"]) {
    await postgres.query(`CREATE TABLE "${name}" (LIKE items INCLUDING ALL)`);
    const run = (text: string, values: unknown[]) =>
      postgres.query<{ sequence: string; ids: string | null; first: string }>(
        text.replaceAll('"items"', `"${name}"`),
        values,
      );
    const [taken] = await run(TAKE_FIRST_IDS, [1]);
    await run(insertOne(names, false).text, [taken?.first, "a", null, until, taken?.sequence]);
    const checked = insertChecked({ groups: [names], single: true, keyed: false, rejecting: false, guarded: true });
    await run(checked, [until, "{1000}", "{b}", "{NULL}"]);
    const key = [`of ${name}`, "00"];
    await run(insertOne(names, true).text, [1001, "c", null, until, taken?.sequence, ...key]);
    assert.equal((await postgres.query(`SELECT FROM "${name}"`)).length, 3, name);
    await postgres.query(`DROP TABLE "${name}"`);
  }
});

test("an id that is reserved for the next item is one that no row has", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  const both = async () => {
    lane.functions.replace();
    const first = await send({ name: "first" }, lane);
    return [first, await send({ name: "second" }, lane)];
  };
  await tableWith("");
  await both();
  const { server } = lane.wire.last;
  await disconnect(lane);
  // The insert of the first finds the id after its own used; of the second the answer is lost.
  await tableWith("INSERT INTO items (id, name) VALUES (2, 'theirs')");
  lane.wire.cut({ from: "server", after: server.length - 12, how: "end" });
  const [, second] = await both();
  assert.equal(second?.status, 201);
  assert.deepEqual(await postgres.query("SELECT id FROM items WHERE name = 'second'"), [{ id: second?.json.id }]);
});

suite("where the answer to the insert is lost, each item is there once", async () => {
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
      test(`${what}, ${Array.isArray(body) ? "a batch" : "an item"}`, async () => {
        await tableWith(ddl);
        const { status, json } = await loseReply(lane, body, meanwhile);
        assert.equal(status, 201);
        const left = (await rows()).filter(({ id }) => (json.ids ?? [json.id]).includes(Number(id))).length;
        const size = Array.isArray(body) ? body.length : 1;
        if (what.endsWith("delete")) {
          // Removed before the repeat, a row cannot be told from one that was never stored.
          assert.equal(left, size);
        } else {
          assert.equal(left, size);
          assert.equal((await rows()).length, 2 * size, "the rows of before, and these");
        }
      });
    }
  }
});
