import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Table } from "../src/columns.ts";
import { parseExactly } from "../src/values/json.ts";
import { disagreements } from "./agreement.ts";
import { platformForTests } from "./fixture.ts";
import { streaming } from "./messages.ts";
import { startPostgres } from "./platform/postgres.ts";
import { quoted, sampleOf } from "./samples.ts";
import { bodyOf, strangers } from "./strangers.ts";
import { type Source, sourcesOf } from "./values.ts";

/** VALUE_CASES=10000 is the long form. */
const CASES = Number(process.env.VALUE_CASES ?? 150);

// What ships, whatever table it is of, and those of the tests.
for (const folder of ["src", "test/readings", "test/types"] as const) {
  const { table, relation, options } = await sampleOf(folder);
  const platform = await platformForTests(options);
  const { postgres, functions } = platform;
  let refusals = 0;

  /** The answer; undefined where the table has rules of its own which the values break, as those of the tests have not. */
  async function invoke(body: string): Promise<string | undefined> {
    const { code, body: answer } = await functions.invoke({ body });
    const text = answer.toString();
    assert.equal(code, undefined, functions.logs.slice(-3).join("\n"));
    if (!("status" in JSON.parse(text)) || body === "") return text;
    assert(folder === "src" && text.includes("The table refused"), `${text} ${body}`);
    refusals++;
    return undefined;
  }

  const accepted = Object.entries(table.columns).filter(([, { traits }]) => !traits.includes("generated"));
  const item = fc.record(Object.fromEntries(accepted.map(([name, column]) => [name, sourcesOf(column)])));

  test(`the table of ${folder} is in table.ts what it is in schema.sql`, async () => {
    assert.deepEqual(await disagreements(postgres, table, relation), []);
  });

  test(`the schema of ${folder} may be applied again, and gives the function what it needs`, async () => {
    const schema = readFileSync(options.postgres?.schema as URL, "utf8");
    await postgres.query(`SELECT set_config('inserter.user', '${postgres.credentials.username}', false); ${schema}`);
    assert.equal(await invoke(""), '{"status":"ok"}');
  });

  test(`beside the table of ${folder} are its keys and its rejected messages, and what comes again is there once`, async () => {
    const named = (what: string) => [table.schema ?? [], `${table.name}_${what}`].flat().map(quoted).join(".");
    const deliver = (sent: Record<string, Source>) => invoke(JSON.stringify(streaming([bodyOf(sent), "{"])));
    // Of a table with rules of its own the first that passes.
    for (const sent of fc.sample(item, 50)) {
      const answer = await deliver(sent);
      if (JSON.parse(answer ?? "{}").count !== 1) continue;
      assert.equal(await deliver(sent), answer);
      assert.deepEqual(await postgres.query(`SELECT count(*)::int FROM ${named("keys")}`), [{ count: 1 }]);
      const bad = await postgres.query(`SELECT FROM ${named("rejected")} WHERE content = '{'`);
      assert.equal(bad.length, 1);
      return;
    }
    assert.fail("the table takes none of 50 items");
  });

  test(`what single items of ${folder} bring is stored and answered, value for value, with what the database makes of the rest`, async (t) => {
    const property = fc.asyncProperty(item, async (sent) => {
      const answer = await invoke(bodyOf(sent));
      if (answer === undefined) return;
      const row = parseExactly(answer) as Record<string, unknown>;
      assert.deepEqual(Object.keys(row), ["id", ...Object.keys(table.columns)], answer);
      const id = String(JSON.rawJSON(JSON.stringify(row.id)).rawJSON);
      const told = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, JSON.stringify(value)]));
      assert.deepEqual(await strangers(postgres, table, relation, [id], [sent]), [], answer);
      assert.deepEqual(await strangers(postgres, table, relation, [id], [told], true), [], answer);
    });
    await fc.assert(property, { numRuns: CASES, examples: [[barest(accepted, item)]] });
    t.diagnostic(`${CASES} items, of which the table refused ${refusals}`);
  });

  test(`what batches of ${folder} bring is stored, value for value, and what an item leaves out takes its default`, async () => {
    const items = fc.array(item, { minLength: 1, maxLength: 30 });
    const property = fc.asyncProperty(items, async (sent) => {
      const answer = await invoke(`[${sent.map(bodyOf)}]`);
      if (answer === undefined) return;
      const { ids } = JSON.parse(answer);
      assert.deepEqual(await strangers(postgres, table, relation, ids, sent), [], answer);
    });
    await fc.assert(property, { numRuns: CASES });
  });
}

test("a table that is another in schema.sql than in table.ts is found out", async (t) => {
  const { table, relation, options } = await sampleOf("test/readings");
  const postgres = await startPostgres(options.postgres);
  t.after(() => postgres.stop());
  for (const [change, fault] of [
    ["ALTER note TYPE varchar(20)", "note is character varying(20) in the database, and text in table.ts"],
    ["ALTER value TYPE numeric(12, 3)", "value is numeric(12,3) in the database, and numeric(12,4) in table.ts"],
    [
      "ALTER received_at TYPE timestamp",
      "received_at is timestamp without time zone in the database, and timestamp with time zone in table.ts",
    ],
    ["ALTER device DROP NOT NULL", 'device is "not null" in table.ts alone'],
    ["ALTER note SET NOT NULL", "note is NOT NULL in the database alone"],
    ["ALTER valid DROP DEFAULT", 'valid has its "default" in table.ts alone'],
    ["ALTER note SET DEFAULT ''", "note has its DEFAULT in the database alone, and would not take it"],
    ["ALTER received_at DROP DEFAULT", 'received_at is "generated" in table.ts, and the database makes no value of it'],
    ["ADD extra text", "extra is in the database and not in table.ts"],
    ["DROP note", "note is in table.ts and not in the database"],
    ["RENAME note TO remark", "note is in table.ts and not in the database"],
    ["ALTER id DROP IDENTITY", "id is neither serial nor an identity"],
    ["DROP CONSTRAINT copy_pkey", "id is not the primary key"],
    ["DROP CONSTRAINT copy_pkey, ADD PRIMARY KEY (id, at)", "id is not the primary key"],
    ["DROP id, ADD id text PRIMARY KEY DEFAULT ''", "id is no whole number"],
  ] as const) {
    await postgres.query(
      `DROP TABLE IF EXISTS telemetry.copy; CREATE TABLE telemetry.copy (LIKE ${relation} INCLUDING ALL)`,
    );
    assert.deepEqual(await disagreements(postgres, table, "telemetry.copy"), []);
    await postgres.query(`ALTER TABLE telemetry.copy ${change}`);
    const faults = await disagreements(postgres, table, "telemetry.copy");
    assert(faults.includes(fault), `${change}: ${faults}`);
  }
});

/** One that leaves out whatever it may. */
function barest(accepted: [string, Table["columns"][string]][], item: fc.Arbitrary<Record<string, Source>>) {
  const [sample] = fc.sample(item, { numRuns: 1, seed: 1 });
  const may = accepted.filter(([, { traits }]) => traits.includes("default") || !traits.includes("not null"));
  return { ...sample, ...Object.fromEntries(may.map(([name]) => [name, undefined])) } as Record<string, Source>;
}
