import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "./deployment.ts";
import { laneForTests, platformForTests } from "./fixture.ts";
import { openDoors } from "./platform/doors.ts";
import { eventually } from "./platform/eventually.ts";
import { createStream } from "./platform/stream.ts";

const noGateway = async () => assert.fail("there is no gateway here");

/** For the CLI to start on a busy machine, and for its pause before it invokes again. Milliseconds. */
const LIMIT = 120_000;

for (const [what, code] of [
  ["fails", "FunctionInvokeExecutionFailed"],
  ["is ended by the platform", "FunctionInvokeExecutionError"],
] as const)
  test(`the OCI CLI, which invokes again by itself, leaves one row where the function ${what} after it has stored`, {
    skip: skipWithout("oci"),
  }, async () => {
    const platform = await platformForTests();
    const { postgres, ociConfigFile } = platform;
    const { functions, wire } = await laneForTests(platform, { maxContainers: 1, timeoutSeconds: 6 });
    const invoke = (name: string) => functions.invoke({ body: JSON.stringify({ name, idempotency_key: name }) });
    await invoke("recorded");
    const { server } = wire.last;
    wire.breakAll("end");
    // What the row's insert is answered, all but its beginning, is lost; nor is there another way to the database.
    wire.cut({ from: "server", after: server.length - 60, how: "silence" });
    const outcomes: (string | undefined)[] = [];
    const { invoke: once } = functions;
    functions.invoke = async (invocation) => {
      const running = once(invocation);
      if (outcomes.length === 0) {
        await eventually(() => wire.cuts === 1, "the answer to be lost");
        wire.accept("hang");
        if (code === "FunctionInvokeExecutionError") functions.containers[0]?.kill();
      }
      const outcome = await running;
      // What the CLI then asks for again.
      assert.equal((await postgres.query("SELECT FROM items WHERE name = 'a'")).length, 1);
      wire.accept("forward");
      outcomes.push(outcome.code);
      return outcome;
    };
    const doors = await openDoors(functions, createStream(), "eu-frankfurt-1", 0, noGateway);
    after(() => doors.stop());
    const asked = ["fn", "function", "invoke", "--endpoint", doors.url, "--function-id", functions.options.id];
    const body = JSON.stringify({ name: "a", idempotency_key: "k" });
    const { stdout } = await promisify(execFile)(
      "oci",
      ["--config-file", doors.ociConfigFile, ...asked, "--body", body, "--file", "-"],
      { env: { PATH: process.env.PATH, HOME: ociConfigFile.replace(/\/[^/]*$/, "") }, timeout: LIMIT },
    );
    assert.deepEqual(outcomes, [code, undefined]);
    const { id } = JSON.parse(stdout);
    assert.deepEqual(await postgres.query("SELECT id FROM items WHERE name = 'a'"), [{ id }]);
  });
