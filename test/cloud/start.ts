/**
 * A cloud to rehearse the deployment against, with nothing but the OCI CLI on the PATH.
 *
 * Usage: npm run --silent cloud, until Ctrl-C. (Without --silent npm itself writes to stdout before it begins.)
 * Output: on stdout, for a shell, what the table in docs/operate.md asks of a person, then the line "# ready"; all else is on stderr
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, remove } from "../platform/cleanup.ts";
import { drawDelivery, drawLogLine, drawTrace, quote, run } from "../platform/terminal.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { installDocker } from "./docker.ts";
import { DATABASE, type Landscape, settle, variablesOf } from "./landscape.ts";
import { findSdk } from "./sdk.ts";

const tell = (text: string) => process.stderr.write(`${text}\n`);

await run(async () => {
  findSdk();
  const cloud = await startCloud({
    onLog: (line) => tell(drawLogLine(line)),
    onDelivery: (connector, delivery) => tell(drawDelivery(connector, delivery)),
    onTrace: (spans) => tell(drawTrace(spans)),
  });
  const landscape = settle(cloud);
  const folder = mkdtempSync("/tmp/inserter-rehearsal-");
  cleanUp(() => remove(folder));
  const lines = Object.entries(exportsOf(cloud, landscape)).map(([name, value]) => `export ${name}=${quote(value)}`);
  const hasDocker = runsDocker();
  if (!hasDocker) {
    installDocker(join(folder, "bin"));
    lines.push(`export PATH=${quote(join(folder, "bin"))}:"$PATH"`);
  }
  const text = `${lines.join("\n")}\n# ready\n`;
  const file = join(folder, "variables");
  writeFileSync(file, text, { mode: 0o600 });
  introduce(cloud, landscape, file, hasDocker);
  const { npm_lifecycle_event: npm, npm_config_loglevel: level } = process.env;
  if (npm && level !== "silent" && !process.stdout.isTTY)
    tell("! npm itself wrote to stdout before the lines to come. Without that: npm run --silent cloud\n");
  // All is cleaned up as the process exits, and Ctrl-C is how a person stops it. The listeners stay, since npm passes on what
  // the terminal has sent already, and a second signal must not cut the cleaning short.
  process.removeAllListeners("SIGINT").on("SIGINT", () => process.exit(0));
  process.removeAllListeners("SIGTERM").on("SIGTERM", () => process.exit(143));
  process.stdout.write(text);
});

/** What docs/operate.md asks of a person under "Variables". */
function exportsOf(cloud: Cloud, landscape: Landscape): Record<string, string> {
  return {
    ...cloud.env,
    // In one line, since each line is a variable; a key may have blanks for line ends.
    OCI_CLI_KEY_CONTENT: String(cloud.env.OCI_CLI_KEY_CONTENT).trim().replaceAll("\n", " "),
    ...variablesOf(cloud, landscape),
  };
}

function introduce(
  { url, env, platform: { postgres } }: Cloud,
  { subnet, stream, queue, apmDomain }: Landscape,
  file: string,
  hasDocker: boolean,
): void {
  tell(`✔ OCI's control plane  ${url}: Functions, network, IAM, Vault; nothing is deployed yet
✔ Container registry   ${env.OCIR_REGISTRY}
✔ PostgreSQL ${postgres.version.padEnd(9)} psql ${postgres.url}
  The doctor is told that it is ${DATABASE.host}:${DATABASE.port} behind a DRG, which the network leads to.
${hasDocker ? "  Docker runs, and builds the image." : "  No Docker runs: a stand-in takes its place, whose image runs dist/func.js."}

In a second terminal, in this folder:
  . ${file}
  npm run provision
  npm run invoke -- payload.json
  npm run doctor

For an API gateway, connectors and traces as well:
  export GATEWAY_SUBNET_OCID=${subnet.id} GATEWAY_AUTH=none
  export STREAM_OCID=${stream.id} QUEUE_OCID=${queue.id} ON_INVALID=set-aside
  export APM_DOMAIN_OCID=${apmDomain.id}
  npm run bootstrap
  npm run provision
docs/operate.md (Connector Hub) says how to put messages, which are then delivered within a minute.

Here are the function's log, what connectors deliver, and traces. Ctrl-C stops everything.
`);
}

function runsDocker(): boolean {
  try {
    execFileSync("docker", ["info"], { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
