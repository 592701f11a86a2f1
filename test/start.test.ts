import assert from "node:assert/strict";
import test from "node:test";
import { closingLine, gateway, platformForTests } from "./fixture.ts";

test("without any configuration it starts, answers 500 and tells the log all that is missing", async () => {
  const platform = await platformForTests({
    config: { DB_SECRET_OCID: "", OCI_RESOURCE_PRINCIPAL_VERSION: "", LOG_LEVEL: "loud" },
  });
  const { status, json } = await gateway(platform, "GET", "/health");
  assert.equal(status, 500);
  assert.equal(json.detail, "The function cannot serve. Its log says why, under this callId.");
  const line = await closingLine(platform, json.callId);
  for (const name of ["DB_SECRET_OCID", "OCI_RESOURCE_PRINCIPAL_VERSION", "LOG_LEVEL"]) {
    assert(line.reason.includes(name), name);
  }
});

test("a start and a first insert leave nothing in the log but the closing line", async () => {
  const platform = await platformForTests();
  const { callId } = await platform.functions.invoke({ body: '{"name":"a"}' });
  await closingLine(platform, callId);
  assert.equal(platform.functions.logs.length, 1, platform.functions.logs.join("\n"));
});

test("what the FDK and the SDK say of a failure is JSON too, and shown at level debug alone", async () => {
  for (const [level, least, most] of [
    ["debug", 2, 9],
    ["error", 1, 1],
  ] as const) {
    const platform = await platformForTests({ config: { LOG_LEVEL: level } });
    platform.vault.answer({ status: 404 });
    const { callId, code } = await platform.functions.invoke({ body: '{"name":"a"}' });
    assert.equal(code, "FunctionInvokeExecutionFailed");
    await closingLine(platform, callId);
    await platform.stop();
    const lines = platform.functions.logs.map((line) => JSON.parse(line));
    assert(lines.length >= least && lines.length <= most, JSON.stringify(lines));
  }
});
