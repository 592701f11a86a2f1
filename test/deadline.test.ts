import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lane, laneForTests, platformForTests } from "./fixture.ts";

const platform = await platformForTests();
const { postgres } = platform;

/** Milliseconds. */
const TIME = 3_000;

/** Invokes through the gateway, whose caller sees the status; with TIME to answer in. A batch is of items of one name. */
async function insert({ functions }: Lane, name: string, batch?: number): Promise<number> {
  const headers = { "Fn-Deadline": new Date(Date.now() + TIME).toISOString() };
  const gateway = { method: "POST", url: "/items", headers: {} };
  const body = JSON.stringify(batch ? Array(batch).fill({ name }) : { name });
  const outcome = await functions.invoke({ body, headers, gateway });
  assert.equal(outcome.code, undefined, "the platform had to end it");
  assert(outcome.milliseconds < TIME, `answered after ${outcome.milliseconds} ms`);
  return Number(outcome.headers["fn-http-status"]);
}

const rows = async (name: string) => (await postgres.query("SELECT FROM items WHERE name = $1", [name])).length;

/** The function's statements that the database has at work. */
const active = () =>
  postgres.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE usename = $1 AND state = 'active'", [
    postgres.credentials.username,
  ]);

// Where each try is refused, the last one may also run out of time.
for (const [what, spoil, mend, statuses] of [
  ["a Vault that never answers", (l) => l.vault.answer("hang"), (l) => l.vault.answer(), [504]],
  ["a Vault that answers a byte a second", (l) => l.vault.answer("drip"), (l) => l.vault.answer(), [504]],
  ["a Vault that answers 429", (l) => l.vault.answer({ status: 429 }), (l) => l.vault.answer(), [503, 504]],
  ["a Vault that answers 500", (l) => l.vault.answer({ status: 500 }), (l) => l.vault.answer(), [503, 504]],
  ["a Vault that resets", (l) => l.vault.answer("reset"), (l) => l.vault.answer(), [503, 504]],
  ["a database that hangs in connect", (l) => l.wire.accept("hang"), (l) => l.wire.accept("forward"), [504]],
  ["a database that refuses", (l) => l.wire.accept("refuse"), (l) => l.wire.accept("forward"), [503, 504]],
] as [string, (lane: Lane) => void, (lane: Lane) => void, number[]][]) {
  test(`${what}: an answer before the deadline, and the next invoke works`, async () => {
    const lane = await laneForTests(platform, { maxContainers: 1 });
    spoil(lane);
    assert(statuses.includes(await insert(lane, what)));
    assert.equal(await rows(what), 0);
    mend(lane);
    assert.equal(await insert(lane, `${what}, mended`), 201);
    assert.equal(await rows(`${what}, mended`), 1);
  });
}

test("a Vault that hangs once, or a database that hangs once in authentication, is asked again in time", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  lane.vault.answer("hang");
  const first = insert(lane, "after one hang of Vault");
  while (lane.vault.requests === 0) await sleep(10);
  lane.vault.answer();
  assert.equal(await first, 201);

  lane.wire.breakAll("end");
  lane.wire.cut({ from: "server", after: 1, how: "silence" });
  assert.equal(await insert(lane, "after one hang in authentication"), 201);
  assert.equal(lane.wire.cuts, 1);
});

test("a statement that waits for a lock is broken off at the deadline, and stores nothing when the lock goes", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  assert.equal(await insert(lane, "before the lock"), 201);
  const unlock = await postgres.lock("LOCK TABLE items");
  assert.equal(await insert(lane, "behind the lock"), 504);
  assert.deepEqual(await active(), [], "a statement is left running");
  await unlock();
  assert.equal(await insert(lane, "after the lock"), 201);
  assert.equal(await rows("behind the lock"), 0);
});

for (const [how, then, batch] of [
  ["silence", "hang"],
  ["end", "refuse"],
  ["end", "refuse", 3],
] as const) {
  const what = batch ? "a batch's" : "an item's";
  test(`nor does ${what} that can no longer be told to stop (${how}, then ${then})`, async () => {
    const lane = await laneForTests(platform, { maxContainers: 1 });
    const name = `${what} cut off by ${how}`;
    assert.equal(await insert(lane, "before the network went"), 201);
    const unlock = await postgres.lock("LOCK TABLE items");
    const waiting = insert(lane, name, batch);
    while ((await active()).length === 0) await sleep(10);
    lane.wire.accept(then);
    lane.wire.breakAll(how);
    assert([503, 504].includes(await waiting));
    assert.equal((await active()).length, 1, "the statement should still wait, or this proves nothing");
    await unlock();
    while ((await active()).length > 0) await sleep(10);
    assert.equal(await rows(name), 0);
    lane.wire.accept("forward");
    assert.equal(await insert(lane, "after the network came back"), 201);
  });
}

test("an attempt that was given up stores nothing when its ids come after all", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  const unlock = await postgres.lock("ALTER SEQUENCE items_id_seq CACHE 1");
  const waiting = insert(lane, "twice at work");
  let attempts: number[] = [];
  while (attempts.length < 2) {
    await sleep(10);
    attempts = (await active()).map(({ pid }) => pid);
  }
  await unlock();
  assert.equal(await waiting, 201);
  const connected = "SELECT FROM pg_stat_activity WHERE pid = ANY($1)";
  while ((await postgres.query(connected, [attempts])).length > 1) await sleep(10);
  assert.equal(await rows("twice at work"), 1);
});

test("a lock that goes in time costs nothing but the wait", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  assert.equal(await insert(lane, "before the short lock"), 201);
  const unlock = await postgres.lock("LOCK TABLE items");
  const waiting = insert(lane, "behind the short lock");
  while ((await active()).length === 0) await sleep(10);
  await unlock();
  assert.equal(await waiting, 201);
  assert.equal(await rows("behind the short lock"), 1);
});
