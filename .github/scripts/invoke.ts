/**
 * Sends a file to the function, once, and shows the answer.
 *
 * Usage: npm run invoke -- FILE [--function-id OCID]      FILE: JSON, up to 6 MB; - for stdin
 *        npm run invoke -- --health [--function-id OCID]  asks for health, and writes nothing
 * Exit: 0 when it was stored, or healthy
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isatty } from "node:tty";
import { parseArgs } from "node:util";
import * as z from "zod";
import { parseJson } from "./json.ts";
import { get } from "./oci/cli.ts";
import { faultOfOcid } from "./oci/ocid.ts";
import { BODY_LIMIT, send } from "./oci/request.ts";
import { Refusal, runCommand, say } from "./report.ts";
import { findApplication } from "./resources/application.ts";
import { findFunction } from "./resources/function.ts";
import { type Fn, fn } from "./resources.ts";
import { readSettings } from "./settings.ts";
import { meaningOf } from "./smoke.ts";

const USAGE = "Usage: npm run invoke -- FILE, or - for stdin, or --health; [--function-id OCID]";

const failure = z.object({ code: z.string().optional(), message: z.string().optional() });
const problem = z.object({ status: z.number().min(400) });

await runCommand(async () => {
  const { file, health, functionId } = readOptions();
  const body = health ? "" : readBody(file);
  const found = functionId ? await readById(functionId) : await readBySettings();
  const { id, displayName, invokeEndpoint, lifecycleState } = found;
  if (!invokeEndpoint)
    throw new Refusal(`The function is ${lifecycleState}, and cannot be invoked: run npm run doctor`);
  say(health ? `→ asking ${displayName} for its health` : `→ ${Buffer.byteLength(body)} bytes to ${displayName}`);
  const { status, text } = await send({ id, endpoint: invokeEndpoint }, body);
  const { code, message } = z.safeParse(failure, parseJson(text)).data ?? {};
  if (status !== 200) throw new Refusal(`${code ?? status}: ${meaningOf(code) ?? message ?? text.slice(0, 300)}`);
  process.stdout.write(`${text}\n`);
  if (z.safeParse(problem, parseJson(text)).success) process.exitCode = 1;
});

function readOptions() {
  try {
    const options = { health: { type: "boolean", default: false }, "function-id": { type: "string" } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const { health, "function-id": functionId } = values;
    if (positionals.length > 1) throw new Error(`One file at a time, not ${positionals.join(" and ")}`);
    const [file] = positionals;
    if (health && file !== undefined) throw new Error("--health sends nothing, and so takes no file");
    if (!health && (file === "" || (file === undefined && isatty(0)))) throw new Error("No file is named");
    const fault = functionId !== undefined && faultOfOcid(functionId, "fnfunc");
    if (fault) throw new Error(`--function-id ${fault}`);
    return { file: file ?? "-", health, functionId };
  } catch (error) {
    throw new Refusal(`${(error as Error).message}. ${USAGE}`);
  }
}

/** @throws {Refusal} where there is nothing that the function could store */
function readBody(file: string): string {
  const name = file === "-" ? "stdin" : file;
  const bytes = readBytes(file);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal(`${name} is not UTF-8, and JSON must be: convert it, for instance with iconv -f latin1 -t utf-8`);
  }
  if (text.trim() === "")
    throw new Refusal(`${name} is empty: give it an item, like {"name": "…"}; for health use --health`);
  if (bytes.length > BODY_LIMIT)
    throw new Refusal(`${name} has ${bytes.length} bytes, and OCI Functions takes ${BODY_LIMIT}: split the batch`);
  return text;
}

function readBytes(file: string): Buffer {
  try {
    // npm runs it in the repository's folder, wherever it was called.
    return readFileSync(file === "-" ? 0 : resolve(process.env.INIT_CWD ?? ".", file));
  } catch (error) {
    throw new Refusal(
      `${file === "-" ? "stdin" : file} cannot be read (${(error as NodeJS.ErrnoException).code}). ${USAGE}`,
    );
  }
}

function readById(id: string): Promise<Fn> {
  return get(["fn", "function", "get", "--function-id", id], fn);
}

async function readBySettings(): Promise<Fn> {
  const settings = readSettings("invoke");
  const application = await findApplication(settings);
  const found = application && (await findFunction(application, settings.manifest.name));
  if (!found)
    throw new Refusal(
      `There is no function ${settings.manifest.name} in an application ${settings.application}: run npm run provision, or name it with --function-id`,
    );
  // A list leaves its endpoint out where it is still being made.
  return readById(found.id);
}
