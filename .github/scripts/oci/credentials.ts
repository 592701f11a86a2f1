import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Faults, Refusal, warn } from "../report.ts";
import { faultOfOcid } from "./ocid.ts";
import { readKey } from "./private-key.ts";

/** What the OCI CLI takes of a user's API key from variables. */
const OF_A_KEY = ["USER", "FINGERPRINT", "KEY_CONTENT", "KEY_FILE", "PASSPHRASE"].map((name) => `OCI_CLI_${name}`);

/** Variables as people paste them: without quotes, blanks and line ends around, and none that is empty, as GitHub hands over unset ones. */
export function readEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = Object.entries(env).map(([name, value]) => [name, unquote(value?.trim() ?? "")] as const);
  return Object.fromEntries(given.filter(([, value]) => value));
}

function unquote(text: string): string {
  return (/^(["'])([\s\S]*)\1$/.exec(text)?.[2] ?? text).trim();
}

/**
 * The environment for the OCI CLI and others that log in to OCI. A user's API key in variables becomes a configuration file
 * for this process alone, since not all of the CLI's commands take a key from a variable (raw-request does not).
 *
 * @throws {Refusal} naming what is wrong with the key
 */
export function openCredentials(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = readEnvironment(given);
  // As the CLI does.
  for (const name of ["OCI_CLI_KEY_FILE", "OCI_CLI_CONFIG_FILE"])
    if (env[name]) env[name] = env[name].replace(/^~(?=\/|$)/, homedir());
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => !OF_A_KEY.includes(name)));
  if (env.OCI_CLI_AUTH && env.OCI_CLI_AUTH !== "api_key") {
    const unused = OF_A_KEY.filter((name) => env[name]);
    if (unused.length > 0)
      warn(`${unused.join(", ")} count for nothing beside OCI_CLI_AUTH=${env.OCI_CLI_AUTH}, and should be removed`);
    return rest;
  }
  const { OCI_CLI_KEY_CONTENT: content, OCI_CLI_KEY_FILE: file } = env;
  if (!content && !file) {
    if (existsSync(env.OCI_CLI_CONFIG_FILE ?? join(homedir(), ".oci/config"))) return env;
    throw new Refusal(
      'There are no credentials: set OCI_CLI_USER, OCI_CLI_FINGERPRINT and OCI_CLI_KEY_CONTENT, or in a workflow the OIDC_ ones (docs/operate.md, "Variables")',
    );
  }
  const faults = ["USER", "FINGERPRINT", "TENANCY", "REGION"].flatMap((name) =>
    env[`OCI_CLI_${name}`] ? [] : [`OCI_CLI_${name} is missing, and belongs to the API key`],
  );
  const name = content ? "OCI_CLI_KEY_CONTENT" : "OCI_CLI_KEY_FILE";
  const fault = env.OCI_CLI_USER && faultOfOcid(env.OCI_CLI_USER, "user");
  if (fault) faults.push(`OCI_CLI_USER ${fault}`);
  const key = readKey(content ?? readFile(String(file), faults), env.OCI_CLI_PASSPHRASE, name, faults);
  const fingerprint = key && fingerprintOf(key);
  if (env.OCI_CLI_FINGERPRINT && fingerprint && env.OCI_CLI_FINGERPRINT.toLowerCase() !== fingerprint)
    faults.push(`OCI_CLI_FINGERPRINT is not that of ${name}, which is ${fingerprint}: set the one that belongs to it`);
  if (faults.length > 0 || !key) throw new Faults(faults);
  const { OCI_CLI_USER: user, OCI_CLI_TENANCY: tenancy, OCI_CLI_REGION: region } = env;
  return { ...rest, OCI_CLI_CONFIG_FILE: writeConfig({ user, tenancy, region, fingerprint }, key, temporaryFolder()) };
}

/** As OCI shows it: MD5 of the public key. */
export function fingerprintOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return createHash("md5")
    .update(der)
    .digest("hex")
    .replaceAll(/..(?!$)/g, "$&:");
}

/** Writes what an OCI client needs into a folder. Returns the configuration file. */
export function writeConfig(fields: Record<string, string | undefined>, key: KeyObject, folder: string): string {
  const [config, keyFile] = [join(folder, "config"), join(folder, "key.pem")];
  const lines = Object.entries({ ...fields, key_file: keyFile }).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(keyFile, key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  writeFileSync(config, `[DEFAULT]\n${lines.join("")}`, { mode: 0o600 });
  return config;
}

let ofProcess: string | undefined;

/** A folder that is gone when this process ends in whatever way. */
export function temporaryFolder(): string {
  if (!ofProcess) {
    const folder = mkdtempSync(join(tmpdir(), "postgres-inserter-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    for (const [signal, number] of [
      ["SIGHUP", 1],
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const)
      process.once(signal, () => process.exit(128 + number));
    ofProcess = folder;
  }
  return mkdtempSync(join(ofProcess, "key-"));
}

function readFile(path: string, faults: string[]): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    faults.push(`OCI_CLI_KEY_FILE ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}
