import * as z from "zod";
import { showDiagnosis } from "../doctor/show.ts";
import { get } from "../oci/cli.ts";
import { Refusal, report, warn } from "../report.ts";
import type { Gateway } from "../resources.ts";
import type { GatewaySettings } from "../settings/gateway-settings.ts";
import type { Tokens } from "../settings/specification.ts";
import { fillSpecification, openRoutes } from "../settings/specification.ts";
import type { Settings } from "../settings.ts";
import { smokeThrough } from "../smoke/gateway.ts";
import { findKeys } from "../smoke/token-keys.ts";
import { applyDeployment, findDeployment } from "./api-deployment.ts";
import { applyGateway, checkGateway, findGateway } from "./gateway.ts";

/** All that it takes to put the gateway before the function, found to be in order. */
export interface WayIn {
  settings: GatewaySettings;
  auth: Tokens | "none";
  found: Gateway | undefined;
}

const subnet = z.object({ prohibitPublicIpOnVnic: z.boolean().nullish() });

/** Looks, and makes nothing. Undefined where no gateway is asked for. @throws {Refusal} */
export async function openWayIn(settings: Settings): Promise<WayIn | undefined> {
  const { gateway } = settings;
  if (!gateway) return undefined;
  const [auth, found, { prohibitPublicIpOnVnic }] = await Promise.all([
    gateway.auth === "none" ? gateway.auth : findKeys(gateway.auth),
    findGateway(settings),
    get(["network", "subnet", "get", "--subnet-id", gateway.subnet], subnet),
  ]);
  if (gateway.endpointType === "PUBLIC" && prohibitPublicIpOnVnic)
    throw new Refusal(
      "GATEWAY_TYPE is PUBLIC, and GATEWAY_SUBNET_OCID is a private subnet: name a public one, or make it PRIVATE",
    );
  if (found) {
    checkGateway(found, gateway);
    await findDeployment(found);
  }
  return { settings: gateway, auth, found };
}

/** Puts the gateway before the function, and proves that it leads there. @throws {Refusal} */
export async function applyWayIn({ settings: gateway, auth, found }: WayIn, functionId: string, settings: Settings) {
  const specification = fillSpecification(gateway.specification, functionId, { ...gateway, auth });
  const made = await applyGateway(found, gateway, settings);
  const url = await applyDeployment(made, settings.manifest.name, specification);
  const base = url.replace(/\/$/, "");
  const forWhom =
    auth === "none"
      ? ""
      : `, for tokens of ${auth.issuer}; without one: ${openRoutes(specification).join(", ") || "nothing"}`;
  // Alone it is the $URL of docs/api.md.
  report(`URL: ${base} (/items and /health)${forWhom}`);
  if (auth === "none")
    warn(
      `GATEWAY_AUTH=none: whoever reaches the gateway (${gateway.endpointType}) can insert. Set GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE, and unset it, to ask for tokens.`,
    );

  const { code, meaning } = await smokeThrough(base, gateway);
  if (code === "ok") report("Health check through the gateway: ok");
  else if (code === "401" || (code === "unreachable" && gateway.endpointType === "PRIVATE"))
    warn(`The health check through the gateway could not be made from here: ${meaning}`);
  else {
    await showDiagnosis(settings, { code: "ok", meaning: "It has just answered." });
    throw new Refusal(`The function answers, and not through the gateway: ${code}. ${meaning}`);
  }
}
