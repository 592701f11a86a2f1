import { ask } from "../oci/cli.ts";
import { Refusal, warn } from "../report.ts";
import { connectorSummary, gateway, inUse, list } from "../resources.ts";
import { FEEDS, type Feed, otherKinds, refusesInvalid } from "../settings/feed.ts";
import type { Settings } from "../settings.ts";
import { connectorName, delivers, isThere, listConnectors, removeConnector } from "./connector.ts";
import { listGateways, removeGateway } from "./gateway.ts";

/**
 * Tells of a gateway and of connectors that no variable asks for any more, as far as this user may see them.
 *
 * @throws {Refusal} where what such a connector brings would be lost
 */
export async function tellUnneeded(settings: Settings): Promise<void> {
  const { manifest, compartment, feeds } = settings;
  await Promise.all([
    ...(settings.gateway ? [] : [tellGateway(compartment, manifest.name)]),
    ...otherKinds(feeds).map((kind) => tellConnector(kind, settings)),
  ]);
}

async function tellGateway(compartment: string, name: string): Promise<void> {
  const answer = await ask(listGateways(compartment, name), list(gateway));
  const found = "data" in answer && inUse(answer.data);
  if (found) warnUnneeded(`The API gateway ${name}`, ["GATEWAY_SUBNET_OCID"], removeGateway(found));
}

async function tellConnector(kind: Feed["kind"], settings: Settings): Promise<void> {
  const name = connectorName(settings, kind);
  const answer = await ask(listConnectors(settings, name), list(connectorSummary));
  const found = "data" in answer && answer.data.find(isThere);
  if (!found) return;
  if (delivers(found) && refusesInvalid(settings.config))
    throw new Refusal(
      `The connector ${name} is there, and delivers. ON_INVALID is ${settings.config.ON_INVALID || "missing, which is refuse"}: what is refused would be lost. Set ON_INVALID to set-aside or fail, or delete the connector if nothing needs it any more:
  ${removeConnector(found.id)}`,
    );
  warnUnneeded(`The connector ${name}`, [FEEDS[kind]], [removeConnector(found.id)]);
}

/** What an earlier run made is left: a variable may be missing by mistake. @param remove the commands for it */
export function warnUnneeded(what: string, variables: readonly string[], remove: readonly string[]): void {
  const unset = `${variables.join(" and ")} ${variables.length > 1 ? "are" : "is"} not set`;
  warn([`${what} is there, and ${unset}. It is left; if nothing needs it any more:`, ...remove].join("\n  "));
}
