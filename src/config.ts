import { LEVELS, readLevel } from "./log.ts";

/** What is done about a body or message that is no item: tell the caller, fail the function, or keep it in a table of its own. */
const ON_INVALID = ["refuse", "fail", "set-aside"] as const;
export type OnInvalid = (typeof ON_INVALID)[number];

/** "refuse" where it is unset; read apart from the rest, since it says how a failure is told. */
export function readOnInvalid(env: NodeJS.ProcessEnv): OnInvalid {
  return ON_INVALID.find((one) => one === env.ON_INVALID) ?? "refuse";
}

export interface Config {
  /** OCID of the Vault secret that holds the database credentials. */
  secretId: string;
  /** Base URL of the Secrets service; the region's own when undefined. */
  secretsEndpoint: string | undefined;
}

/** What is wrong with the configuration or the secret, all of it at once. For the log: a caller may not see it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const FROM_PLATFORM = ["VERSION", "RPST", "PRIVATE_PEM", "REGION"].map((name) => `OCI_RESOURCE_PRINCIPAL_${name}`);

/** @throws {ConfigError} naming every variable that is missing or unusable, and how to mend it */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const errors: string[] = [];
  const secretId = env.DB_SECRET_OCID ?? "";
  if (!secretId.startsWith("ocid1.vaultsecret.")) {
    errors.push(
      "DB_SECRET_OCID must be the OCID of a Vault secret (ocid1.vaultsecret.…): set it in the function's configuration",
    );
  }
  const secretsEndpoint = env.OCI_SECRETS_ENDPOINT || undefined;
  if (secretsEndpoint && !URL.canParse(secretsEndpoint)) {
    errors.push("OCI_SECRETS_ENDPOINT must be a URL, or be left out for the region's own endpoint");
  }
  if (env.LOG_LEVEL && readLevel(env) !== env.LOG_LEVEL) errors.push(`LOG_LEVEL must be one of ${LEVELS.join(", ")}`);
  if (env.ON_INVALID && readOnInvalid(env) !== env.ON_INVALID)
    errors.push(`ON_INVALID must be one of ${ON_INVALID.join(", ")}`);
  for (const name of FROM_PLATFORM) {
    if (!env[name])
      errors.push(`${name} is missing: OCI Functions supplies it; elsewhere use the local platform (npm start)`);
  }
  if (errors.length > 0) throw new ConfigError(errors.join("; "));
  return { secretId, secretsEndpoint };
}
