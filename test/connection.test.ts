import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Step } from "../src/call.ts";
import { AbandonedError, openConnection } from "../src/database/connection.ts";
import { Deadline, TimeoutError } from "../src/deadline.ts";
import { ConnectError, PostgresError } from "../src/faults/errors.ts";
import { platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { listen } from "./platform/port.ts";
import { startWire } from "./platform/wire.ts";

const { postgres } = await platformForTests();

/** The longest a connection is used again without a look at it, and more. Milliseconds. */
const IDLE = 60;

const call = {
  deadline: new Deadline(new Date(Date.now() + 3_600_000)),
  log: { warn: () => undefined },
  timed: (_step: Step, work: () => Promise<unknown>) => work(),
} as unknown as Call;

/** A connection through a network that breaks. */
async function connect(t: TestContext) {
  const wire = await startWire(postgres.port);
  t.after(() => wire.stop());
  const connection = await openConnection({ ...postgres.credentials, port: wire.port, sslmode: "disable" }, call);
  t.after(() => connection.close());
  return { wire, connection };
}

const isAtWork = async ({ backend }: { backend: number }) => {
  const [row] = await postgres.query<{ state: string }>("SELECT state FROM pg_stat_activity WHERE pid = $1", [backend]);
  return row?.state === "active";
};

test("a connection names the server's process", async (t) => {
  const { connection } = await connect(t);
  const { rows } = await connection.query("SELECT pg_backend_pid() AS pid");
  assert.deepEqual(rows, [{ pid: connection.backend }]);
});

test("a text of several statements without values is one query, with a result of each", async (t) => {
  const { connection } = await connect(t);
  const results = (await connection.query("BEGIN; SELECT 1 AS one; COMMIT")) as unknown as { command: string }[];
  assert.deepEqual(
    results.map(({ command }) => command),
    ["BEGIN", "SELECT", "COMMIT"],
  );
});

test("what cannot be connected to is told apart from what is lost later", async (t) => {
  const credentials = { ...postgres.credentials, sslmode: "disable" } as const;
  await assert.rejects(openConnection({ ...credentials, password: "wrong" }, call), ConnectError);
  const { wire, connection } = await connect(t);
  wire.breakAll("reset");
  await assert.rejects(connection.query("SELECT 1"), (error) => {
    assert(error instanceof PostgresError && !(error instanceof ConnectError));
    return true;
  });
  assert(!connection.isAnswered);
});

test("a connection that is not opened in time is closed, though its server says nothing", async (t) => {
  const silent = createServer((socket) => {
    sockets.push(socket.resume().on("error", () => undefined));
  });
  const sockets: Socket[] = [];
  t.after(() => silent.close());
  const credentials = { ...postgres.credentials, port: await listen(silent, 0, ""), sslmode: "disable" } as const;
  const hurried = { ...call, deadline: new Deadline(new Date(Date.now() + 500 + 400)) };
  await assert.rejects(openConnection(credentials, hurried), (error) => {
    assert(error instanceof TimeoutError && error.of === "greeting");
    return true;
  });
  await eventually(() => sockets.length === 1 && sockets[0]?.readableEnded, "the end of the connection");
});

test("an error that the database reports is an answer", async (t) => {
  const { connection } = await connect(t);
  await assert.rejects(connection.query("SELECT 1 / 0"), PostgresError);
  assert(connection.isAnswered);
});

test("an attempt that was given up gets no answer, and asks nothing more", async (t) => {
  const { connection, wire } = await connect(t);
  const asked = connection.query("SELECT pg_sleep(0.2)");
  connection.abandon();
  await assert.rejects(asked, AbandonedError);
  await assert.rejects(connection.query("SELECT 'more'"), AbandonedError);
  assert(!wire.last.client.includes("'more'"));
});

test("an attempt that was given up is not told that its statement was refused", async (t) => {
  const { connection } = await connect(t);
  const asked = connection.query("SELECT 1 / 0 FROM pg_sleep(0.2)");
  connection.abandon();
  await assert.rejects(asked, AbandonedError);
});

test("a statement at work is unanswered until it is cancelled", async (t) => {
  const { connection } = await connect(t);
  const asked = connection.query("SELECT pg_sleep(30)");
  const refused = assert.rejects(asked, (error: PostgresError) => Object(error.cause).code === "57014");
  await eventually(() => isAtWork(connection), "the statement to be at work");
  assert(!connection.isAnswered);
  await connection.cancel();
  await refused;
  assert(connection.isAnswered);
});

test("a connection is asked whether it lives when it was idle, and only then", async (t) => {
  const { connection, wire } = await connect(t);
  const looks = () => wire.last.client.toString("latin1").split("SELECT 1").length - 1;
  // On a busy machine even the next line may come late, but not each time.
  await eventually(async () => {
    const before = looks();
    connection.release();
    return (await connection.isUsable(call)) && looks() === before;
  }, "a use without a look");
  const before = looks();
  await sleep(IDLE);
  assert(await connection.isUsable(call));
  assert.equal(looks(), before + 1);
});

for (const how of ["reset", "end", "silence"] as const) {
  test(`a connection that broke while it was idle (${how}) is not usable`, async (t) => {
    const { connection, wire } = await connect(t);
    connection.release();
    wire.breakAll(how);
    await sleep(IDLE);
    const started = performance.now();
    assert.equal(await connection.isUsable(call), false);
    assert(performance.now() - started < 5_000);
  });
}
