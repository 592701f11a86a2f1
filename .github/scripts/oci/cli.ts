import { execFile } from "node:child_process";
import * as z from "zod";
import { parseJson } from "../json.ts";
import { Refusal } from "../report.ts";
import { type CliError, INSTALL, parseError, refusal } from "./cli-error.ts";
import { openCredentials } from "./credentials.ts";

export interface Success<T> {
  data: T;
  etag?: string | undefined;
  workRequest?: string | undefined;
}

export type Answer<T> = Success<T> | { error: CliError };

let environment: NodeJS.ProcessEnv | undefined;

/** The CLI's environment, made at first use. @throws {Refusal} when the credentials in it are unusable */
export function cliEnvironment(): NodeJS.ProcessEnv {
  environment ??= {
    ...openCredentials(process.env),
    OCI_CLI_SUPPRESS_FILE_PERMISSIONS_WARNING: "True",
    SUPPRESS_LABEL_WARNING: "True",
  };
  return environment;
}

const envelope = z.object({
  data: z.unknown().optional(),
  etag: z.string().optional(),
  opcWorkRequestId: z.string().optional(),
});

/**
 * Asks the OCI CLI; an error of the service is an answer too. Keys come in camelCase. What does not fit the schema is an
 * error with the code UnexpectedAnswer.
 *
 * @throws {Refusal} when there is no CLI, or the credentials are unusable
 */
export async function ask<T>(args: readonly string[], schema: z.ZodType<T>): Promise<Answer<T>> {
  const { code, stdout, stderr } = await runCli(args);
  if (code !== 0) return { error: parseError(stdout, stderr) };
  // For an empty list the CLI prints nothing at all, and for some changes no data.
  const answer = z.safeParse(envelope, stdout.trim() ? camelCase(parseJson(stdout)) : {});
  const data = z.safeParse(schema, answer.data?.data);
  if (!answer.success || !data.success) {
    const [issue] = (data.error ?? (answer.error as z.ZodError)).issues;
    const message = `oci ${args.slice(0, 3).join(" ")} answered otherwise than expected, at ${issue?.path.join(".") || "its beginning"}: ${issue?.message}`;
    return { error: { status: undefined, code: "UnexpectedAnswer", message } };
  }
  return { data: data.data, etag: answer.data.etag, workRequest: answer.data.opcWorkRequestId };
}

/** Asks, and takes no error. @throws {Refusal} with what mends it */
export async function request<T>(args: readonly string[], schema: z.ZodType<T>): Promise<Success<T>> {
  const answer = await ask(args, schema);
  if ("error" in answer) throw refusal(args, answer.error);
  return answer;
}

/** The data alone. @throws {Refusal} */
export async function get<T>(args: readonly string[], schema: z.ZodType<T>): Promise<T> {
  return (await request(args, schema)).data;
}

/** What comes out of the CLI, and its exit code. @throws {Refusal} when there is none */
export function runCli(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...cliEnvironment() };
  // It takes no endpoint beside its target.
  if (args[0] === "raw-request") delete env.OCI_CLI_ENDPOINT;
  return new Promise((resolve, reject) => {
    const child = execFile("oci", [...args], { env, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if ((error as NodeJS.ErrnoException)?.code === "ENOENT")
        reject(new Refusal(`The OCI CLI is not on the PATH: ${INSTALL}`));
      else resolve({ code: child.exitCode ?? 1, stdout, stderr });
    });
    // What it would ask a person, nobody answers.
    child.stdin?.end();
  });
}

/** @throws {Refusal} when the CLI is older than the API that the deployment speaks */
export async function requireCli(): Promise<void> {
  const { stdout } = await runCli([
    "fn",
    "function",
    "create",
    "container-function",
    "--generate-full-command-json-input",
  ]);
  if (stdout.includes('"imageDigest"')) return;
  const version = (await runCli(["--version"])).stdout.trim();
  throw new Refusal(
    `The OCI CLI here is ${version}, and has no "oci fn function create container-function", which came with 3.94.0: ${INSTALL}`,
  );
}

/** The CLI's "lifecycle-state" is the API's lifecycleState. */
function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase()),
      camelCase(inner),
    ]),
  );
}
