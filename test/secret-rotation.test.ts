import assert from "node:assert/strict";
import test from "node:test";
import { disconnect, type Lane, laneForTests, platformForTests } from "./fixture.ts";
import { startWire } from "./platform/wire.ts";

const platform = await platformForTests();
const { postgres } = platform;
const { username } = postgres.credentials;

/** A lane with a user of its own, whose password may change without harm to other tests. */
async function laneOfUser(name: string) {
  const lane = await laneForTests(platform, { maxContainers: 1, timeoutSeconds: 60 });
  const credentials = { ...postgres.credentials, port: lane.wire.port, username: name, password: `${name}-0` };
  platform.secrets.push(`${name}-0`, `${name}-1`);
  await postgres.query(`CREATE ROLE ${name} LOGIN PASSWORD '${name}-0' IN ROLE ${username}`);
  lane.vault.put(credentials);
  const setPassword = (password: string) => postgres.query(`ALTER ROLE ${name} PASSWORD '${password}'`);
  return { ...lane, credentials, setPassword };
}

const insert = async ({ functions }: Pick<Lane, "functions">, name: string) => {
  const { code, body } = await functions.invoke({ body: JSON.stringify({ name }) });
  const rows = await postgres.query("SELECT FROM items WHERE name = $1", [name]);
  assert.equal(rows.length, code === undefined ? 1 : 0, `${name}: ${code} ${body}`);
  return code ?? "stored";
};

test("a new password, with the old connection alive or terminated, costs no error and one look into Vault", async () => {
  const lane = await laneOfUser("rotated");
  const { vault, wire, setPassword, credentials } = lane;
  assert.equal(await insert(lane, "before the rotation"), "stored");
  assert.equal(vault.requests, 1);
  await setPassword("rotated-1");
  vault.put({ ...credentials, password: "rotated-1" });
  assert.equal(await insert(lane, "on the old connection"), "stored");
  assert.equal(vault.requests, 1, "a secret that works is kept");
  wire.breakAll("end");
  assert.equal(await insert(lane, "with the new password"), "stored");
  assert.equal(vault.requests, 2);
  wire.breakAll("reset");
  assert.equal(await insert(lane, "with it again"), "stored");
  assert.equal(vault.requests, 2);
});

test("a password that Vault does not have yet is asked for once an invocation, and works when it comes", async () => {
  const lane = await laneOfUser("early");
  const { vault, setPassword, credentials } = lane;
  assert.equal(await insert(lane, "early before"), "stored");
  await setPassword("early-1");
  await disconnect(lane);
  assert.equal(await insert(lane, "early during"), "FunctionInvokeExecutionFailed");
  assert.equal(vault.requests, 2);
  vault.put({ ...credentials, password: "early-1" });
  assert.equal(await insert(lane, "early after"), "stored");
  assert.equal(vault.requests, 3);
});

test("while Vault fails, the secret that is known goes on serving", async () => {
  const lane = await laneOfUser("cached");
  const { vault, wire, setPassword, credentials } = lane;
  assert.equal(await insert(lane, "cached before"), "stored");
  for (const how of [{ status: 500 }, { status: 404 }, "reset", "hang"] as const) {
    vault.answer(how);
    wire.breakAll("reset");
    // Lost while connecting, so that it looks into Vault.
    wire.cut({ from: "server", after: 1, how: "end" });
    const before = vault.requests;
    assert.equal(await insert(lane, `cached, Vault ${JSON.stringify(how)}`), "stored");
    assert.equal(vault.requests, before + 1);
  }
  await setPassword("cached-1");
  vault.answer({ status: 500 });
  await disconnect(lane);
  assert.equal(await insert(lane, "cached, refused"), "FunctionInvokeExecutionFailed");
  vault.answer();
  vault.put({ ...credentials, password: "cached-1" });
  assert.equal(await insert(lane, "cached after"), "stored");
});

test("a connection lost in a statement costs no look into Vault, a host that is gone costs one an invocation", async () => {
  const lane = await laneOfUser("lost");
  const { vault, wire } = lane;
  assert.equal(await insert(lane, "lost before"), "stored");
  const { length } = wire.last.client;
  await disconnect(lane);
  wire.cut({ from: "client", after: length - 20, how: "end" });
  assert.equal(await insert(lane, "lost during"), "stored");
  assert.deepEqual([wire.cuts, vault.requests], [1, 1]);

  lane.functions.options.timeoutSeconds = 6;
  wire.accept("refuse");
  wire.breakAll("end");
  assert.equal(await insert(lane, "lost for good"), "FunctionInvokeExecutionFailed");
  assert(wire.connections > 4, "it should have tried several times");
  assert.equal(vault.requests, 2);
});

for (const how of ["refuse", "hang"] as const) {
  test(`a new host costs no error when the old one ${how}s connections`, async (t) => {
    const lane = await laneOfUser(`moved_${how}`);
    assert.equal(await insert(lane, `before the move (${how})`), "stored");
    const other = await startWire(postgres.port);
    t.after(() => other.stop());
    lane.wire.accept(how);
    lane.wire.breakAll("end");
    lane.vault.put({ ...lane.credentials, port: other.port });
    const started = performance.now();
    assert.equal(await insert(lane, `after the move (${how})`), "stored");
    assert(performance.now() - started < 15_000, "a host that hangs took a good part of the minute");
    assert.equal(other.connections, 1);
  });
}

test("a new user costs no error", async () => {
  const lane = await laneOfUser("former");
  assert.equal(await insert(lane, "by the former user"), "stored");
  await postgres.query(`CREATE ROLE latter LOGIN PASSWORD 'latter-0' IN ROLE ${username}`);
  platform.secrets.push("latter-0");
  await postgres.query("DROP ROLE former");
  lane.vault.put({ ...lane.credentials, username: "latter", password: "latter-0" });
  lane.wire.breakAll("end");
  assert.equal(await insert(lane, "by the latter user"), "stored");
});
