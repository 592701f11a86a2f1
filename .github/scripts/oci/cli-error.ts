import * as z from "zod";
import { parseJson } from "../json.ts";
import { Refusal } from "../report.ts";

/** What the OCI CLI says of a failure. */
export interface CliError {
  /** Of the service; undefined when it was not reached. */
  status: number | undefined;
  code: string;
  message: string;
}

export const INSTALL = "npm run tools installs one that is tested";

/** An error of the CLI, with what mends it. */
export function refusal(args: readonly string[], { status, code, message }: CliError): Refusal {
  const first = args.findIndex((arg) => arg.startsWith("-"));
  const asked = `oci ${args.slice(0, first < 0 ? undefined : first).join(" ")}`;
  const about = args.filter((arg) => arg.startsWith("ocid1."));
  const of = about.length > 0 ? ` (${about.join(", ")})` : "";
  return new Refusal(
    `${asked}: ${[status, code].filter(Boolean).join(" ")}: ${message}${of}\n  ${mendOf(status, code)}`,
  );
}

function mendOf(status: number | undefined, code: string): string {
  switch (status) {
    case 401:
      return "The credentials are not accepted: check OCI_CLI_USER, OCI_CLI_TENANCY, OCI_CLI_FINGERPRINT, OCI_CLI_KEY_CONTENT and OCI_CLI_REGION, and that the key is still among the user's API keys.";
    case 403:
      return "The service does not allow it: a change of rights must be made in the tenancy's home region (set OCI_CLI_REGION to it).";
    case 404:
      return "Either it is not there, or the policy does not allow this user to see or do it: check the OCIDs, and have an administrator run npm run bootstrap (a change of policy can take 15 minutes).";
    case 409:
      return "Something else is changing it, or the name is taken: wait, and start again.";
    case 412:
      return "Something else has changed it meanwhile: start again.";
    case 429:
      return "OCI asked to slow down, and the retries did not help: start again later.";
    case undefined:
      if (code === "UnexpectedAnswer") return `This may be a CLI newer than the deployment: ${INSTALL}`;
      if (code === "Usage") return `This CLI does not know the command: ${INSTALL}`;
      return 'OCI was not reached, or the CLI is not set up: check OCI_CLI_REGION and the credentials (docs/operate.md, "Variables").';
    default:
      return status >= 500
        ? "OCI has a fault, and the retries did not help: start again later."
        : 'Check the settings (docs/operate.md, "Variables").';
  }
}

const serviceError = z.object({
  status: z.number().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});

export function parseError(stdout: string, stderr: string): CliError {
  const { data } = z.safeParse(serviceError, parseJson(/^\{\n[\s\S]*?^\}/m.exec(stderr)?.[0] ?? ""));
  if (data)
    return { status: data.status, code: data.code ?? "NoAnswer", message: (data.message ?? "").replaceAll("\n", " ") };
  // From 3.94.0 on a usage error is on stdout, and stderr is empty.
  const usage = /^Error: (.+)/m.exec(stdout)?.[1];
  if (usage) return { status: undefined, code: "Usage", message: usage };
  const lines = stderr.split("\n").filter((line) => /[a-z]/.test(line) && !line.startsWith("+"));
  const first = lines.findIndex((line) => /^(\w*Error|ERROR)\b/.test(line));
  const offer = lines.findIndex((line) => /^(Do you want|Exception:)/.test(line));
  // What is wrong with a configuration file is a table.
  const said = lines
    .slice(first, offer > first ? offer : undefined)
    .map((line) => line.replaceAll(/\s*\|\s*/g, " ").trim());
  return { status: undefined, code: "NoAnswer", message: said.join("; ") || "it said nothing" };
}
