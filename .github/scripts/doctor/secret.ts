import { isIPv6 } from "node:net";
import * as z from "zod";
import { ConfigError } from "../../../src/config.ts";
import { parseSecret } from "../../../src/vault/secret.ts";
import type { Answer } from "../oci/cli.ts";
import type { Settings } from "../settings.ts";
import { dataOf, type Finding, look, missing, ok, unknown } from "./finding.ts";
import type { FunctionFacts } from "./function-facts.ts";
import type { Sources } from "./sources.ts";

export const secret = z.object({
  lifecycleState: z.string(),
  compartmentId: z.string(),
  secretName: z.string().nullish(),
});
export type Secret = z.infer<typeof secret>;

/** Of the secret's content nothing but where the server is goes any further; undefined where even that may be none. */
export type Content = { server: Server | undefined } | { fault: string };

export interface Server {
  host: string;
  port: number;
}

/** The content, as the function itself would read it. */
export const bundle = z
  .object({ secretBundleContent: z.object({ content: z.string() }) })
  .transform(({ secretBundleContent }) => readContent(secretBundleContent.content));

export function readContent(base64: string): Content {
  try {
    const { host, port } = parseSecret(base64);
    return { server: isHost(host) ? { host, port } : undefined };
  } catch (error) {
    // Another error might hold a value.
    return { fault: error instanceof ConfigError ? error.message : "the secret cannot be read" };
  }
}

/** A whole connection string in its place would hold the password. */
function isHost(host: string): boolean {
  return isIPv6(host) || (/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/.test(host) && host.length <= 253);
}

export interface SecretFacts {
  /** Its OCID. */
  id: string;
  state: Answer<Secret>;
  content: Answer<Content>;
}

/** The secret that the function has, or that of the settings. */
export async function gatherSecret(
  settings: Settings,
  fn: Promise<FunctionFacts["fn"]>,
  { ask }: Sources,
): Promise<SecretFacts | undefined> {
  const id = dataOf(await fn)?.config?.DB_SECRET_OCID || settings.secret;
  if (!id) return undefined;
  const [state, content] = await Promise.all([
    ask(["vault", "secret", "get", "--secret-id", id], secret),
    ask(["secrets", "secret-bundle", "get", "--secret-id", id], bundle),
  ]);
  return { id, state, content };
}

const GONE = ["SCHEDULING_DELETION", "PENDING_DELETION", "DELETING", "DELETED", "FAILED"];

/** @param variable the secret of DB_SECRET_OCID here */
export function judgeSecret(facts: SecretFacts | undefined, variable: string | undefined): Finding[] {
  if (!facts) return [];
  const { id, state, content } = facts;
  return [
    ...(variable && variable !== id
      ? [unknown("Secret", `what is said of it is of the function's own, ${id}; DB_SECRET_OCID is another here`)]
      : []),
    ...look("Secret", state, ({ lifecycleState }) => {
      if (lifecycleState === "ACTIVE") return [ok("The secret is ACTIVE")];
      if (!GONE.includes(lifecycleState)) return [unknown("Secret", `it is ${lifecycleState}`)];
      const mend =
        lifecycleState === "PENDING_DELETION"
          ? `oci vault secret cancel-secret-deletion --secret-id ${id}`
          : `oci vault secret get --secret-id ${id}; wait, or set DB_SECRET_OCID to another`;
      return [missing(`The secret is ${lifecycleState}`, mend)];
    }),
    ...look("Content of the secret", content, (data) => {
      if ("server" in data)
        return [ok(`The secret is well-formed${data.server ? `: ${data.server.host}:${data.server.port}` : ""}`)];
      const mend = `oci vault secret update-base64 --secret-id ${id} --secret-content-content "$(base64 -w0 secret.json)"`;
      return [missing(`The function cannot use what the secret holds: ${data.fault}`, mend)];
    }),
  ];
}
