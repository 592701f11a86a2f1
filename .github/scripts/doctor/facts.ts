import type { Settings } from "../settings.ts";
import type { Smoke } from "../smoke.ts";
import type { RightsFacts } from "./access.ts";
import { type GatewayFacts, gatherApiGateway } from "./api-gateway.ts";
import { type ConnectorFacts, gatherConnectors } from "./connector.ts";
import { dataOf } from "./finding.ts";
import { type FunctionFacts, gatherFunction, type Promised } from "./function-facts.ts";
import { judgeGatewaySubnet } from "./gateway-subnet.ts";
import { service, someOf } from "./network.ts";
import { gatherRights } from "./policies.ts";
import { gatherSecret, type SecretFacts } from "./secret.ts";
import type { Sources } from "./sources.ts";
import { judgeNetwork, type NetworkFacts } from "./subnet.ts";
import { gatherGroups, gatherSubnet } from "./surroundings.ts";
import { gatherUnneeded, type UnneededFacts } from "./unneeded.ts";
import { gatherWay, type Way } from "./way.ts";

/** What is there of a deployment, as far as this user may look. */
export interface Facts {
  function: FunctionFacts;
  rights: RightsFacts;
  secret: SecretFacts | undefined;
  network: NetworkFacts;
  way: Way | undefined;
  /** Absent where no gateway is asked for. */
  gateway: GatewayFacts | undefined;
  connectors: ConnectorFacts[];
  unneeded: UnneededFacts;
}

/** Each question is asked as soon as its answer can be asked for. */
export async function gather(settings: Settings, given: Smoke | undefined, sources: Sources): Promise<Facts> {
  const { ask } = sources;
  const functionFacts = gatherFunction(settings, given, sources);
  const secretFacts = gatherSecret(settings, functionFacts.fn, sources);
  const rights = gatherRights(settings, secretFacts, sources);
  const gateway = gatherApiGateway(settings, sources);
  const connectors = gatherConnectors(settings, sources);
  const unneeded = gatherUnneeded(settings, sources);
  const application = dataOf(await functionFacts.application);
  const [subnets, groups] = await Promise.all([
    Promise.all((application?.subnetIds ?? settings.subnets).map((id) => gatherSubnet(id, ask))),
    gatherGroups(ask, (application ? application.networkSecurityGroupIds : settings.nsgs) ?? []),
  ]);
  const found = await secretFacts;
  const compartments = [settings.compartment, dataOf(found?.state)?.compartmentId].filter((id) => id !== undefined);
  const way = await gatherWay(ask, found?.content, subnets, compartments);
  const own = { subnets, groups, services: undefined };
  const network = [...judgeNetwork(own), ...judgeGatewaySubnet((await gateway)?.network, settings.gateway, own)];
  // Only the commands that mend name the services.
  const lacking = network.some(({ mark }) => mark === "✖");
  const services = lacking ? await ask(["network", "service", "list", "--all"], someOf(service)) : undefined;
  return {
    function: await settle(functionFacts),
    rights: await rights,
    secret: found,
    network: { ...own, services },
    way,
    gateway: await gateway,
    connectors: await connectors,
    unneeded: await unneeded,
  };
}

async function settle<T extends object>(promised: Promised<T>): Promise<T> {
  const entries = Object.entries(promised).map(async ([key, value]) => [key, await value]);
  return Object.fromEntries(await Promise.all(entries));
}
