import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import test from "node:test";
import { oursFor } from "./bench/subjects.ts";
import { closingLine, gateway, platformForTests } from "./fixture.ts";
import { startFunctions } from "./platform/functions.ts";

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

test("the code cache is used where it fits, and its lack is told", async (t) => {
  const platform = await platformForTests();
  const ours = oursFor(platform);
  t.after(() => ours.stop());
  const [node, ...start] = ours.command;
  const firstLine = async (...flags: string[]) => {
    const own = startFunctions({ ...platform.functions.options, command: [node, ...flags, ...start] });
    t.after(() => own.stop());
    assert.equal((await own.invoke({ body: '{"name":"started"}' })).code, undefined);
    return JSON.parse(String(own.logs[0])).msg;
  };
  assert.equal(await firstLine(), "stored");
  assert.match(await firstLine("--no-flush-bytecode", "--no-opt"), /code cache is missing or does not fit/);
  rmSync(ours.cache);
  assert.match(await firstLine(), /code cache is missing or does not fit/);
});
