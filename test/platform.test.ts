import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import test, { type TestContext } from "node:test";
import { promisify } from "node:util";
import { ConfigFileAuthenticationDetailsProvider } from "oci-common";
import { FunctionsInvokeClient, FunctionsManagementClient, models, requests } from "oci-functions";
import { skipWithout } from "./deployment.ts";
import { direct, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { BODY_LIMIT, type FunctionsOptions, startFunctions } from "./platform/functions.ts";

/** A function of a few lines. Its socket appears where it is looked for once it listens, as an FDK has it. */
function functionOf(t: TestContext, code: string, options: Partial<FunctionsOptions> = {}) {
  const prelude = `const http = require("http"); const path = process.env.FN_LISTENER.slice(5);
    const serve = (handler) => http.createServer((request, response) => {
      let size = 0; request.on("data", (chunk) => (size += chunk.length)).on("end", () => handler(request, response, size));
    }).listen(path + ".tmp", () => require("fs").symlinkSync(path + ".tmp", path));`;
  const functions = startFunctions({
    id: "ocid1.fnfunc.oc1..test",
    name: "test",
    config: {},
    principal: { env: {} },
    startLimit: 60_000,
    command: [process.execPath, "-e", prelude + code],
    ...options,
  });
  t.after(() => functions.stop());
  return functions;
}

for (const [status, outcome] of [
  [200, undefined],
  [502, "FunctionInvokeExecutionFailed"],
  [504, "FunctionInvokeTimeout"],
  [500, "FunctionInvokeInvalidResponse"],
  [201, "FunctionInvokeInvalidResponse"],
] as const) {
  test(`a container's ${status} becomes ${outcome ?? "the answer"}`, async (t) => {
    const functions = functionOf(t, `serve((_, response) => response.writeHead(${status}).end("inside"))`);
    const { code, body } = await functions.invoke({ body: "x" });
    assert.equal(code, outcome);
    assert.equal(body.toString().includes("inside"), status === 200, "the body of a failure is dropped");
    assert.equal(functions.containers.length, [200, 502, 504].includes(status) ? 1 : 0);
  });
}

test("a container that ends at its start, or never listens, has a code of its own", async (t) => {
  const ends = functionOf(t, "process.exit(1)");
  const sleeps = functionOf(t, "setInterval(() => {}, 1000)", { startLimit: 500 });
  const outcomes = await Promise.all([ends.invoke({}), sleeps.invoke({})]);
  assert.deepEqual(
    outcomes.map(({ status, code }) => [status, code]),
    [
      [502, "FunctionInvokeContainerInitFail"],
      [504, "FunctionInvokeContainerInitTimeout"],
    ],
  );
});

test("a container that dies in a call, or runs past the timeout, is not used again", async (t) => {
  const dies = functionOf(t, "serve(() => process.exit(1))");
  assert.equal((await dies.invoke({})).code, "FunctionInvokeExecutionError");
  const hangs = functionOf(t, "serve(() => {})", { timeoutSeconds: 1 });
  const { status, code } = await hangs.invoke({});
  assert.deepEqual([status, code], [504, "FunctionInvokeTimeout"]);
  assert.deepEqual([...dies.containers, ...hangs.containers], []);
});

test("bodies are limited to 6 MB both ways", async (t) => {
  const functions = functionOf(t, "serve((_, response, size) => response.end(Buffer.alloc(size * 2)))");
  assert.equal((await functions.invoke({ body: Buffer.alloc(BODY_LIMIT / 2) })).code, undefined);
  assert.equal((await functions.invoke({ body: Buffer.alloc(BODY_LIMIT) })).code, "FunctionInvokeResponseBodyTooLarge");
  const { status, code } = await functions.invoke({ body: Buffer.alloc(BODY_LIMIT + 1) });
  assert.deepEqual([status, code], [413, "FunctionInvokeRequestContentTooLarge"]);
});

test("a container takes one call at a time; concurrent ones get more containers, up to the limit", async (t) => {
  const slow = "serve((_, response) => setTimeout(() => response.end(String(process.pid)), 500))";
  const functions = functionOf(t, slow, { maxContainers: 2 });
  const outcomes = await Promise.all([functions.invoke({}), functions.invoke({}), functions.invoke({})]);
  assert.equal(functions.containers.length, 2);
  assert.equal(outcomes.filter(({ status, code }) => status === 429 && code === "TooManyRequests").length, 1);
  const again = await functions.invoke({});
  assert(functions.containers.some(({ pid }) => String(pid) === again.body.toString()));
  assert.equal(again.coldStart, false);
});

test("an idle container is frozen, thaws for the next call, and ends after the idle time", async (t) => {
  const functions = functionOf(t, 'serve((_, response) => response.end("x"))', { idleSeconds: 5 });
  await functions.invoke({});
  const [container] = functions.containers;
  assert(container && !container.paused);
  await eventually(() => container.paused, "the container to be frozen");
  if (process.platform === "linux") {
    const status = () => readFileSync(`/proc/${container.pid}/status`, "utf8");
    await eventually(() => /^State:\tT/m.test(status()), "its process to stand still");
  }
  assert.equal((await functions.invoke({})).body.toString(), "x");
  await eventually(() => functions.containers.length === 0, "the container to end");
  await eventually(() => !isAlive(container.pid), "its process to end");
});

test("replace() ends an idle container now, and a busy one after its call", async (t) => {
  const functions = functionOf(t, "serve((_, response) => setTimeout(() => response.end('x'), 2000))");
  const running = functions.invoke({});
  await eventually(() => functions.containers.length > 0, "a container at its call");
  functions.replace();
  assert.equal((await running).body.toString(), "x");
  assert.equal(functions.containers.length, 0);
});

test("the real OCI client invokes through the API door, and nobody without the key", async () => {
  const platform = await platformForTests();
  const authenticationDetailsProvider = new ConfigFileAuthenticationDetailsProvider(platform.ociConfigFile);
  const functionId = platform.functions.options.id;
  const management = new FunctionsManagementClient({ authenticationDetailsProvider });
  management.endpoint = platform.url;
  const described = await management.getFunction({ functionId });
  assert.equal(described.function.lifecycleState, models.Function.LifecycleState.Active);

  const client = new FunctionsInvokeClient({ authenticationDetailsProvider });
  client.endpoint = described.function.invokeEndpoint ?? "";
  const { value } = await client.invokeFunction({ functionId, invokeFunctionBody: '{"name":"Grüße"}' });
  assert.equal((await new Response(value as ReadableStream).json()).name, "Grüße");

  await client.invokeFunction({
    functionId,
    invokeFunctionBody: '{"name":"later"}',
    fnInvokeType: requests.InvokeFunctionRequest.FnInvokeType.Detached,
  });
  const find = () => platform.postgres.query("SELECT FROM items WHERE name = 'later'");
  await eventually(async () => (await find()).length > 0, "the row of the detached invoke");

  for (const path of [
    `20181201/functions/${functionId}/actions/invoke`,
    `20180418/streams/${platform.stream.id}/messages`,
  ]) {
    const unsigned = await fetch(`${platform.url}/${path}`, { method: "POST" });
    assert.equal(unsigned.status, 401, path);
  }
});

test("the real OCI CLI sees a function of a container image", { skip: skipWithout("oci") }, async () => {
  const { url, ociConfigFile, functions } = await platformForTests();
  const asked = ["fn", "function", "get", "--function-id", functions.options.id, "--endpoint", url];
  const env = { PATH: process.env.PATH, HOME: dirname(ociConfigFile) };
  const { stdout } = await promisify(execFile)("oci", ["--config-file", ociConfigFile, ...asked], {
    env,
    timeout: 180_000,
  });
  const { "source-details": source, "lifecycle-state": state } = JSON.parse(stdout).data;
  assert.equal(state, "ACTIVE");
  assert.deepEqual(Object.keys(source).sort(), ["image", "image-digest", "source-type"]);
  assert.equal(source["source-type"], "CONTAINER_IMAGE");
  assert.match(source["image-digest"], /^sha256:[0-9a-f]{64}$/);
});

test("stop() leaves no process", async () => {
  const platform = await platformForTests();
  await direct(platform, '{"name":"a"}');
  const pids = platform.functions.containers.map(({ pid }) => pid);
  await platform.stop();
  for (const pid of pids) await eventually(() => !isAlive(pid), `the end of the process ${pid}`);
  const socket = (await import("node:net")).connect(platform.postgres.port, "127.0.0.1");
  const [error] = await once(socket, "error");
  assert.equal(error.code, "ECONNREFUSED");
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
