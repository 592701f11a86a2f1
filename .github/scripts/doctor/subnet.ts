import type { Answer } from "../oci/cli.ts";
import { type Finding, look, missing, ok, unknown } from "./finding.ts";
import { addEgress, addGroupEgress } from "./mend.ts";
import {
  type DhcpOptions,
  nameOf,
  type RouteTable,
  type SecurityList,
  type Service,
  type ServiceGateway,
  type Subnet,
} from "./network.ts";
import { egressFrom, hiddenOf, letsAny, type Place, type SecurityGroup } from "./security.ts";
import { allServices, judgeRoutes } from "./service-gateway.ts";
import { any } from "./verdict.ts";

export interface SubnetFacts {
  id: string;
  subnet: Answer<Subnet>;
  /** What follows is absent where the subnet could not be read. */
  routes?: Answer<RouteTable>;
  lists?: Answer<SecurityList>[];
  dhcp?: Answer<DhcpOptions> | undefined;
  /** The service gateway that a route leads to; its data is undefined when it is gone. */
  gateway?: Answer<ServiceGateway | undefined> | undefined;
}

export interface NetworkFacts {
  subnets: SubnetFacts[];
  /** The application's network security groups. */
  groups: SecurityGroup[];
  /** Oracle's services, as the region has them; asked for where a command that mends must name them. */
  services: Answer<Service[]> | undefined;
}

/** The network between the function and Oracle's services: the registry and Vault are among them. */
export function judgeNetwork(facts: NetworkFacts): Finding[] {
  const all = allServices(facts.services);
  return facts.subnets.flatMap((one) =>
    look(`Subnet ${one.id}`, one.subnet, (subnet) => judgeSubnet(subnet, one, facts, all)),
  );
}

function judgeSubnet(subnet: Subnet, one: SubnetFacts, { groups }: NetworkFacts, all: Service): Finding[] {
  const name = nameOf(subnet);
  return [
    ok(`Subnet ${name}, ${subnet.cidrBlock}`),
    ...judgeServices(subnet, one, groups, all, "the image cannot be pulled, nor the secret read"),
    ...(subnet.dhcpOptionsId ? look(`DHCP options of ${name}`, one.dhcp, (found) => [judgeDns(found, subnet)]) : []),
  ];
}

/**
 * Whether packets of a subnet get to Oracle's services.
 *
 * @param groups the network security groups of who sends them
 * @param lost what cannot be done where they do not
 */
export function judgeServices(
  subnet: Subnet,
  { routes, lists = [], gateway }: SubnetFacts,
  groups: readonly SecurityGroup[],
  all: Service,
  lost: string,
): Finding[] {
  const world: Place = { kind: "block", block: "0.0.0.0/0", groups: [] };
  const worldwide = letsAny(egressFrom(lists, groups), "destination", world, 443);
  return [
    ...look(`Routes of ${nameOf(subnet)}`, routes, ({ routeRules }) =>
      judgeRoutes(routeRules, subnet, { gateway, worldwide, all, lost }),
    ),
    ...judgeEgress(subnet, lists, groups, all, lost),
  ];
}

/** The rules of security lists and of network security groups count as one: what either lets through passes. */
function judgeEgress(
  subnet: Subnet,
  lists: Answer<SecurityList>[],
  groups: readonly SecurityGroup[],
  all: Service,
  lost: string,
): Finding[] {
  const place: Place = { kind: "services" };
  const name = nameOf(subnet);
  const parts = [
    {
      what: `Security lists of ${name}`,
      rules: egressFrom(lists, []),
      yes: `Security lists of ${name} let 443 out to Oracle's services`,
      no: `No security list of ${name} lets 443 out to Oracle's services`,
      mend: addEgress(subnet.securityListIds[0], all.cidrBlock, "SERVICE_CIDR_BLOCK", 443),
    },
    ...groups.map((group) => ({
      what: `Network security group ${group.id}`,
      rules: egressFrom([], [group]),
      yes: `Network security group ${group.id} lets 443 out to Oracle's services`,
      no: `The network security group ${group.id} does not let 443 out to Oracle's services`,
      mend: addGroupEgress(group.id, all.cidrBlock, "SERVICE_CIDR_BLOCK", 443),
    })),
  ].map((part) => ({ ...part, verdict: letsAny(part.rules, "destination", place, 443) }));
  const together = any(parts.map(({ verdict }) => verdict));
  return parts.map(({ what, rules, verdict, yes, no, mend }) => {
    if (verdict === "yes") return ok(yes);
    if (verdict === "unknown")
      return unknown(what, hiddenOf(rules) ?? "whether they let 443 out to Oracle's services cannot be told");
    if (together === "no") return missing(`${no}: ${lost}`, mend);
    const other = together === "yes" ? "another's does, which is enough" : "another's may";
    return unknown(what, `no rule lets 443 out to Oracle's services; ${other}`);
  });
}

function judgeDns({ options }: DhcpOptions, subnet: Subnet): Finding {
  const dns = options.find(({ type }) => type === "DomainNameServer");
  if (!dns || /^VcnLocal/.test(dns.serverType ?? ""))
    return ok(`DHCP options of ${nameOf(subnet)} are there, with OCI's resolver`);
  if (dns.serverType !== "CustomDnsServer")
    return unknown(`DNS of ${nameOf(subnet)}`, "its resolver is of a kind that is new here");
  const servers = (dns.customDnsServers ?? []).join(", ");
  return unknown(
    `DNS of ${nameOf(subnet)}`,
    `its own resolvers (${servers}) must answer, or invokes fail with FunctionInvokeSubnetConfigError`,
  );
}
