import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import { Deadline, TimeoutError } from "../src/deadline.ts";
import { ConnectError, PostgresError, VaultError } from "../src/faults/errors.ts";
import { Problem } from "../src/problem.ts";
import { backoffAfter, retry } from "../src/retry.ts";

/** As the database reports an error, and as the network does. */
const answered = (code: string) => new PostgresError("refused", { cause: { code, severity: "ERROR", message: "" } });
const lost = () => new PostgresError("lost", { cause: { code: "ECONNRESET" } });

/** Fails with each of the errors in turn, the last one for ever. Milliseconds are what is left of the deadline. */
async function retryWith(errors: unknown[], milliseconds: number, secrets: boolean[] = []) {
  let attempts = 0;
  const warnings: { code: string }[] = [];
  const rereads = secrets.length;
  const call = {
    deadline: new Deadline(new Date(Date.now() + 500 + milliseconds)),
    log: { warn: (_msg: string, fields: { code: string }) => warnings.push(fields) },
  } as unknown as Call;
  const attempt = async () => {
    const error = errors[Math.min(attempts++, errors.length - 1)];
    if (error) throw error;
    return "done";
  };
  const rereadSecret = async () => secrets.shift() ?? false;
  const outcome = await retry(attempt, { call, step: "insert", rereadSecret }).catch((error: unknown) => error);
  return { outcome, attempts, rereads: rereads - secrets.length, codes: warnings.map(({ code }) => code) };
}

test("the backoff doubles from 20 ms with each failure to a second, less a random part of up to half", () => {
  for (const [failures, whole] of [20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000].entries()) {
    const backoffs = Array.from({ length: 200 }, () => backoffAfter(failures + 1));
    assert(Math.min(...backoffs) >= whole / 2 && Math.max(...backoffs) <= whole, `${failures + 1} failures`);
    assert(Math.max(...backoffs) - Math.min(...backoffs) > whole / 4, "jitter");
  }
  assert(backoffAfter(10_000) <= 1_000);
});

test("one wait of an attempt has half of what is left, or its own limit", () => {
  const deadline = new Deadline(new Date(Date.now() + 10_500));
  assert(Math.abs(deadline.share() - 5_000) < 100);
  assert(Math.abs(deadline.share(60_000) - 5_000) < 100);
  assert.equal(deadline.share(300), 300);
});

test("a defect is thrown as it is, at once", async () => {
  const defect = new TypeError("ours");
  assert.deepEqual(await retryWith([defect], 5_000), { outcome: defect, attempts: 1, rereads: 0, codes: [] });
});

for (const [what, error, status, code, rereads] of [
  ["a missing right", answered("42501"), 503, "42501", 0],
  ["a refused password", new ConnectError({ code: "28P01", severity: "FATAL", message: "" }), 503, "28P01", 1],
  ["a secret that is not there", new VaultError("refused", { cause: { statusCode: 404 } }), 503, "404", 0],
] as const) {
  test(`${what} cannot pass, so it is told after one attempt`, async () => {
    const { outcome, ...rest } = await retryWith([error], 5_000, [false]);
    assert(outcome instanceof Problem);
    assert.deepEqual([outcome.status, outcome.headers["Retry-After"]], [status, "5"]);
    assert.equal((outcome.logged as { code: string }).code, code);
    assert.deepEqual(rest, { attempts: 1, rereads, codes: [] });
  });
}

test("a fault that may pass is tried again, with a warning each time", async () => {
  assert.deepEqual(await retryWith([lost(), answered("40001"), undefined], 5_000), {
    outcome: "done",
    attempts: 3,
    rereads: 0,
    codes: ["ECONNRESET", "40001"],
  });
});

test("a fault that does not pass is told as itself, while there still is time", async () => {
  const started = performance.now();
  const { outcome, attempts, codes } = await retryWith([lost()], 1_000);
  assert(outcome instanceof Problem && outcome.status === 503);
  assert(attempts > 3 && codes.length === attempts - 1, `${attempts} attempts`);
  assert(performance.now() - started < 1_000);
});

test("a time that is up is 504", async () => {
  const { outcome, attempts } = await retryWith([new TimeoutError("no answer")], 100);
  assert(outcome instanceof Problem && outcome.status === 504);
  assert.equal(attempts, 1);
});

test("with other credentials the next attempt is made at once, whatever the fault", async () => {
  const refused = new ConnectError({ code: "28P01", severity: "FATAL", message: "" });
  assert.deepEqual(await retryWith([refused, undefined], 100, [true]), {
    outcome: "done",
    attempts: 2,
    rereads: 1,
    codes: [],
  });
});

test("a connection lost speaks against the secret while it is opened, and not in a statement", async () => {
  const opening = await retryWith([new ConnectError(new Error("terminated")), undefined], 5_000, [false]);
  assert.deepEqual([opening.outcome, opening.rereads], ["done", 1]);
  const statement = await retryWith([lost(), undefined], 5_000, [false]);
  assert.deepEqual([statement.outcome, statement.rereads], ["done", 0]);
});
