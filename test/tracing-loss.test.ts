import assert from "node:assert/strict";
import test from "node:test";
import { closingLine, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { startFunctions } from "./platform/functions.ts";
import { type Traced, trace, tracedLane, tracesOf, warningOf, warnings } from "./traced.ts";

const platform = await platformForTests();

/** Far more than a test may take, so that what only the deadline or the end of a container ends goes on for ever. Seconds. */
const FAR = 3_600;

for (const [what, spoil, code, says] of [
  ["never answers", ({ collector }) => collector.answer("hang"), "TIMEOUT", /data upload endpoint/],
  ["resets the connection", ({ collector }) => collector.answer("reset"), "ECONNRESET", /data upload endpoint/],
  ["is not there", ({ collector }) => collector.stop(), "ECONNREFUSED", /data upload endpoint/],
  ["fails", ({ collector }) => collector.answer({ status: 500 }), "500", /APM domain/],
  ["knows no such key", ({ collector }) => collector.answer({ status: 401 }), "401", /APM domain/],
] as [string, (lane: Traced) => void, string, RegExp][]) {
  test(`a collector that ${what} costs a warning, and neither an answer nor a failure`, async (t) => {
    const lane = await tracedLane(t, platform, { timeoutSeconds: FAR, idleSeconds: FAR });
    await trace(lane, { body: '{"name":"well"}' });
    spoil(lane);
    const stored = await lane.functions.invoke({ body: '{"name":"spoilt"}' });
    assert.equal(JSON.parse(stored.body.toString()).name, "spoilt");
    const refused = await lane.functions.invoke({ body: "[]" });
    assert.equal(refused.headers["fn-http-status"], "422");
    await eventually(() => lane.collector.open === 0, "the end of the requests, which no frozen container can end");
    lane.vault.answer({ status: 404 });
    lane.functions.replace();
    const failed = await lane.functions.invoke({ body: '{"name":"a"}' });
    assert.equal(failed.code, "FunctionInvokeExecutionFailed");
    const lines = await Promise.all([stored, refused, failed].map(({ callId }) => warningOf(lane, callId)));
    for (const { level, code: told, remedy } of lines) {
      assert.equal(level, "warn");
      assert([code, "TIMEOUT"].includes(told), `${told}, or what a busy machine makes of it`);
      if (told === code) assert.match(remedy, says);
    }
    assert(lines.some(({ code: told }) => told === code));
  });
}

test("an address that is none costs a warning, and is not told, since a key is in it", async (t) => {
  const address = "collector?dataKey=KEY-IN-NO-URL";
  platform.secrets.push("KEY-IN-NO-URL");
  for (const collectorUrl of [address, `ftp://${address}`]) {
    const lane = await tracedLane(t, platform, { tracing: { collectorUrl } });
    const { callId, code } = await lane.functions.invoke({ body: '{"name":"a"}' });
    assert.equal(code, undefined);
    const line = await warningOf(lane, callId);
    assert.match(line.code, /^ERR_INVALID_/);
    assert.match(line.remedy, /OCI_TRACE_COLLECTOR_URL/);
  }
});

test("a time that is up is traced in what is kept back for the answer, and one that is past is not", async (t) => {
  const lane = await tracedLane(t, platform);
  const gateway = { method: "POST", url: "/items", headers: {} };
  const invocation = { body: '{"name":"late"}', gateway, headers: {} };
  const unlock = await platform.postgres.lock("LOCK TABLE items");
  t.after(unlock);
  const { whole } = await trace(lane, invocation, () => {
    invocation.headers = { "Fn-Deadline": new Date(Date.now() + 2_000).toISOString() };
  });
  assert.deepEqual([whole.tags.status, whole.tags.code], ["504", "TIMEOUT"]);
  const headers = { "Fn-Deadline": new Date(Date.now() - 1_000).toISOString() };
  const { callId, headers: answer } = await lane.functions.invoke({ ...invocation, headers });
  assert.equal(answer["fn-http-status"], "504");
  assert.deepEqual(tracesOf(lane.collector, callId), []);
  assert.equal((await warningOf(lane, callId)).code, "TIMEOUT");
});

test("without tracing nothing is sent, whatever a call brings", async (t) => {
  const { collector } = await tracedLane(t, platform);
  for (const [OCI_TRACING_ENABLED, collectorUrl] of [
    ["0", collector.url],
    ["", collector.url],
    ["1", ""],
  ] as const) {
    const { options } = platform.functions;
    const config = { ...options.config, OCI_TRACING_ENABLED };
    const functions = startFunctions({ ...options, config, tracing: { collectorUrl } });
    t.after(() => functions.stop());
    const { callId, code } = await functions.invoke({ body: '{"name":"a"}' });
    assert.equal(code, undefined);
    await closingLine({ functions }, callId);
    assert.deepEqual(warnings({ functions }), []);
  }
  assert.deepEqual(collector.requests, []);
});
