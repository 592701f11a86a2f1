import { isDeepStrictEqual } from "node:util";
import type { Call } from "./call.ts";
import type { Config } from "./config.ts";
import { diagnose } from "./faults/diagnosis.ts";
import { VaultError } from "./faults/errors.ts";
import { type Credentials, parseSecret } from "./vault/secret.ts";

/** For one request to Vault, before it counts as lost. */
const REQUEST_TIMEOUT_MS = 5_000;

/** The database's credentials, fetched from Vault at first use and kept in memory. */
export interface Vault {
  /** What was read last, or what a first read brings. A failed read is not remembered, a running one is shared. */
  credentials(call: Call): Promise<Credentials>;
  /**
   * Reads the secret again, once an invocation, and tells whether that brought other credentials. Where it fails, the former
   * stay.
   */
  reread(call: Call): Promise<boolean>;
}

export function openVault(config: Config): Vault {
  let known: Promise<Credentials> | undefined;
  const rereadBy = new WeakSet<Call>();

  function read(call: Call): Promise<Credentials> {
    const former = known;
    const reading = call.timed("secret", () => readSecret(config, call));
    known = reading;
    reading.catch(() => {
      if (known === reading) known = former;
    });
    return reading;
  }

  async function reread(call: Call): Promise<boolean> {
    if (!known || rereadBy.has(call)) return false;
    rereadBy.add(call);
    const former = await known;
    try {
      return !isDeepStrictEqual(await read(call), former);
    } catch (error) {
      const fault = diagnose(error);
      const told = fault ? { code: fault.code, remedy: fault.remedy } : { reason: String(error) };
      call.log.warn("the secret could not be read again", told);
      return false;
    }
  }

  return { credentials: (call) => known ?? read(call), reread };
}

/**
 * One signed request to Vault. The SDK has no time limit of its own, retries for minutes and warns on the console of
 * each try, so it is given a signal and no retries; its circuit breaker does not work together with a signal.
 * It brings an HTTP client too: build.ts deletes the global `fetch`, and biome.json forbids it in src/.
 *
 * @throws {VaultError} when Vault cannot be reached or refuses
 * @throws {ConfigError} when the secret is not what it should be
 */
async function readSecret(config: Config, call: Call): Promise<Credentials> {
  const { SecretsClient } = await import("oci-secrets");
  const { CircuitBreaker, NoRetryConfigurationDetails, ResourcePrincipalAuthenticationDetailsProvider } = await import(
    "oci-common"
  );
  const abort = new AbortController();
  const ask = async () => {
    try {
      const client = new SecretsClient(
        { authenticationDetailsProvider: ResourcePrincipalAuthenticationDetailsProvider.builder() },
        {
          circuitBreaker: new CircuitBreaker({ disableClientCircuitBreaker: true }),
          httpOptions: { signal: abort.signal },
          retryConfiguration: NoRetryConfigurationDetails,
        },
      );
      if (config.secretsEndpoint) client.endpoint = config.secretsEndpoint;
      // For a region newer than the SDK, which knows no endpoint of it. Where there is no such region, its host is not found.
      else if (!client.endpoint) client.regionId = process.env.OCI_RESOURCE_PRINCIPAL_REGION ?? "";
      return await client.getSecretBundle({ secretId: config.secretId });
    } catch (cause) {
      throw new VaultError("the secret could not be read", { cause });
    }
  };
  try {
    const { secretBundle } = await call.deadline.wait(ask, call.deadline.share(REQUEST_TIMEOUT_MS), () => "Vault");
    return parseSecret(secretBundle.secretBundleContent?.content ?? "");
  } finally {
    abort.abort();
  }
}
