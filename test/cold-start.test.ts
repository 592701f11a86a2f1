import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { oursFor } from "./bench/subjects.ts";
import { closingLine, gateway, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { startFunctions } from "./platform/functions.ts";

test("a function without any configuration starts, answers 500 and tells the log all that is missing", async () => {
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
    return JSON.parse(await eventually(() => own.logs[0], "the first line of the log")).msg;
  };
  assert.equal(await firstLine(), "stored");
  assert.match(await firstLine("--no-flush-bytecode", "--no-opt"), /code cache is missing or does not fit/);
  rmSync(ours.cache);
  assert.match(await firstLine(), /code cache is missing or does not fit/);
});

for (const [what, code, why] of [
  [
    "answers without the database",
    'require("node:http").createServer((_, response) => response.end("stored")).listen(process.env.FN_LISTENER.slice(5))',
    "the invocation ended before it came to the database, with 200 stored",
  ],
  ["breaks as it starts", 'throw new Error("no such module")', 'the function broke with "no such module"'],
  ["ends at its start as if all were well", "process.exit(0)", "the function ended the process"],
] as const) {
  test(`no code cache is made of a function that ${what}`, async (t) => {
    const folder = mkdtempSync("/tmp/inserter-start-");
    t.after(() => rmSync(folder, { recursive: true }));
    copyFileSync("src/start.cjs", join(folder, "start.cjs"));
    writeFileSync(join(folder, "func.js"), code);
    const making = promisify(execFile)(process.execPath, ["compile-cache.cjs", folder], { timeout: 120_000 });
    await assert.rejects(making, ({ code, stderr }) => {
      const sentence = `The code cache is not made: ${why}. Run the function (npm run demo) to see what it lacks.\n`;
      assert.deepEqual([code, stderr], [1, sentence]);
      return true;
    });
    assert(!existsSync(join(folder, "func.js.cache")));
  });
}
