import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** On a busy machine; ten seconds elsewhere. Milliseconds. */
const LIMIT = 240_000;

const BENCH = fileURLToPath(new URL("bench/bench.ts", import.meta.url));

test("the benchmark runs, and names what it leaves out; its figures are not judged", async () => {
  const parts = ["cold", "memory", "peers"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [BENCH, "--smoke", ...parts], {
    env: { ...process.env, BENCH_PYTHON: "/nowhere/python" },
    timeout: LIMIT,
  });
  assert.match(stdout, /^\| process start → socket ready, ms \| [\d.,]+ .*bare FDK \| [\d.]+ × \| ≤ 1\.25 × [✔✖] \|$/m);
  assert.match(stdout, /^\| bundle, kB/m);
  assert.match(stdout, /^\| what the image adds to its base, kB/m);
  assert.match(stderr, /left out: Python: FastAPI.*: \/nowhere\/python has not the packages/);
});

test("an unknown part is refused by name", async () => {
  await assert.rejects(
    promisify(execFile)(process.execPath, [BENCH, "warmth"], { timeout: LIMIT }),
    /There is no part warmth/,
  );
});
