import assert from "node:assert/strict";
import test from "node:test";
import { Deadline, TimeoutError } from "../src/deadline.ts";
import { type Lane, laneForTests, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";

const platform = await platformForTests({ functions: { timeoutSeconds: 120 } });
const { postgres } = platform;

/** What an invocation is given to answer in, where something is broken and where nothing is. Milliseconds. */
const SHORT = 3_000;
const LONG = 60_000;

/** How late an answer may be of a function that a busy machine gives no time. Milliseconds. */
const LATE = 1_000;

/** Invokes through the gateway, whose caller sees the status. A batch is of items of one name. */
async function insert({ functions }: Lane, name: string, time = LONG, batch?: number): Promise<number> {
  const headers = { "Fn-Deadline": new Date(Date.now() + time).toISOString() };
  const gateway = { method: "POST", url: "/items", headers: {} };
  const body = JSON.stringify(batch ? Array(batch).fill({ name }) : { name });
  const outcome = await functions.invoke({ body, headers, gateway });
  assert.equal(outcome.code, undefined, "the platform had to end it");
  assert(outcome.milliseconds < time + LATE, `answered after ${outcome.milliseconds} ms`);
  return Number(outcome.headers["fn-http-status"]);
}

/** Of one container, which has started and touched neither Vault nor database. */
async function startedLane(): Promise<Lane> {
  const lane = await laneForTests(platform, { maxContainers: 1 });
  const { status } = await lane.functions.invoke({ body: "{}" });
  assert.equal(status, 200);
  return lane;
}

const rows = async (name: string) => (await postgres.query("SELECT FROM items WHERE name = $1", [name])).length;

/** The function's statements that the database has at work. */
const active = () =>
  postgres.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE usename = $1 AND state = 'active'", [
    postgres.credentials.username,
  ]);

const waits = () => eventually(async () => (await active()).length > 0, "a statement that waits for the lock");
const noneWaits = () => eventually(async () => (await active()).length === 0, "the end of the function's statements");

test("half a second is kept back for the answer", () => {
  const at = Date.now() + 10_000;
  const { left } = new Deadline(new Date(at));
  assert(left <= 9_500 && left >= at - Date.now() - 600, `${left} ms left`);
});

test("a wait ends at its limit, and with the deadline at the latest", async () => {
  const never = () => new Promise<never>(() => undefined);
  const timeOf = async (deadline: Deadline, limit?: number) => {
    const started = performance.now();
    await assert.rejects(deadline.wait(never, limit), TimeoutError);
    return performance.now() - started;
  };
  const given = (milliseconds: number) => new Deadline(new Date(Date.now() + milliseconds));
  const limited = await timeOf(given(60_000), 100);
  assert(limited > 90 && limited < 50_000, `${limited} ms`);
  for (const limit of [undefined, 60_000]) {
    const late = await timeOf(given(800), limit);
    assert(late > 200 && late < 50_000, `${late} ms`);
  }
  assert.equal(await given(0).wait(async () => "at once"), "at once");
});

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
  test(`${what} is answered before the deadline, and the next invoke works`, async () => {
    const lane = await startedLane();
    spoil(lane);
    assert(statuses.includes(await insert(lane, what, SHORT)));
    assert.equal(await rows(what), 0);
    mend(lane);
    assert.equal(await insert(lane, `${what}, mended`), 201);
    assert.equal(await rows(`${what}, mended`), 1);
  });
}

test("a Vault that hangs once, or a database that hangs once in authentication, is asked again in time", async () => {
  // So short that half of it is less than what a look into Vault or a connection may take.
  const time = 5_000;
  const lane = await startedLane();
  lane.vault.answer("hang");
  const first = insert(lane, "after one hang of Vault", time);
  await eventually(() => lane.vault.requests > 0, "a look into Vault");
  lane.vault.answer();
  assert.equal(await first, 201);

  lane.wire.breakAll("end");
  lane.wire.cut({ from: "server", after: 1, how: "silence" });
  assert.equal(await insert(lane, "after one hang in authentication", time), 201);
  assert.equal(lane.wire.cuts, 1);
});

test("a statement that waits for a lock is broken off at the deadline, and stores nothing when the lock goes", async (t) => {
  const lane = await startedLane();
  assert.equal(await insert(lane, "before the lock"), 201);
  const unlock = await postgres.lock("LOCK TABLE items");
  t.after(unlock);
  assert.equal(await insert(lane, "behind the lock", SHORT), 504);
  // While the lock is there, none ends by itself.
  await noneWaits();
  await unlock();
  assert.equal(await insert(lane, "after the lock"), 201);
  assert.equal(await rows("behind the lock"), 0);
});

const TRIGGER = `
  CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
  CREATE TRIGGER pass BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION pass()`;

for (const [how, then, batch, trigger] of [
  ["silence", "hang"],
  ["end", "refuse"],
  ["end", "refuse", 3],
  ["end", "refuse", 1, "before a trigger"],
  ["end", "refuse", 3, "before a trigger"],
] as const) {
  const what = `the insert of ${(batch ?? 1) > 1 ? "a batch" : "an item"}${trigger ? `, ${trigger},` : ""}`;
  test(`${what} that can no longer be told to stop stores nothing when the lock goes (${how}, then ${then})`, async (t) => {
    const lane = await startedLane();
    const name = `${what} cut off by ${how}`;
    if (trigger) {
      await postgres.query(TRIGGER);
      t.after(() => postgres.query("DROP FUNCTION pass CASCADE"));
    }
    assert.equal(await insert(lane, "before the network went"), 201);
    const unlock = await postgres.lock("LOCK TABLE items");
    t.after(unlock);
    const waiting = insert(lane, name, 2 * SHORT, batch);
    await waits();
    lane.wire.accept(then);
    lane.wire.breakAll(how);
    assert([503, 504].includes(await waiting));
    assert.notEqual((await active()).length, 0, "a statement should still wait, or this proves nothing");
    await unlock();
    await noneWaits();
    assert.equal(await rows(name), 0);
    lane.wire.accept("forward");
    assert.equal(await insert(lane, "after the network came back"), 201);
  });
}

test("an attempt that was given up stores nothing when its ids come after all", async (t) => {
  const lane = await startedLane();
  const unlock = await postgres.lock("ALTER SEQUENCE items_id_seq CACHE 1");
  t.after(unlock);
  // The first attempt is given up after half of it, and from then on two are at work until the end of it.
  const waiting = insert(lane, "twice at work", 10_000);
  const attempts = await eventually(async () => {
    const pids = (await active()).map(({ pid }) => pid);
    return pids.length >= 2 && pids;
  }, "a second attempt beside the first");
  await unlock();
  assert.equal(await waiting, 201);
  const connected = async () => postgres.query("SELECT FROM pg_stat_activity WHERE pid = ANY($1)", [attempts]);
  await eventually(async () => (await connected()).length <= 1, "the end of the attempt that was given up");
  assert.equal(await rows("twice at work"), 1);
});

test("a lock that goes in time costs nothing but the wait", async (t) => {
  const lane = await startedLane();
  assert.equal(await insert(lane, "before the short lock"), 201);
  const unlock = await postgres.lock("LOCK TABLE items");
  t.after(unlock);
  const waiting = insert(lane, "behind the short lock");
  await waits();
  await unlock();
  assert.equal(await waiting, 201);
  assert.equal(await rows("behind the short lock"), 1);
});
