import assert from "node:assert/strict";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "./platform/eventually.ts";
import { type Functions, type FunctionsOptions, type Invocation, startFunctions } from "./platform/functions.ts";
import { type Platform, type PlatformOptions, startPlatform } from "./platform/platform.ts";
import { startVault, type Vault } from "./platform/vault.ts";
import { startWire, type Wire } from "./platform/wire.ts";

/** For a container to listen: a busy machine takes longer than the platform allows. Milliseconds. */
const START_LIMIT = 60_000;

/** A platform for a test file, stopped after its tests; no log line of it may hold a password or a private key. */
export async function platformForTests(options: PlatformOptions = {}): Promise<Platform> {
  const platform = await startPlatform({ ...options, functions: { startLimit: START_LIMIT, ...options.functions } });
  after(async () => {
    await platform.stop();
    assertNoSecret(platform, platform.functions.logs.join("\n"));
  });
  return platform;
}

export function assertNoSecret(platform: Platform, text: string): void {
  for (const secret of platform.secrets) assert(!text.includes(secret), "a secret is in a log line or an answer");
}

export interface Answer {
  status: number;
  type: string;
  allow: string | null;
  retryAfter: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
  json: any;
}

/** Invokes as `oci fn function invoke` does. The status is the platform's, or the problem's where the body has one. */
export async function direct(platform: Platform, body: string | Buffer): Promise<Answer> {
  const { status, code, headers, body: answer } = await platform.functions.invoke({ body });
  assertNoSecret(platform, answer.toString());
  const json = code === undefined ? JSON.parse(answer.toString()) : { code };
  return { status, type: String(headers["content-type"]), allow: null, retryAfter: null, json };
}

/** Invokes through API Gateway. */
export async function gateway(platform: Platform, method: string, path: string, body?: string): Promise<Answer> {
  const response = await fetch(`${platform.url}${path}`, { method, ...(body !== undefined && { body }) });
  const text = await response.text();
  assertNoSecret(platform, text);
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    allow: response.headers.get("allow"),
    retryAfter: response.headers.get("retry-after"),
    json: text && JSON.parse(text),
  };
}

/** Of an invocation: through the gateway, with a key of the whole request where there is one, and else direct. */
export function requestWithKey(key: string | undefined): Pick<Invocation, "gateway"> {
  if (key === undefined) return {};
  return { gateway: { method: "POST", url: "/items", headers: { "Idempotency-Key": key } } };
}

/** @param seen the status of the answer: of a direct invoke the platform's */
export function assertProblem(answer: Answer, status: number, seen: number) {
  assert.equal(answer.status, seen);
  assert.equal(answer.type, "application/problem+json");
  const { type, title, status: told, detail, callId } = answer.json;
  assert.equal(type, "about:blank");
  assert.equal(told, status);
  for (const text of [title, detail, callId]) assert.match(text, /./);
}

/**
 * The closing line of an invocation, parsed. The log takes another way than the answer, and may come after it.
 * Every line of the log must be JSON.
 */
// biome-ignore lint/suspicious/noExplicitAny: a line is checked field by field
export async function closingLine({ functions }: Pick<Platform, "functions">, callId: string): Promise<any> {
  return eventually(() => {
    const lines = functions.logs.map((line) => JSON.parse(line));
    const closing = lines.filter((line) => line.callId === callId && line.ms);
    assert(closing.length <= 1, "one closing line an invocation");
    return closing[0];
  }, `the closing line of ${callId}`);
}

/** A function of its own, with a Vault of its own, that reaches the platform's database through a network that breaks. */
export interface Lane {
  wire: Wire;
  vault: Vault;
  functions: Functions;
}

export async function laneForTests(platform: Platform, options: Partial<FunctionsOptions> = {}): Promise<Lane> {
  const wire = await startWire(platform.postgres.port);
  const vault = await startVault(platform.principal);
  vault.put({ ...platform.postgres.credentials, port: wire.port });
  const { config } = platform.functions.options;
  const functions = startFunctions({
    ...platform.functions.options,
    ...options,
    config: { ...config, OCI_SECRETS_ENDPOINT: vault.endpoint },
  });
  after(() => {
    functions.stop();
    vault.stop();
    wire.stop();
    assertNoSecret(platform, functions.logs.join("\n"));
  });
  return { wire, vault, functions };
}

/** Ends a lane's connections, and leaves the function time to know: its next statement begins with a new connection. */
export async function disconnect({ wire }: Lane): Promise<void> {
  wire.breakAll("end");
  // Longer than the function trusts a connection that rests, so that it asks where it did not hear.
  await sleep(60);
}
