import assert from "node:assert/strict";
import test from "node:test";
import type { Call, Step } from "../src/call.ts";
import type { Connection } from "../src/database/connection.ts";
import { type Database, openDatabase } from "../src/database.ts";
import { Deadline } from "../src/deadline.ts";
import { Problem } from "../src/problem.ts";
import { laneForTests, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";

const platform = await platformForTests();
const { postgres, principal } = platform;
Object.assign(process.env, principal.env);

/** Far from the deadline, so that waiting it out would be seen. Milliseconds. */
const FAR = 40_000;
const SOON = 10_000;

const callOf = (milliseconds = FAR) =>
  ({
    deadline: new Deadline(new Date(Date.now() + 500 + milliseconds)),
    log: { warn: () => undefined },
    timed: (_step: Step, work: () => Promise<unknown>) => work(),
  }) as unknown as Call;

/** A database of its own network and Vault. */
async function open() {
  const { vault, wire } = await laneForTests(platform);
  return { wire, database: openDatabase({ secretId: vault.secretId, secretsEndpoint: vault.endpoint }) };
}

/** Connections of this process that the server has. */
const connected = () =>
  postgres.query("SELECT FROM pg_stat_activity WHERE application_name = 'postgres-inserter' AND usename = $1", [
    postgres.credentials.username,
  ]);

const take = (database: Database) => database.run(callOf(), "insert", async (connection) => connection);

test("a connection serves one run after another, as the same object", async () => {
  const { database, wire } = await open();
  // One that was idle on a busy machine may be given up.
  let former: Connection | undefined;
  await eventually(async () => {
    const before = former;
    former = await take(database);
    return former === before;
  }, "the same connection twice");
  assert(wire.connections < 5);
});

for (const [what, error] of [
  ["a defect", new TypeError("ours")],
  ["a problem", new Problem(422, "The table refuses it.")],
] as const) {
  test(`${what} is thrown as it is, at once where all statements were answered, and its connection is closed`, async () => {
    const { database } = await open();
    const before = (await connected()).length;
    const started = performance.now();
    const run = database.run(callOf(), "insert", async (connection) => {
      await connection.query("SELECT 1");
      throw error;
    });
    await assert.rejects(run, error);
    assert(performance.now() - started < SOON, "it waited for the deadline");
    await eventually(async () => (await connected()).length === before, "the end of the connection");
  });
}

test("an attempt that failed leaves no connection behind, and the next has another", async () => {
  const { database } = await open();
  const before = (await connected()).length;
  const seen = new Set<Connection>();
  await database.run(callOf(), "insert", async (connection) => {
    seen.add(connection);
    if (seen.size <= 5) await connection.query("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$");
  });
  assert.equal(seen.size, 6);
  await eventually(async () => (await connected()).length === before + 1, "the end of all connections but the last");
});

test("an attempt that fell silent leaves no connection behind once the next has succeeded", async () => {
  const { database } = await open();
  const before = (await connected()).length;
  const seen = new Set<Connection>();
  await database.run(callOf(4_000), "insert", async (connection) => {
    seen.add(connection);
    if (seen.size === 1) await connection.query("SELECT pg_sleep(3)");
  });
  assert.equal(seen.size, 2);
  await eventually(async () => (await connected()).length === before + 1, "the end of the silent connection");
});
