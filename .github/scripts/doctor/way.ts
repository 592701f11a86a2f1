import type { Answer } from "../oci/cli.ts";
import { list } from "../resources.ts";
import { type DatabaseSubnet, gatherDatabaseSubnet } from "./database-subnet.ts";
import { dataOf } from "./finding.ts";
import { locate } from "./locate.ts";
import type { Attachment, Peering, Vcn } from "./network.ts";
import * as network from "./network.ts";
import { kindOf, type RouteRule, routeTo } from "./route.ts";
import type { Content, Server } from "./secret.ts";
import type { SecurityGroup } from "./security.ts";
import type { Ask } from "./sources.ts";
import type { SubnetFacts } from "./subnet.ts";
import { gatherGroups } from "./surroundings.ts";

/** What lies between the function's subnets and the database. */
export interface Way {
  server: Server;
  /** The database's address: the secret's, or what OCI itself knows of the name there. */
  address: string | undefined;
  /** The network security groups of the database, where they are known. */
  groups: SecurityGroup[] | undefined;
  vcns: Answer<Vcn[]>;
  /** The subnet that the address is in. */
  home: DatabaseSubnet | undefined;
  drgs: { id: string; attachments: Answer<Attachment[]> }[];
  drgRoutes: Map<string, Answer<RouteRule[]>>;
  peerings: Map<string, Answer<Peering>>;
}

/** So many of a kind are looked at, where each costs a start of the CLI. */
const AT_MOST = 10;

export async function gatherWay(
  ask: Ask,
  content: Answer<Content> | undefined,
  subnets: readonly SubnetFacts[],
  compartments: readonly string[],
): Promise<Way | undefined> {
  const found = dataOf(content);
  const server = found && "server" in found ? found.server : undefined;
  const own = subnets.map(({ subnet }) => dataOf(subnet)).find((subnet) => subnet !== undefined);
  if (!server || !own) return undefined;
  const inCompartment = ["--compartment-id", own.compartmentId];
  const [vcns, listed] = await Promise.all([
    ask(["network", "vcn", "list", ...inCompartment, "--all"], network.someOf(network.vcn)),
    ask(["network", "subnet", "list", ...inCompartment, "--all"], network.someOf(network.subnet)),
  ]);
  const { address, subnetId, groupIds } = await locate(ask, server.host, dataOf(listed) ?? [], [
    ...new Set([own.compartmentId, ...compartments]),
  ]);
  const hops = new Set<string>();
  for (const { routes } of subnets) {
    const rule = address && routeTo(dataOf(routes)?.routeRules ?? [], address);
    if (typeof rule === "object") hops.add(rule.next);
  }
  const [drgs, peerings] = await Promise.all([
    Promise.all([...hops].filter((id) => kindOf(id) === "drg").map((id) => gatherDrg(ask, id, own.compartmentId))),
    gatherEach(
      [...hops].filter((id) => kindOf(id) === "localpeeringgateway"),
      (id) => ask(["network", "local-peering-gateway", "get", "--local-peering-gateway-id", id], network.peering),
    ),
  ]);
  const joined = drgs.flatMap(({ attachments }) => dataOf(attachments) ?? []);
  const all = await addVcns(ask, vcns, [own.vcnId, ...joined.map(({ networkId }) => networkId)]);
  const home = address
    ? await gatherDatabaseSubnet(ask, address, subnetId, own.vcnId, all, dataOf(listed) ?? [])
    : undefined;
  const tables = joined
    .filter(({ networkId }) => [own.vcnId, home?.subnet.vcnId].includes(networkId))
    .flatMap(({ drgRouteTableId }) => drgRouteTableId ?? []);
  const [drgRoutes, groups] = await Promise.all([
    gatherEach(tables, (id) =>
      ask(["network", "drg-route-rule", "list", "--drg-route-table-id", id, "--all"], network.drgRouteRules),
    ),
    groupIds && gatherGroups(ask, groupIds),
  ]);
  return { server, address, groups, vcns: all, home, drgs, drgRoutes, peerings };
}

async function gatherEach<T>(ids: readonly string[], gather: (id: string) => Promise<T>): Promise<Map<string, T>> {
  return new Map(await Promise.all([...new Set(ids)].map(async (id) => [id, await gather(id)] as const)));
}

/** A DRG's attachments are in its own compartment: mostly the subnet's, and else one that may be hidden. */
async function gatherDrg(ask: Ask, id: string, compartment: string): Promise<Way["drgs"][number]> {
  const attachmentsIn = (where: string) =>
    ask(
      ["network", "drg-attachment", "list", "--compartment-id", where, "--drg-id", id, "--all"],
      list(network.attachment),
    );
  const here = await attachmentsIn(compartment);
  if (dataOf(here)?.length !== 0) return { id, attachments: here };
  const drg = await ask(["network", "drg", "get", "--drg-id", id], network.drg);
  return { id, attachments: "error" in drg ? drg : await attachmentsIn(drg.data.compartmentId) };
}

/** A hub's VCN may be in another compartment than the function's. */
async function addVcns(ask: Ask, listed: Answer<Vcn[]>, ids: readonly string[]): Promise<Answer<Vcn[]>> {
  const known = dataOf(listed) ?? [];
  const others = [...new Set(ids)]
    .filter((id) => kindOf(id) === "vcn" && !known.some((vcn) => vcn.id === id))
    .slice(0, AT_MOST);
  const found = await Promise.all(others.map((id) => ask(["network", "vcn", "get", "--vcn-id", id], network.vcn)));
  const data = [...known, ...found.flatMap((vcn) => dataOf(vcn) ?? [])];
  return "error" in listed && data.length === 0 ? listed : { data };
}
