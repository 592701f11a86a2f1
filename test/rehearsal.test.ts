import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithout } from "./deployment.ts";
import { hasEnded } from "./platform/cleanup.ts";
import { eventually } from "./platform/eventually.ts";

/** A program may take this long, milliseconds. */
const LIMIT = 120_000;

const START = fileURLToPath(new URL("cloud/start.ts", import.meta.url));

test("npm run cloud prints what a shell takes, and leaves nothing behind", {
  skip: skipWithout("oci"),
  timeout: 2 * LIMIT,
}, async (t) => {
  const child = spawn(process.execPath, [START], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  t.after(() => child.kill("SIGTERM"));
  let [output, said] = ["", ""];
  child.stderr.on("data", (chunk) => (said += chunk));
  child.stdout.on("data", (chunk) => (output += chunk));
  await eventually(
    () => output.endsWith("\n# ready\n") || hasEnded(child),
    () => `"# ready": ${output}${said}`,
    LIMIT,
  );
  assert.match(output, /^(export [A-Z_]+=('[^'\n]*'|[^\s'"]+)(:"\$PATH")?\n)+# ready\n$/);

  const file = String(/^ {2}\. (\S+)$/m.exec(said)?.[1]);
  assert.equal(readFileSync(file, "utf8"), output);
  const script =
    'eval "$(sed "/^# ready/q" "$0")"; printf "%s\\n" "$OCI_CLI_KEY_CONTENT" "$OCI_CLI_ENDPOINT"; oci os ns get';
  const shown = execFileSync("sh", ["-euc", script, file], { encoding: "utf8", timeout: LIMIT });
  assert.match(
    shown,
    /^-----BEGIN PRIVATE KEY----- .+ -----END PRIVATE KEY-----\nhttp:\/\/127\.0\.0\.1:\d+\n\{\n {2}"data": "axlocal"\n\}\n$/,
  );

  child.kill("SIGINT");
  await eventually(() => hasEnded(child), "its end", LIMIT);
  assert.deepEqual(await ended, [0, null]);
  assert(!existsSync(dirname(file)), "its folder");
  await assert.rejects(fetch(String(/OCI_CLI_ENDPOINT=(\S+)/.exec(output)?.[1])), "its control plane");
  const port = /psql .*@127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  await assert.rejects(fetch(`http://127.0.0.1:${port}`), /fetch failed/, "its database");
});
