import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigFileAuthenticationDetailsProvider, DefaultRequestSigner } from "oci-common";
import { Refusal } from "../report.ts";
import { cliEnvironment, runCli } from "./cli.ts";
import { parseError } from "./cli-error.ts";
import { temporaryFolder } from "./credentials.ts";
import { codeOf } from "./fetch-error.ts";

/** Of a request to OCI Functions, bytes. */
export const BODY_LIMIT = 6 * 1024 * 1024;

/** As long as a function may run, and as Node.js waits; milliseconds. */
const ANSWER_LIMIT = 300_000;

export interface Target {
  id: string;
  endpoint: string;
}

export interface Response {
  status: number;
  text: string;
}

/**
 * One request to a function, never repeated. The OCI CLI's `fn function invoke` cuts text that is not ASCII, so with a key or a
 * session only the signature is the SDK's, and the request one of our own.
 *
 * @throws {Refusal} when no answer comes
 */
export function send(target: Target, body: string): Promise<Response> {
  const { OCI_CLI_AUTH: auth = "api_key" } = cliEnvironment();
  return ["api_key", "security_token"].includes(auth) ? sendSigned(target, body) : sendByCli(target, body);
}

async function sendSigned({ id, endpoint }: Target, body: string): Promise<Response> {
  const url = `${endpoint}/20260325/functions/${id}/actions/invoke`;
  const headers = await sign(url, body);
  try {
    const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(ANSWER_LIMIT) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw new Refusal(
      `No answer came (${codeOf(error)}). It may be stored all the same: look at the table before you send it again`,
    );
  }
}

async function sign(url: string, body: string): Promise<Headers> {
  const { OCI_CLI_CONFIG_FILE, OCI_CLI_PROFILE = "DEFAULT" } = cliEnvironment();
  const file = OCI_CLI_CONFIG_FILE ?? join(homedir(), ".oci/config");
  const headers = new Headers();
  try {
    const signer = new DefaultRequestSigner(new ConfigFileAuthenticationDetailsProvider(file, OCI_CLI_PROFILE));
    await signer.signHttpRequest({ method: "POST", uri: url, headers, body });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(`The request cannot be signed with ${file} (${why.split("\n")[0]}): check it with oci os ns get`);
  }
  return headers;
}

/** Where the CLI alone can log in, as in Cloud Shell: with all that is not ASCII as JSON's escapes, which it leaves whole. */
async function sendByCli({ id }: Target, body: string): Promise<Response> {
  const escaped = body
    .replace(/^\uFEFF/, "")
    .replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (escaped.length > BODY_LIMIT)
    throw new Refusal(
      `In ASCII, as the OCI CLI sends it, this is ${escaped.length} bytes, and OCI Functions takes ${BODY_LIMIT}: split the batch`,
    );
  const file = join(temporaryFolder(), "invoke.json");
  writeFileSync(file, JSON.stringify({ functionId: id, body: escaped }), { mode: 0o600 });
  const options = ["--file", "-", "--no-retry", "--read-timeout", "300", "--from-json", `file://${file}`];
  const { code, stdout, stderr } = await runCli(["fn", "function", "invoke", ...options]);
  if (code === 0) return { status: 200, text: stdout.trimEnd() };
  const error = parseError(stdout, stderr);
  return { status: error.status ?? 0, text: JSON.stringify(error) };
}
