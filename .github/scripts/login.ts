/**
 * How a workflow becomes a user of OCI without a key: GitHub's OIDC token for the run is exchanged at the identity
 * domain for a session of an hour. Does nothing where no domain is set; the API key is used then.
 * https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/json_web_token_exchange.htm
 *
 * Usage: npm run login, with OIDC_DOMAIN_URL, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET (of the domain's confidential application),
 * OCI_CLI_TENANCY, OCI_CLI_REGION, and what GitHub gives a job with `id-token: write`
 */
import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { readArguments } from "./arguments.ts";
import { fingerprintOf, readEnvironment, writeConfig } from "./oci/credentials.ts";
import { codeOf } from "./oci/fetch-error.ts";
import { Refusal, runCommand, say } from "./report.ts";
import { isSafeUrl } from "./safe-url.ts";

const TOGETHER = ["OIDC_DOMAIN_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"] as const;

/** Who is asked, and what mends it where they give no token. */
const GITHUB = { name: "GitHub's OIDC provider", mend: "Start the run again" };
const DOMAIN = {
  name: "The identity domain",
  mend: "Check OIDC_DOMAIN_URL, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and the domain's propagation trust",
};

/** One request may take this long, milliseconds. */
const REQUEST_LIMIT = 30_000;

const said = z.object({
  error_description: z.string().optional(),
  message: z.string().optional(),
  error: z.string().optional(),
});

await runCommand(async () => {
  readArguments("npm run login", {});
  const env = readEnvironment(process.env);
  if (TOGETHER.every((name) => !env[name])) {
    say("OIDC_DOMAIN_URL is not set: the API key is used.");
    return;
  }
  const missing = [...TOGETHER, "OCI_CLI_TENANCY", "OCI_CLI_REGION"].filter((name) => !env[name]);
  if (missing.length > 0)
    throw new Refusal(
      `${missing.join(", ")} missing: ${TOGETHER.join(", ")} go together, with OCI_CLI_TENANCY and OCI_CLI_REGION`,
    );
  const domain = String(env.OIDC_DOMAIN_URL).replace(/\/+$/, "");
  if (!isSafeUrl(domain))
    throw new Refusal(`OIDC_DOMAIN_URL is "${domain}", and must be like https://idcs-….identity.oraclecloud.com`);

  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const session = await exchange(domain, await fetchIdToken(env, domain), {
    client: `${env.OIDC_CLIENT_ID}:${env.OIDC_CLIENT_SECRET}`,
    publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  });
  const folder = mkdtempSync(join(env.RUNNER_TEMP ?? tmpdir(), "oci-session-"));
  const file = join(folder, "token");
  writeFileSync(file, session, { mode: 0o600 });
  const { OCI_CLI_TENANCY: tenancy, OCI_CLI_REGION: region } = env;
  const fields = { tenancy, region, fingerprint: fingerprintOf(privateKey), security_token_file: file };
  const config = writeConfig(fields, privateKey, folder);
  const lines = `OCI_CLI_AUTH=security_token\nOCI_CLI_CONFIG_FILE=${config}\n`;
  if (env.GITHUB_ENV) appendFileSync(env.GITHUB_ENV, lines);
  else process.stdout.write(lines);
  say("A session by GitHub's OIDC token is used.");
});

/** GitHub's token for this run, which the identity domain trusts. @throws {Refusal} */
async function fetchIdToken(env: NodeJS.ProcessEnv, audience: string): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
  if (!url || !token) throw new Refusal("GitHub gives this job no OIDC token: it needs permissions: id-token: write");
  const asked = `${url}&audience=${encodeURIComponent(audience)}`;
  const answer = await ask(GITHUB, asked, { headers: { authorization: `bearer ${token}` } });
  return read(GITHUB, z.object({ value: z.string() }), answer).value;
}

async function exchange(
  domain: string,
  idToken: string,
  { client, publicKey }: { client: string; publicKey: string },
): Promise<string> {
  const answer = await ask(DOMAIN, `${domain}/oauth2/v1/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(client).toString("base64")}` },
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:oci:token-type:oci-upst",
      subject_token_type: "jwt",
      subject_token: idToken,
      public_key: publicKey,
    }),
  });
  return read(DOMAIN, z.object({ token: z.string() }), answer).token;
}

async function ask({ name, mend }: typeof DOMAIN, url: string, request: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(REQUEST_LIMIT) }).catch((error) => {
    throw new Refusal(`${name} cannot be reached at ${new URL(url).host} (${codeOf(error)}). ${mend}`);
  });
  const answer = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { error_description, message, error } = z.safeParse(said, answer).data ?? {};
  const why = (error_description ?? message ?? error ?? "it does not say why").slice(0, 300);
  throw new Refusal(`${name} answered ${response.status}: ${why.replace(/\.$/, "")}. ${mend}`);
}

function read<T>({ name, mend }: typeof DOMAIN, schema: z.ZodType<T>, answer: unknown): T {
  const { data } = z.safeParse(schema, answer);
  if (data === undefined) throw new Refusal(`${name} answered without a token. ${mend}`);
  return data;
}
