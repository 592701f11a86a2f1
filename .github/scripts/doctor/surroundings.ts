import { list } from "../resources.ts";
import { dataOf } from "./finding.ts";
import * as network from "./network.ts";
import type { SecurityGroup } from "./security.ts";
import { serviceRoute } from "./service-gateway.ts";
import type { Ask } from "./sources.ts";
import type { SubnetFacts } from "./subnet.ts";

/** A subnet, and what holds for packets that leave it. */
export async function gatherSubnet(id: string, ask: Ask): Promise<SubnetFacts> {
  const answer = await ask(["network", "subnet", "get", "--subnet-id", id], network.subnet);
  const subnet = dataOf(answer);
  if (!subnet) return { id, subnet: answer };
  const { routeTableId, securityListIds, dhcpOptionsId } = subnet;
  const routes = ask(["network", "route-table", "get", "--rt-id", routeTableId], network.routeTable);
  const [lists, dhcp, gateway] = await Promise.all([
    Promise.all(
      securityListIds.map((list) =>
        ask(["network", "security-list", "get", "--security-list-id", list], network.securityList),
      ),
    ),
    dhcpOptionsId
      ? ask(["network", "dhcp-options", "get", "--dhcp-id", dhcpOptionsId], network.dhcpOptions)
      : undefined,
    routes.then((answer) => gatherGateway(serviceRoute(dataOf(answer)?.routeRules ?? [])?.next, subnet, ask)),
  ]);
  return { id, subnet: answer, routes: await routes, lists, dhcp, gateway };
}

/** A gateway is mostly in its subnet's compartment; only one that is not there either is gone. */
async function gatherGateway(
  id: string | undefined,
  { compartmentId, vcnId }: network.Subnet,
  ask: Ask,
): Promise<SubnetFacts["gateway"]> {
  if (id === undefined) return undefined;
  const args = ["--compartment-id", compartmentId, "--vcn-id", vcnId, "--all"];
  const listed = await ask(["network", "service-gateway", "list", ...args], list(network.serviceGateway));
  if ("error" in listed) return listed;
  const found = listed.data.find((gateway) => gateway.id === id);
  if (found) return { data: found };
  const answer = await ask(["network", "service-gateway", "get", "--service-gateway-id", id], network.serviceGateway);
  return "error" in answer && answer.error.status === 404 ? { data: undefined } : answer;
}

export async function gatherGroups(ask: Ask, ids: readonly string[]): Promise<SecurityGroup[]> {
  return Promise.all(
    ids.map(async (id) => ({
      id,
      rules: await ask(["network", "nsg", "rules", "list", "--nsg-id", id, "--all"], network.groupRules),
    })),
  );
}
