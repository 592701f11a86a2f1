import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { openCredentials } from "../.github/scripts/oci/credentials.ts";
import { deploymentForTests, ROOT, type Run, skipWithout, TOOLS } from "./deployment.ts";

const LIMIT = 6 * 1024 * 1024;

suite("npm run invoke", { skip: skipWithout(...TOOLS, "jq") }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, run, folder } = deployment;
  const { postgres } = cloud.platform;
  const invoke = (...args: string[]) => run("invoke", {}, ...args);
  const invokes = () => cloud.requests.filter((request) => request.endsWith("/actions/invoke")).length;
  const names = async () =>
    (await postgres.query<{ name: string }>("SELECT name FROM items ORDER BY created_at")).map(({ name }) => name);
  const functionId = () => String(cloud.store.all("fnfunc")[0]?.id);
  function file(content: string | Buffer): string {
    const path = join(`${folder}.tools`, `my item ${performance.now()}.json`);
    writeFileSync(path, content);
    return path;
  }
  /** Runs it where it must fail without asking the function. */
  async function refused(...args: string[]): Promise<Run> {
    const asked = invokes();
    const result = await invoke(...args);
    assert.equal(result.code, 1, result.text);
    assert.equal(invokes(), asked, "the function was invoked");
    return result;
  }

  before(async () => {
    const { code, text } = await run("provision");
    assert.equal(code, 0, text);
  });

  test("npm run invoke stores text of the world as it is, and prints the answer", async () => {
    const { code, stdout, text } = await invoke(file('{"name":"Müller 😀 漢字"}'));
    assert.equal(code, 0, text);
    assert.equal(JSON.parse(stdout).name, "Müller 😀 漢字");
    assert.equal((await names()).at(-1), "Müller 😀 漢字");
  });

  test("npm run invoke takes stdin, a byte order mark, and a function by its OCID with no settings but the credentials", async () => {
    const child = spawn("sh", ["-c", 'cat | node .github/scripts/invoke.ts - --function-id "$0"', functionId()], {
      cwd: folder,
      env: { ...process.env, ...cloud.env, HOME: folder },
      timeout: 240_000,
    });
    child.stdin.end('\uFEFF{"name":"from stdin"}');
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.equal((await names()).at(-1), "from stdin");
  });

  test("npm run invoke stores a batch of 6 MB in letters of two bytes", async () => {
    const item = JSON.stringify({ name: "жук", description: "ж".repeat(1_000) });
    const count = Math.floor((LIMIT - 2) / (Buffer.byteLength(item) + 1));
    const body = `[${Array(count).fill(item)}]`;
    const { code, stdout, text } = await invoke(file(body + " ".repeat(LIMIT - Buffer.byteLength(body))));
    assert.equal(code, 0, text);
    assert.equal(JSON.parse(stdout).count, count);
    const [row] = await postgres.query("SELECT count(*)::int AS count FROM items WHERE description = $1", [
      "ж".repeat(1_000),
    ]);
    assert.deepEqual(row, { count });
  });

  test("a missing, empty or too large file, and one that is not UTF-8, are errors and no health check", async () => {
    assert.match((await refused("nowhere.json")).text, /nowhere\.json cannot be read \(ENOENT\)/);
    assert.match((await refused(file(""))).text, /is empty: give it an item/);
    assert.match((await refused(file(" \n"))).text, /is empty: give it an item/);
    assert.match((await refused(file(Buffer.from('{"name":"M\u00fcller"}', "latin1")))).text, /is not UTF-8/);
    assert.match(
      (await refused(file(`"${"x".repeat(LIMIT)}"`))).text,
      /has 6291458 bytes, and OCI Functions takes 6291456/,
    );
    assert.match((await refused("a.json", "b.json")).text, /One file at a time/);
    assert.match((await refused("")).text, /No file is named/);
    assert.match((await refused("--health", "a.json")).text, /takes no file/);
    assert.match((await refused("--heath")).text, /Unknown option/);
    assert.match(
      (await refused("--function-id", "ocid1.fnapp.oc1..x", "a.json")).text,
      /is the OCID of an application/,
    );
  });

  test("stdin that holds nothing is an error and no health check", async () => {
    assert.match((await refused()).text, /stdin is empty/);
  });

  test("stdin may come late", async () => {
    const late = `(sleep 2; echo '{"name":"late"}') | node .github/scripts/invoke.ts --function-id ${functionId()}`;
    const env = { ...process.env, ...cloud.env, HOME: folder };
    const child = spawn("sh", ["-c", late], { cwd: folder, env, stdio: "ignore", timeout: 240_000 });
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.equal((await names()).at(-1), "late");
  });

  test("where the CLI alone can log in, as in Cloud Shell, it sends text of the world unharmed as well", async () => {
    // Stands in for a login by an instance, which the local cloud does not know: the real CLI with the user's key.
    const bin = join(folder, ".git", "bin");
    mkdirSync(bin, { recursive: true });
    const config = openCredentials(cloud.env).OCI_CLI_CONFIG_FILE;
    const place = String(process.env.PATH)
      .split(":")
      .find((path) => existsSync(join(path, "oci")));
    const script = `#!/bin/sh\nunset OCI_CLI_AUTH\nOCI_CLI_CONFIG_FILE=${config} exec ${place}/oci "$@"\n`;
    writeFileSync(join(bin, "oci"), script, { mode: 0o755 });
    const env = {
      OCI_CLI_AUTH: "instance_obo_user",
      PATH: `${bin}:${join(ROOT, "node_modules/.bin")}:${process.env.PATH}`,
    };
    const asked = invokes();
    const { code, text } = await run("invoke", env, file('\uFEFF{"name":"Čeština 😀"}'));
    assert.equal(code, 0, text);
    assert.equal((await names()).at(-1), "Čeština 😀");
    assert.equal(invokes(), asked + 1);
    const refusedItem = await run("invoke", env, file('{"nam":1}'));
    assert.deepEqual([refusedItem.code, JSON.parse(refusedItem.stdout).status], [1, 422]);
    const large = await run("invoke", env, file(`{"name":"${"ж".repeat(2_000_000)}"}`));
    assert.match(large.text, /In ASCII, as the OCI CLI sends it, this is 12000011 bytes/);
  });

  test("--health asks for health", async () => {
    const rows = (await names()).length;
    const { code, stdout } = await invoke("--health");
    assert.deepEqual([code, JSON.parse(stdout)], [0, { status: "ok" }]);
    assert.equal((await names()).length, rows);
  });

  test("a problem is shown, and is exit code 1", async () => {
    const { code, stdout } = await invoke(file('{"nam":"x"}'));
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout).status, 422);
  });

  test("a function that fails is told with its code and meaning, and asked once", async () => {
    const asked = invokes();
    cloud.fault("POST", /actions\/invoke/, 502, "FunctionInvokeExecutionFailed", 1);
    const { code, text } = await invoke(file('{"name":"once"}'));
    assert.equal(code, 1);
    assert.match(text, /FunctionInvokeExecutionFailed: The function runs, and failed: its log says why/);
    assert.equal(invokes(), asked + 1);
  });

  test("npm run invoke waits for a locked table, and stores one row", async () => {
    const asked = invokes();
    const held = postgres.query("BEGIN; LOCK TABLE items; SELECT pg_sleep(5); COMMIT");
    const { code, text } = await invoke(file('{"name":"patient"}'));
    await held;
    assert.equal(code, 0, text);
    assert.equal(invokes(), asked + 1);
    assert.equal((await names()).filter((name) => name === "patient").length, 1);
  });

  test("the README's line for the OCI CLI stores text of the world as it is, and once", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [line = ""] = /oci fn function invoke .*payload\.json\)"/.exec(readme) ?? [];
    assert.match(line, /--no-retry --read-timeout 300/);
    writeFileSync(join(folder, "payload.json"), '{"name":"Größe 😀"}');
    const child = spawn("sh", ["-c", line.replace("…", functionId())], {
      cwd: folder,
      env: { ...process.env, ...cloud.env, HOME: folder },
      timeout: 240_000,
      stdio: "ignore",
    });
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.deepEqual(
      (await names()).filter((name) => name.startsWith("Gr")),
      ["Größe 😀"],
    );
  });
});
