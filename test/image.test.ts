import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./deployment.ts";
import { platformForTests } from "./fixture.ts";

/** Where no Docker can be: a script with the verbs `build` and `run` (IMAGE_TOOL), whose folder is W. */
const { IMAGE_TOOL: TOOL, W = "/tmp/function-image" } = process.env;

function skip(): string | false {
  if (TOOL) return false;
  try {
    execFileSync("docker", ["info"], { stdio: "ignore" });
    return false;
  } catch {
    const why = "needs Docker, or IMAGE_TOOL";
    if (process.env.CI === "true") throw new Error(why);
    return why;
  }
}

suite("image", { skip: skip(), timeout: 600_000 }, async () => {
  const platform = await platformForTests();
  const work = TOOL ? W : mkdtempSync("/tmp/inserter-image-");
  const iofs = join(work, "iofs");
  rmSync(iofs, { recursive: true, force: true });
  mkdirSync(iofs, { recursive: true });
  chmodSync(iofs, 0o777);
  const name = `localhost/postgres-inserter:${process.pid}`;
  let container: ChildProcess | undefined;
  let output = "";
  after(async () => {
    if (container?.kill()) await once(container, "exit");
    rmSync(iofs, { recursive: true, force: true });
  });

  const build = () =>
    TOOL
      ? execFileSync("bash", [TOOL, "build", ROOT], { env: { ...process.env, IMAGE: name }, stdio: "pipe" })
      : execFileSync("docker", ["build", "--tag", name, ROOT], { stdio: "pipe" });

  function run(env: Record<string, string>): ChildProcess {
    const given = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
    if (TOOL) return spawn("bash", [TOOL, "run", ...given], { env: { ...process.env, IMAGE: name, MEMORY: "128" } });
    const like = "--rm --read-only --memory=128m --network=host --user=1000:1000 --cap-drop=ALL --pids-limit=50";
    const args = [...like.split(" "), "--security-opt=no-new-privileges", "--tmpfs=/tmp:size=64m,mode=1777"];
    const contract = ["-e", "FN_FORMAT=http-stream", "-e", "FN_LISTENER=unix:/tmp/iofs/lsnr.sock"];
    return spawn("docker", ["run", ...args, `--volume=${iofs}:/tmp/iofs`, ...contract, ...given, name]);
  }

  test("builds, starts under 128 MB as the platform starts it, and inserts a row", async () => {
    build();
    const { env } = platform.principal;
    const given: Record<string, string> = {
      ...platform.functions.options.config,
      ...env,
    };
    for (const part of ["OCI_RESOURCE_PRINCIPAL_RPST", "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM"]) {
      copyFileSync(String(env[part]), join(iofs, part));
      chmodSync(join(iofs, part), 0o644);
      given[part] = `/tmp/iofs/${part}`;
    }
    container = run(given);
    for (const stream of [container.stdout, container.stderr]) stream?.on("data", (chunk) => (output += chunk));
    const socketPath = join(iofs, "lsnr.sock");
    while (!existsSync(socketPath)) {
      assert.equal(container.exitCode, null, output);
      await sleep(20);
    }
    const stored = await call(socketPath, JSON.stringify({ name: "from the image" }));
    assert.equal(stored.name, "from the image", output);
    const rows = await platform.postgres.query("SELECT name FROM items WHERE id = $1", [stored.id]);
    assert.deepEqual(rows, [{ name: "from the image" }]);
  });

  test("stores a batch of 6 MB under 128 MB", async () => {
    const item = { name: "a name of some length", description: "a description of some length, as a table has them" };
    const items = Array.from(
      { length: Math.floor((6 * 1024 * 1024 - 2) / (JSON.stringify(item).length + 1)) },
      () => item,
    );
    const stored = await call(join(iofs, "lsnr.sock"), JSON.stringify(items));
    assert.equal(stored.count, items.length, output);
  });

  test("has a code cache that fits", () => assert.doesNotMatch(output, /code cache/));
});

// biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
async function call(socketPath: string, body: string): Promise<any> {
  const headers = { "Fn-Deadline": new Date(Date.now() + 60_000).toISOString(), "content-type": "application/json" };
  const sent = request({ socketPath, method: "POST", path: "/call", headers });
  sent.end(body);
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return JSON.parse(text);
}
