import { setTimeout as sleep } from "node:timers/promises";
import { runCli } from "./oci/cli.ts";
import { parseError } from "./oci/cli-error.ts";

/** What became of an invoke with an empty body, the health check, which writes nothing. */
export interface Smoke {
  /** ok, or the error's code. */
  code: string;
  /** What it means, and what mends it. */
  meaning: string;
}

const TRIES = 4;

/** Invokes the function. Its own retries would take minutes, and only what passes by itself is tried again. */
export async function smoke(functionId: string): Promise<Smoke> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await invokeEmpty(functionId);
    const passing = ["TooManyRequests", "FunctionInvokeServiceUnavailable"].includes(outcome.code);
    if (!passing || attempt === TRIES) return outcome;
    await sleep(attempt * 2_000);
  }
}

async function invokeEmpty(functionId: string): Promise<Smoke> {
  const options = ["--body", "", "--file", "-", "--no-retry", "--read-timeout", "300"];
  const {
    code: exit,
    stdout,
    stderr,
  } = await runCli(["fn", "function", "invoke", "--function-id", functionId, ...options]);
  if (exit !== 0) {
    const { code, message } = parseError(stdout, stderr);
    return { code, meaning: meaningOf(code) ?? `OCI says: ${message}` };
  }
  if (isHealthy(stdout)) return { code: "ok", meaning: "Vault and database answer." };
  return { code: "UnexpectedAnswer", meaning: `It answered: ${stdout.slice(0, 300)}` };
}

/** Whether an answer is that of the health check. */
export function isHealthy(text: string): boolean {
  return /^\s*\{\s*"status"\s*:\s*"ok"\s*\}\s*$/.test(text);
}

/** What an error's code of an invoke means, and what mends it. */
export function meaningOf(code = ""): string | undefined {
  return MEANINGS[code];
}

/** https://docs.oracle.com/en-us/iaas/Content/Functions/Tasks/functionstroubleshooting_topic-Issues-invoking-functions.htm */
const MEANINGS: Readonly<Record<string, string>> = {
  FunctionInvokeImageNotAvailable:
    "The platform could not pull the image. The network comes first: the subnet's route to a service gateway for All … Services, and egress on 443; then the image's digest and the repository.",
  FunctionInvokeExecutionFailed:
    "The function runs, and failed: its log says why and what mends it (code and remedy of the closing line). Mostly the secret, its policy, or the way to the database.",
  FunctionInvokeExecutionError:
    "The container died in the call. More memory in func.yaml may help; the log has its last words.",
  FunctionInvokeInvalidResponse:
    "The container answered outside the platform's contract. The image is not this project's, or is broken.",
  FunctionInvokeContainerInitFail:
    "The container ended before it listened. The image is broken: run it as test/image.test.ts does.",
  FunctionInvokeContainerInitTimeout:
    "The container did not listen in time. More memory in func.yaml makes it start sooner.",
  FunctionInvokeTimeout:
    "No answer before the timeout. The way to Vault or to the database swallows packets, or the timeout in func.yaml is too short.",
  FunctionInvokeImagePullTimeout:
    "The image took too long to pull: it is too large, or the way to the registry is slow.",
  FunctionInvokeSubnetNotAvailable:
    "The subnet or its DHCP options are gone, or the Functions service may not use them.",
  FunctionInvokeSubnetOutOfIPs: "The subnet has no free addresses. Use a larger one; that takes a new application.",
  FunctionInvokeSubnetConfigError: "The subnet's own DNS resolver cannot be reached.",
  FunctionInvokeTooManyMatchingDGs: "The function is in too many dynamic groups.",
  FunctionInvokeServiceUnavailable: "OCI has no capacity at the moment. Start again later.",
  TooManyRequests: "The tenancy's limit of concurrent memory is reached.",
  NotAuthorizedOrNotFound: "The function is not there, or this user may not invoke it (fn-invocation).",
  NotAuthenticated: "The credentials are not accepted.",
};
