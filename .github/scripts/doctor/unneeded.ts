import type { Answer } from "../oci/cli.ts";
import { connectorName, delivers, isThere, listConnectors, removeConnector } from "../resources/connector.ts";
import { listGateways } from "../resources/gateway.ts";
import { type Connector, connectorSummary, type Fn, type Gateway, gateway, inUse, list } from "../resources.ts";
import { FEEDS, type Feed, otherKinds, refusesInvalid } from "../settings/feed.ts";
import type { Settings } from "../settings.ts";
import { bad, dataOf, type Finding, unknown } from "./finding.ts";
import type { Ask, Sources } from "./sources.ts";

/** What is there though no variable asks for it, as far as this user may see it. */
export interface UnneededFacts {
  gateway: Gateway | undefined;
  connectors: { kind: Feed["kind"]; found: Pick<Connector, "id" | "lifecycleState"> }[];
}

export async function gatherUnneeded(settings: Settings, { ask }: Sources): Promise<UnneededFacts> {
  const { compartment, manifest, feeds } = settings;
  const gateways: Promise<Answer<Gateway[]>> | undefined = settings.gateway
    ? undefined
    : ask(listGateways(compartment, manifest.name), list(gateway));
  const connectors = await Promise.all(otherKinds(feeds).map((kind) => gatherConnector(kind, settings, ask)));
  return { gateway: inUse(dataOf(await gateways) ?? []), connectors: connectors.flat() };
}

async function gatherConnector(kind: Feed["kind"], settings: Settings, ask: Ask): Promise<UnneededFacts["connectors"]> {
  const listed = await ask(listConnectors(settings, connectorName(settings, kind)), list(connectorSummary));
  const found = dataOf(listed)?.find(isThere);
  return found ? [{ kind, found }] : [];
}

/** @param fn whose own configuration says what becomes of what they deliver */
export function judgeUnneeded({ gateway, connectors }: UnneededFacts, fn: Fn | undefined): Finding[] {
  const unset = (variable: string) => `it is there, and ${variable} is not set: with it, it is looked at`;
  const loses = fn !== undefined && refusesInvalid(fn.config ?? {});
  return [
    ...(gateway ? [unknown("API gateway", unset("GATEWAY_SUBNET_OCID"))] : []),
    ...connectors.map(({ kind, found }) =>
      loses && delivers(found)
        ? bad(
            `The connector of the ${kind} delivers, though ${FEEDS[kind]} is not set, and the function refuses invalid input (ON_INVALID): what it refuses is lost`,
            `set ${FEEDS[kind]}, and ON_INVALID to set-aside or fail; then npm run provision. Or, if nothing needs it:`,
            removeConnector(found.id),
          )
        : unknown(`Connector of the ${kind}`, unset(FEEDS[kind])),
    ),
  ];
}
