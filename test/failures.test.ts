import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, assertProblem, closingLine, direct, gateway, platformForTests } from "./fixture.ts";

const platform = await platformForTests();
const { postgres, vault, functions } = platform;

/** For what is tried until the deadline, and for all else. Seconds. */
const SHORT = 5;
const LONG = functions.options.timeoutSeconds;

const forms: [form: string, send: (body: string) => Promise<Answer>][] = [
  ["a direct invoke", (body) => direct(platform, body)],
  ["the gateway", (body) => gateway(platform, "POST", "/items", body)],
];

for (const [what, status, breakIt, seconds = LONG] of [
  ["a database that is down", 503, () => vault.put({ ...postgres.credentials, port: 1 }), SHORT],
  ["a secret that does not exist", 503, () => vault.answer({ status: 404 })],
  ["a Vault that refuses", 503, () => vault.answer({ status: 401 })],
  ["a Vault that fails", 503, () => vault.answer({ status: 500 }), SHORT],
  ["a Vault that is overrun", 503, () => vault.answer({ status: 429 }), SHORT],
  ["a Vault that never answers", 504, () => vault.answer("hang"), SHORT],
  ["a malformed secret", 500, () => vault.put({ ...postgres.credentials, host: "" })],
  ["a secret that is not JSON", 500, () => vault.put("hunter2")],
] as const) {
  test(`${what} is ${status} in both forms, with a remedy in the log`, async (t) => {
    t.after(() => {
      vault.answer();
      vault.put(postgres.credentials);
      functions.options.timeoutSeconds = LONG;
      functions.replace();
    });
    functions.replace();
    functions.options.timeoutSeconds = seconds;
    breakIt();
    const line = await closingLine(platform, await assertFailure(status));
    assert.equal(line.status, status);
    assert((line.remedy ?? line.reason).length > 10, "a remedy or a reason");
  });
}

test("a lock that is held beyond the deadline is 504 in both forms", async (t) => {
  t.after(await postgres.lock("LOCK TABLE items"));
  t.after(() => {
    functions.options.timeoutSeconds = LONG;
  });
  functions.options.timeoutSeconds = SHORT;
  await assertFailure(504);
});

/** A direct invoke fails, for the platform's services to act on; through the gateway the problem goes out. */
async function assertFailure(status: number, times = 3): Promise<string> {
  const [straight, routed] = await Promise.all(forms.map(([, send]) => send('{"name":"a"}')));
  assert(straight && routed);
  // Of many tries that were refused the last may run out of time on a busy machine, but not each time.
  if (status === 503 && routed.status === 504 && times > 1) return assertFailure(status, times - 1);
  assert.equal(straight.status, 502);
  assert.deepEqual(straight.json, { code: "FunctionInvokeExecutionFailed" });
  assertProblem(routed, status, status);
  assert.equal(routed.retryAfter, status === 500 ? null : "5");
  return routed.json.callId;
}
