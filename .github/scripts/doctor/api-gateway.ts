import * as z from "zod";
import type { Answer } from "../oci/cli.ts";
import { getDeployment, listDeployments } from "../resources/api-deployment.ts";
import { differences } from "../resources/difference.ts";
import { listGateways } from "../resources/gateway.ts";
import { type Deployment, deployment, type Gateway, gateway, inUse, list } from "../resources.ts";
import type { GatewaySettings } from "../settings/gateway-settings.ts";
import { fillSpecification, openRoutes } from "../settings/specification.ts";
import type { Settings } from "../settings.ts";
import type { RightsFacts } from "./access.ts";
import { INVOCATION, judgeCaller } from "./caller.ts";
import { bad, dataOf, type Finding, look, ok, unknown, within } from "./finding.ts";
import { type GatewaySubnet, gatherGatewaySubnet } from "./gateway-subnet.ts";
import { gatherPolicies, listCompartments } from "./policies.ts";
import type { Sources } from "./sources.ts";

/** What is there of the way in through API Gateway. */
export interface GatewayFacts {
  gateway: Answer<Gateway | undefined>;
  /** Absent without a gateway. */
  deployment: Answer<Deployment | undefined> | undefined;
  network: GatewaySubnet;
  rights: Pick<RightsFacts, "compartments" | "policies">;
}

export async function gatherApiGateway(settings: Settings, { ask }: Sources): Promise<GatewayFacts | undefined> {
  if (!settings.gateway) return undefined;
  const { compartment, tenancy, manifest } = settings;
  const found = within(await ask(listGateways(compartment, manifest.name), list(gateway)), (all: Gateway[]) =>
    inUse(all),
  );
  const there = dataOf(found);
  const compartments = tenancy ? await listCompartments(tenancy, ask) : undefined;
  const policies = tenancy ? await gatherPolicies(compartment, tenancy, compartments, ask) : [];
  return {
    gateway: found,
    deployment: there ? await readDeployment(compartment, there.id, ask) : undefined,
    network: await gatherGatewaySubnet(there, settings.gateway, ask),
    rights: { compartments, policies },
  };
}

/** A list leaves the specification out. */
async function readDeployment(
  compartment: string,
  id: string,
  ask: Sources["ask"],
): Promise<GatewayFacts["deployment"]> {
  const listed = await ask(listDeployments(compartment, id), list(deployment));
  if ("error" in listed) return listed;
  const found = inUse(listed.data);
  return found ? ask(getDeployment(found.id), deployment) : { data: undefined };
}

/** @param functionId of the function that it should lead to, where that is known */
export function judgeApiGateway(
  facts: GatewayFacts | undefined,
  settings: Settings,
  functionId: string | undefined,
): Finding[] {
  if (!facts || !settings.gateway) return [];
  const { gateway: wanted, compartment } = settings;
  const found = dataOf(facts.gateway);
  return [
    ...look("API gateway", facts.gateway, (data) => [judgeGateway(data, wanted)]),
    ...(found ? look("API deployment", facts.deployment, (data) => judgeDeployment(data, wanted, functionId)) : []),
    judgeCaller(
      {
        does: "the API gateway calls the function",
        type: "ApiGateway",
        compartment,
        target: compartment,
        needs: [INVOCATION],
        variables: { "target.function.id": functionId, "request.principal.id": found?.id },
        mend: "npm run bootstrap, as an administrator, with GATEWAY_SUBNET_OCID set",
      },
      facts.rights,
    ),
  ];
}

function judgeGateway(found: Gateway | undefined, { subnet, endpointType }: GatewaySettings): Finding {
  if (!found) return bad("There is no API gateway of the function's name in the compartment", "npm run provision");
  const drift = [
    ...(found.subnetId === subnet ? [] : [`its subnet is ${found.subnetId}`]),
    ...(found.endpointType === endpointType ? [] : [`it is ${found.endpointType}`]),
  ];
  if (drift.length > 0)
    return bad(
      `The API gateway is not as the variables say: ${drift.join(", ")}`,
      "npm run provision tells what to do",
    );
  return judgeState("The API gateway", found, `oci api-gateway gateway delete --gateway-id ${found.id}`);
}

function judgeDeployment(
  found: Deployment | undefined,
  wanted: GatewaySettings,
  functionId: string | undefined,
): Finding[] {
  if (!found) return [bad("The API gateway has no deployment: it answers 404 to all", "npm run provision")];
  const state = judgeState(
    "The API deployment",
    found,
    `oci api-gateway deployment delete --deployment-id ${found.id}`,
  );
  if (functionId === undefined) return [state];
  const filled = fillSpecification(wanted.specification, functionId, { ...wanted, auth: authOf(wanted, found) });
  const drift = differences(found.specification, filled);
  const open = openRoutes(filled).join(", ");
  if (drift.length === 0)
    return [state, ok(`The API deployment is .github/gateway.yaml's; without a token: ${open || "nothing"}`)];
  const what = `The API deployment is not .github/gateway.yaml's; provision would change: ${drift.join(", ")}`;
  return [state, bad(what, "npm run provision, which sets it whole")];
}

function judgeState(what: string, { lifecycleState, lifecycleDetails }: Gateway | Deployment, remove: string): Finding {
  if (lifecycleState === "ACTIVE") return ok(`${what} is ACTIVE`);
  if (["CREATING", "UPDATING"].includes(lifecycleState))
    return unknown(what, `it is ${lifecycleState}; look again in a minute`);
  return bad(
    `${what} is ${lifecycleState}: ${lifecycleDetails ?? "OCI gives no reason"}`,
    `${remove}; then npm run provision`,
  );
}

const keysOf = z.object({
  requestPolicies: z.object({ authentication: z.object({ validationPolicy: z.object({ uri: z.string() }) }) }),
});

/** Keys that no variable names were looked up when it was deployed, and are not again. */
function authOf({ auth }: GatewaySettings, { specification }: Deployment): GatewaySettings["auth"] {
  if (auth === "none") return auth;
  const { data } = keysOf.safeParse(specification);
  return { ...auth, keys: auth.keys ?? data?.requestPolicies.authentication.validationPolicy.uri };
}
