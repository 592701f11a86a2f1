import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../oci/fetch-error.ts";
import type { GatewaySettings } from "../settings/gateway-settings.ts";
import { isHealthy, type Smoke } from "../smoke.ts";

/** For an answer; a gateway itself waits this long for a function. Milliseconds. */
const LIMIT_MS = 300_000;

/** A gateway that was just made may not be known to everybody yet. */
const TRIES = 6;
const PAUSE_MS = 5_000;

/** Asks for health through the gateway, as a caller without a token. A private gateway may be out of reach: "unreachable". */
export async function smokeThrough(base: string, { endpointType }: GatewaySettings): Promise<Smoke> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await ask(`${base}/health`);
    const passing = outcome.code === "404" || (outcome.code === "unreachable" && endpointType === "PUBLIC");
    if (!passing || attempt === TRIES) return outcome;
    await sleep(PAUSE_MS);
  }
}

async function ask(url: string): Promise<Smoke> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
    const text = await response.text();
    if (response.ok && isHealthy(text)) return { code: "ok", meaning: "The function answers through the gateway." };
    const code = String(response.status);
    return { code, meaning: MEANINGS[code] ?? `It answered: ${text.slice(0, 300)}` };
  } catch (error) {
    return { code: "unreachable", meaning: `No answer came from ${url} (${codeOf(error)}).` };
  }
}

/** https://docs.oracle.com/en-us/iaas/Content/APIGateway/Tasks/apigatewaytroubleshooting.htm */
const MEANINGS: Readonly<Record<string, string>> = {
  401: "The specification asks for a token even for health, so that this cannot be asked without one.",
  404: "The gateway has no such route: look at .github/gateway.yaml, and at the deployment's path prefix.",
  429: "The rate limit is reached: look at .github/gateway.yaml.",
  500: "The gateway may not call the function: npm run bootstrap, as an administrator, with GATEWAY_SUBNET_OCID set; policies can take 15 minutes.",
  502: "The function failed behind the gateway: its log says why.",
  503: "The function answers that it cannot insert now: its log says why.",
  504: "The function did not answer in time behind the gateway: its log says why.",
};
