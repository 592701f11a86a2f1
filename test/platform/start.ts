import { execFile } from "node:child_process";
import { watch } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { introduce, invokeWith, SELECT, showTable } from "./demo.ts";
import { type Delivery, startHub } from "./hub.ts";
import { startPlatform } from "./platform.ts";
import { UserError } from "./port.ts";
import { follow } from "./stream.ts";
import { drawDelivery, drawLogLine, paint, quote, readPayload, run } from "./terminal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** An editor writes a file in several steps; milliseconds. */
const SETTLE = 100;

/** Short, for somebody who waits. */
const BATCH = { batchSizeInNum: 1_000, batchTimeInSec: 1 };

await run(async () => {
  const file = process.argv[2] ?? "payload.json";
  readPayload(file);
  const port = Number(process.env.PORT ?? 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UserError("PORT must be a number from 0 to 65535.");

  const started = performance.now();
  const platform = await startPlatform({ port, functions: { onLog: (line) => console.log(drawLogLine(line)) } });
  // All is cleaned up as the process exits, and to stop is what was asked for.
  process.removeAllListeners("SIGINT").once("SIGINT", () => process.exit(0));
  introduce(platform, performance.now() - started);
  await invokeWith(platform, file);
  await showTable(platform);

  const { url, ociConfigFile, functions, postgres, stream } = platform;
  startHub({ source: follow(stream), target: functions, ...BATCH, onDelivery: showDelivery });

  async function showDelivery(delivery: Delivery): Promise<void> {
    console.log(drawDelivery(`stream ${stream.name}`, delivery));
    if (delivery.code === undefined) await showTable(platform);
  }

  // The OCI CLI sends fewer bytes than there are where the body is not ASCII, and left alone invokes again after 60 s.
  // Of a file each item is a message of the stream, whether it is a line, several, or one of an array.
  console.log(`
${paint("bold", "Paste into another terminal:")}
curl -i ${url}/items --data-binary ${quote(`@${file}`)}
curl -i ${url}/health
oci --config-file ${ociConfigFile} --no-retry --read-timeout 300 fn function invoke --endpoint ${url} --function-id ${functions.options.id} --body "$(jq -ac . ${quote(file)})" --file -
jq -nc '[[inputs] | flatten(1)[] | {value: (tojson | @base64)}]' ${quote(file)} | oci --config-file ${ociConfigFile} streaming stream message put --endpoint ${url} --stream-id ${stream.id} --messages file:///dev/stdin
psql ${postgres.url} -c ${quote(SELECT)}

${paint("dim", "A change in src/ is built and replaces the container. Ctrl-C stops everything.")}
`);

  let settling: NodeJS.Timeout | undefined;
  watch(`${ROOT}/src`, { recursive: true }, () => {
    clearTimeout(settling);
    settling = setTimeout(rebuild, SETTLE);
  });

  async function rebuild(): Promise<void> {
    const since = performance.now();
    try {
      await promisify(execFile)(process.execPath, ["build.ts"], { cwd: ROOT });
      functions.replace();
      console.log(
        `${paint("green", "✔")} built in ${Math.round(performance.now() - since)} ms, the next invoke uses it`,
      );
    } catch (error) {
      console.error(`${paint("red", "✖")} not built, the former bundle stays\n${(error as { stderr: string }).stderr}`);
    }
  }
});
