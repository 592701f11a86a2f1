import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExactly } from "../src/values/json.ts";
import { assertProblem, closingLine, direct, gateway, platformForTests } from "./fixture.ts";
import { strangers } from "./strangers.ts";
import { readings } from "./subjects.ts";

const platform = await platformForTests(readings.options);

for (const [form, send, seen] of [
  ["a direct invoke", (body: string) => direct(platform, body), 200],
  ["the gateway", (body: string) => gateway(platform, "POST", "/items", body), 201],
] as const) {
  const { table, relation, item, faulty, text } = readings;
  const count = async () => (await platform.postgres.query(`SELECT count(*) FROM ${relation}`))[0]?.count;

  test(`one reading through ${form} is stored and answered with its row`, async () => {
    for (const place of [0, 1]) {
      const sent = item("Grüße 😀", place);
      const { status, type, json } = await send(JSON.stringify(sent));
      assert.deepEqual([status, type], [seen, "application/json"]);
      assert.deepEqual(Object.keys(json), ["id", ...Object.keys(table.columns)]);
      for (const [name, value] of Object.entries(sent)) assert.deepEqual(json[name], value);
      assert.match(json.received_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
      const told = parseExactly(JSON.stringify(json)) as Record<string, unknown>;
      const sources = Object.fromEntries(Object.entries(told).map(([name, value]) => [name, JSON.stringify(value)]));
      assert.deepEqual(await strangers(platform.postgres, table, relation, [json.id], [sources], true), []);
    }
  });

  test(`a batch of readings through ${form} is answered with its ids, in order`, async () => {
    const { status, json } = await send(JSON.stringify(["x", "y", "z"].map(item)));
    assert.equal(status, seen);
    assert.deepEqual([Object.keys(json), json.count], [["count", "ids"], 3]);
    const stored = await platform.postgres.query(
      `SELECT ${text} AS text FROM ${relation} JOIN unnest($1::bigint[]) WITH ORDINALITY AS sent (id, place) USING (id) ORDER BY place`,
      [json.ids],
    );
    assert.deepEqual(
      stored.map((row) => row.text),
      ["x", "y", "z"],
    );
  });

  test(`readings through ${form} that are none are refused with a pointer, and nothing is stored`, async () => {
    const before = await count();
    const status = form === "the gateway" ? 422 : 200;
    for (const [body, pointers] of [
      [faulty.item, [faulty.pointer]],
      [[item("a"), faulty.item, item("c")], [`/1${faulty.pointer}`]],
      [{}, ["/device", "/at", "/value"]],
      [
        { ...item("a"), valid: null, name: "a", received_at: "2026-01-31T12:00:00Z" },
        ["/valid", "/name", "/received_at"],
      ],
    ] as const) {
      const answer = await send(JSON.stringify(body));
      assertProblem(answer, 422, status);
      assert.deepEqual(
        answer.json.errors.map((error: { pointer: string }) => error.pointer).sort(),
        [...pointers].sort(),
      );
    }
    assertProblem(await send("{"), 400, form === "the gateway" ? 400 : 200);
    assert.equal(await count(), before);
  });
}

for (const [what, remedy, ddl, undo] of [
  [
    "a missing right",
    /schema\.sql/,
    "REVOKE INSERT ON telemetry.readings FROM librarian_user",
    "GRANT INSERT ON telemetry.readings TO librarian_user",
  ],
  [
    "a missing schema",
    /schema\.sql/,
    "ALTER SCHEMA telemetry RENAME TO other",
    "ALTER SCHEMA other RENAME TO telemetry",
  ],
  [
    "a missing column",
    /add the column/,
    "ALTER TABLE telemetry.readings RENAME note TO remark",
    "ALTER TABLE telemetry.readings RENAME remark TO note",
  ],
  [
    "a column that no reading has",
    /default/,
    "ALTER TABLE telemetry.readings ADD extra int NOT NULL DEFAULT 1; ALTER TABLE telemetry.readings ALTER extra DROP DEFAULT",
    "ALTER TABLE telemetry.readings DROP extra",
  ],
] as const) {
  test(`health and insert of readings say ${what}, and are well when it is mended`, async () => {
    await platform.postgres.query(ddl);
    platform.functions.replace();
    const health = await gateway(platform, "GET", "/health");
    platform.functions.replace();
    const insert = await gateway(platform, "POST", "/items", JSON.stringify(readings.item("a")));
    await platform.postgres.query(undo);
    for (const answer of [health, insert]) {
      assertProblem(answer, 503, 503);
      assert.match((await closingLine(platform, answer.json.callId)).remedy, remedy);
    }
    assert.deepEqual((await direct(platform, "")).json, { status: "ok" });
  });
}
