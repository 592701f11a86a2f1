import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { ROOT } from "./deployment.ts";
import { platformForTests } from "./fixture.ts";
import { cleanUp, hasEnded, remove } from "./platform/cleanup.ts";
import { eventually } from "./platform/eventually.ts";

/** Where no Docker can be: a script with the verbs `build` and `run` (IMAGE_TOOL), whose folder is W. */
const { IMAGE_TOOL: TOOL, W = "/tmp/function-image" } = process.env;

/** For the packages to come and the bundle to be built, for one command of Docker's, and for an answer. Milliseconds. */
const BUILD_LIMIT = 300_000;
const LIMIT = 60_000;
const ANSWER_LIMIT = 120_000;

const docker = (args: string[], timeout = LIMIT, env = process.env) =>
  execFileSync("docker", args, { encoding: "utf8", stdio: "pipe", maxBuffer: 1e8, timeout, env });

function succeeds(...args: string[]): boolean {
  try {
    docker(args);
    return true;
  } catch {
    return false;
  }
}

function skip(): string | false {
  if (TOOL || succeeds("info")) return false;
  const why = "needs Docker, or IMAGE_TOOL";
  if (process.env.CI === "true") throw new Error(why);
  return why;
}

suite("image", { skip: skip() }, async () => {
  const platform = await platformForTests();
  const work = TOOL ? W : mkdtempSync("/tmp/inserter-image-");
  const iofs = join(work, "iofs");
  remove(iofs);
  mkdirSync(iofs, { recursive: true });
  chmodSync(iofs, 0o777);
  const name = `postgres-inserter-test-${process.pid}`;
  const image = TOOL ? "localhost/postgres-inserter:test" : `localhost/${name}`;
  let container: ChildProcess | undefined;
  let output = "";

  /** By force, since Node.js as process 1 ignores the SIGTERM that `docker run` passes on. */
  const clear = cleanUp(() => {
    if (TOOL) container?.kill();
    else {
      succeeds("rm", "--force", "--volumes", name);
      succeeds("rmi", "--force", image);
    }
    remove(TOOL ? iofs : work);
  });
  const end = async () => {
    clear();
    const running = container;
    if (!running) return;
    try {
      await eventually(
        () => hasEnded(running),
        () => `the end of the container: ${output}`,
      );
    } finally {
      running.kill("SIGKILL");
    }
  };
  after(end);

  function build(): void {
    const told = { encoding: "utf8", stdio: "pipe", maxBuffer: 1e8 } as const;
    try {
      // timeout(1), since what the script started would outlive it.
      if (TOOL)
        execFileSync("timeout", [String(BUILD_LIMIT / 1_000), "bash", TOOL, "build", ROOT], {
          ...told,
          env: { ...process.env, IMAGE: image },
        });
      // The classic builder does not know of a build's own platform.
      else if (succeeds("buildx", "version")) docker(["buildx", "build", "--load", "--tag", image, ROOT], BUILD_LIMIT);
      else docker(["build", "--tag", image, ROOT], BUILD_LIMIT, { ...process.env, DOCKER_BUILDKIT: "1" });
    } catch (error) {
      const { code, stderr } = error as { code?: string; stderr?: string };
      throw new Error(
        `the image was not built (${BUILD_LIMIT / 1_000} s at most; ${code ?? "it failed"}): ${stderr?.slice(-4_000)}`,
      );
    }
  }

  function run(env: Record<string, string>): ChildProcess {
    const given = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
    if (TOOL) return spawn("bash", [TOOL, "run", ...given], { env: { ...process.env, IMAGE: image, MEMORY: "128" } });
    const like = "--read-only --memory=128m --network=host --user=1000:1000 --cap-drop=ALL --pids-limit=50";
    const args = [...like.split(" "), "--security-opt=no-new-privileges", "--tmpfs=/tmp:size=64m,mode=1777"];
    const contract = ["-e", "FN_FORMAT=http-stream", "-e", "FN_LISTENER=unix:/tmp/iofs/lsnr.sock"];
    return spawn("docker", [
      "run",
      "--name",
      name,
      ...args,
      `--volume=${iofs}:/tmp/iofs`,
      ...contract,
      ...given,
      image,
    ]);
  }

  test("the image builds, starts under 128 MB as the platform starts it, and inserts a row", async () => {
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
    const started = run(given);
    container = started;
    for (const stream of [started.stdout, started.stderr]) stream?.on("data", (chunk) => (output += chunk));
    const socketPath = join(iofs, "lsnr.sock");
    await eventually(
      () => existsSync(socketPath) || hasEnded(started),
      () => `the container's socket: ${output}`,
    );
    assert(!hasEnded(started), output);
    const stored = await call(socketPath, JSON.stringify({ name: "from the image" }));
    assert.equal(stored.name, "from the image", output);
    const rows = await platform.postgres.query("SELECT name FROM items WHERE id = $1", [stored.id]);
    assert.deepEqual(rows, [{ name: "from the image" }]);
  });

  test("the image stores a batch of 6 MB under 128 MB", async () => {
    const item = { name: "a name of some length", description: "a description of some length, as a table has them" };
    const items = Array.from(
      { length: Math.floor((6 * 1024 * 1024 - 2) / (JSON.stringify(item).length + 1)) },
      () => item,
    );
    const stored = await call(join(iofs, "lsnr.sock"), JSON.stringify(items));
    assert.equal(stored.count, items.length, output);
  });

  test("the image has a code cache that fits", () => assert.doesNotMatch(output, /code cache/));

  test("the test of the image leaves no container, image or file behind", async () => {
    await end();
    assert(!existsSync(TOOL ? iofs : work));
    if (TOOL) return;
    assert.equal(docker(["ps", "--all", "--quiet", "--filter", `name=^/?${name}$`]), "");
    assert.equal(docker(["images", "--all", "--quiet", image]), "");
  });
});

// biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
async function call(socketPath: string, body: string): Promise<any> {
  const deadline = new Date(Date.now() + ANSWER_LIMIT).toISOString();
  const headers = { "Fn-Deadline": deadline, "content-type": "application/json" };
  const signal = AbortSignal.timeout(ANSWER_LIMIT + LIMIT);
  const sent = request({ socketPath, method: "POST", path: "/call", headers, signal });
  sent.end(body);
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return JSON.parse(text);
}
