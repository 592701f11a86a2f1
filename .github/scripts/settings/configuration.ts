import { ConfigError, loadConfig } from "../../../src/config.ts";
import type { Manifest } from "./manifest.ts";
import type { Purpose, Variables } from "./variables.ts";

/** Of keys and values together, bytes. */
const CONFIG_LIMIT = 4096;

/**
 * The function's whole configuration: what func.yaml says, and what it expects of the environment.
 *
 * @param faults takes what is wrong
 */
export function readConfig(
  { optional }: Variables,
  manifest: Manifest | undefined,
  purpose: Purpose,
  faults: string[],
): Record<string, string> {
  const config = { ...manifest?.config };
  for (const { name, required } of manifest?.expects.config ?? []) {
    const value = optional(name);
    if (value) config[name] = value;
    else if (required && purpose === "provision")
      faults.push(`${name} is missing: func.yaml expects it of each environment (expects.config)`);
  }
  checkSize(config, faults);
  faults.push(...faultsOf(config));
  return config;
}

/** What the function itself would say of its configuration, but for the secret and for what the platform supplies. */
function faultsOf(config: Record<string, string>): string[] {
  const supplied = ["VERSION", "RPST", "PRIVATE_PEM", "REGION"].map((name) => [
    `OCI_RESOURCE_PRINCIPAL_${name}`,
    "set",
  ]);
  try {
    loadConfig({ ...Object.fromEntries(supplied), ...config, DB_SECRET_OCID: "ocid1.vaultsecret.any" });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // It keeps values to itself, and these are no secrets.
    return error.message
      .split("; ")
      .map((fault) => fault.replace(/^(\w+) must/, (_, name) => `${name} is "${config[name]}", and must`));
  }
}

function checkSize(config: Record<string, string>, faults: string[]): void {
  const bytes = Buffer.byteLength(Object.entries(config).flat().join(""));
  if (bytes > CONFIG_LIMIT) faults.push(`func.yaml: config exceeds 4 KB, keys and values together (${bytes} bytes)`);
}
