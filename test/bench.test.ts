import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ROOT, skipWithout } from "./deployment.ts";
import { hasEnded } from "./platform/cleanup.ts";
import { eventually } from "./platform/eventually.ts";

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

test("the benchmark measures what keys, feeds and tracing cost, where it is asked to", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, "--smoke", "keys", "tracing"], {
    timeout: LIMIT,
  });
  for (const [line, floor] of [
    ["warm insert of one item with a key, ms", "without"],
    ["warm insert of one item, traced, ms", "without"],
    ["batch of 10,000 with keys, rows/s", "without"],
    ["batch of 25,000 of Streaming, rows/s", "a plain batch"],
    ["10,000 of Streaming, one refused by the table, ms", "none refused"],
    ["10,000 of Streaming, 100 refused, ms", "none refused"],
  ])
    assert.match(stdout, new RegExp(`^\\| ${line} \\| [\\d.,]+.* \\| [\\d.,]+.*, ${floor} \\| [\\d.]+ × \\| `, "m"));
});

test("an unknown part is refused by name", async () => {
  await assert.rejects(
    promisify(execFile)(process.execPath, [BENCH, "warmth"], { timeout: LIMIT }),
    /There is no part warmth/,
  );
});

const skip = skipWithout("git", "tar");

test("another commit is measured beside this one", { skip }, async () => {
  const args = [BENCH, "--smoke", "--against", "HEAD", "cold", "memory"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: LIMIT });
  const lines = ["process start → socket ready, ms", "process start → first row stored, ms"];
  for (const line of [...lines, "resident after a batch of 6 MB, MB", "bundle, kB"]) {
    assert.match(stdout, new RegExp(`^\\| ${line} (\\| [\\d.,]+ ){2}\\| \\d\\.\\d{3} × \\|$`, "m"));
  }
  assert(!existsSync(folderOf(stderr)));
});

test("another commit has its own build, and its own tables where they differ", { skip }, async (t) => {
  const folder = mkdtempSync("/tmp/inserter-commit-");
  t.after(() => rmSync(folder, { recursive: true }));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, env, encoding: "utf8" }).trim();
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const who of ["AUTHOR", "COMMITTER"]) {
    Object.assign(env, { [`GIT_${who}_NAME`]: "test", [`GIT_${who}_EMAIL`]: "test@localhost" });
  }
  // Its objects lie in the folder, and not in the repository.
  env.GIT_ALTERNATE_OBJECT_DIRECTORIES = resolve(ROOT, git("rev-parse", "--git-path", "objects"));
  env.GIT_OBJECT_DIRECTORY = join(folder, "objects");
  env.GIT_INDEX_FILE = join(folder, "index");
  mkdirSync(env.GIT_OBJECT_DIRECTORY);
  git("read-tree", "HEAD");
  for (const [path, from, to] of [
    ["src/schema.sql", "description TEXT", "description TEXT, other TEXT"],
    ["build.ts", "minify: true", "minify: false"],
  ] as const) {
    const text = readFileSync(join(ROOT, path), "utf8");
    assert(text.includes(from), path);
    const input = text.replace(from, to);
    const blob = execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: ROOT, env, input, encoding: "utf8" });
    git("update-index", "--cacheinfo", `100644,${blob.trim()},${path}`);
  }
  const commit = git("commit-tree", git("write-tree"), "-m", "test");

  const args = [BENCH, "--smoke", `--against=${commit}`, "batch", "memory"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: LIMIT });
  assert.match(stderr, /the tables differ: a PostgreSQL for each/);
  assert.match(stdout, /^\| batch of 50,000, rows\/s (\| [\d,]+ ){2}\| \d+\.\d{3} × \|$/m);
  assert.match(stdout, /^\| bundle, kB \| \d+ \| [\d,]+ \| 0\.\d{3} × \|$/m);
});

test("Ctrl-C leaves nothing of the other commit", { skip }, async () => {
  const running = spawn(process.execPath, [BENCH, "--against", "HEAD"], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(running, "exit");
  let said = "";
  running.stderr.on("data", (chunk) => (said += chunk));
  await eventually(
    () => said.includes("cold starts") || hasEnded(running),
    () => `the first part: ${said}`,
    LIMIT,
  );
  assert(existsSync(folderOf(said)));
  running.kill("SIGINT");
  await eventually(() => hasEnded(running), "the end of the benchmark");
  assert.deepEqual(await ended, [130, null]);
  assert(!existsSync(folderOf(said)));
});

test("a commit that is not there is told plainly", { skip }, async () => {
  const running = promisify(execFile)(process.execPath, [BENCH, "--against", "nowhere"], { timeout: LIMIT });
  await assert.rejects(running, ({ code, stderr }) => {
    assert.equal(code, 2);
    assert.match(stderr, /^There is no commit nowhere here: [^\n]+\n$/);
    return true;
  });
});

/** Where the other commit was built. */
function folderOf(progress: string): string {
  const folder = /building [0-9a-f]{7} in (\S+)/.exec(progress)?.[1];
  assert(folder, progress);
  return folder;
}
