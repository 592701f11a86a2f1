import { isIPv6 } from "node:net";
import { contains, isPrivate } from "../cidr.ts";
import type { Answer } from "../cli.ts";
import { dataOf, type Finding, look, missing, ok, reasonOf, unknown } from "./finding.ts";
import { addEgress, addIngress, addRoute, CHANGE_BLOCK } from "./mend.ts";
import { nameOf, type Subnet } from "./network.ts";
import { judgeHop } from "./peering.ts";
import { kindOf, routeTo } from "./route.ts";
import type { Content } from "./secret.ts";
import { egressFrom, hiddenOf, ingressTo, letsAny, type Place } from "./security.ts";
import type { NetworkFacts, SubnetFacts } from "./subnet.ts";
import type { Way } from "./way.ts";

const WAY = "The way to the database";

/** The way from the function's subnets to the database, and back. */
export function judgeWay(way: Way | undefined, content: Answer<Content> | undefined, facts: NetworkFacts): Finding[] {
  const subnets = facts.subnets.flatMap((one) =>
    dataOf(one.subnet) ? [{ ...one, data: dataOf(one.subnet) as Subnet }] : [],
  );
  if (subnets.length === 0) return [];
  if (!content || "error" in content)
    return [unknown(WAY, "the secret says where it is, and may not be read by this user")];
  if ("fault" in content.data) return [unknown(WAY, "the secret says where it is, and cannot be read as one")];
  if (!way) return [unknown(WAY, "the secret's host is neither an address nor a name")];
  const { address } = way;
  if (!address) return [unknown(WAY, adviceOf(way.place.host, way.place.port))];
  return subnets.flatMap((one) => judgeFrom(one, one.data, address, way, facts));
}

function adviceOf(host: string, port: number): string {
  if (isIPv6(host))
    return `${host} is an IPv6 address, and its routes and rules are not looked at; check those for ${port}`;
  const managed = /\.postgresql\.[a-z0-9-]+\.oci\./i.test(host);
  const what = managed
    ? `${host} is a name of OCI's managed PostgreSQL, and no database system that this user may see has it; check the subnet of its private endpoint:`
    : `${host} is a name that OCI's API does not tell the address of; check`;
  return `${what} that the resolver of the function's subnet knows it, a route there and back, egress here and ingress there on ${port}`;
}

function judgeFrom(one: SubnetFacts, subnet: Subnet, address: string, way: Way, facts: NetworkFacts): Finding[] {
  const port = way.place.port;
  return [
    ...judgeName(subnet, way),
    ...judgeThere(one, subnet, address, way),
    ...judgeIngress(subnet, port, way, facts),
    ...judgeEgress(one, subnet, address, way, facts),
  ];
}

/** A VCN's own names are known in it alone, unless its resolver is told of others. */
function judgeName({ vcnId }: Subnet, { place, home }: Way): Finding[] {
  if (!/\.oraclevcn\.com\.?$/i.test(place.host) || !home || home.subnet.vcnId === vcnId) return [];
  return [
    unknown(
      "The database's name",
      `${place.host} is of another VCN: the resolver of the function's VCN needs that one's private view`,
    ),
  ];
}

function judgeThere(one: SubnetFacts, subnet: Subnet, address: string, way: Way): Finding[] {
  const vcn = dataOf(way.vcns)?.find(({ id }) => id === subnet.vcnId);
  const home = way.home?.subnet;
  if (vcn?.blocks.some((block) => contains(block, address))) {
    if (!home || home.vcnId === vcn.id) return [ok(`${address} is in the function's own VCN`)];
    const what = `The function's VCN (${vcn.blocks.join(", ")}) holds ${address} too, so packets to ${nameOf(home)} do not leave it`;
    return [missing(what, CHANGE_BLOCK)];
  }
  const name = nameOf(subnet);
  return [
    ...look("Route to the database", one.routes, ({ routeRules }) => {
      const rule = routeTo(routeRules, address);
      if (rule === "unknown" || (rule === "none" && !vcn))
        return [unknown("Route to the database", `whether ${name} has one to ${address} cannot be told from here`)];
      const outside = rule !== "none" && ["natgateway", "internetgateway"].includes(kindOf(rule.next));
      if (rule === "none" || (outside && isPrivate(address))) {
        const mend = addRoute(subnet.routeTableId, home?.cidrBlock ?? `${address}/32`, "CIDR_BLOCK", "<DRG>");
        return [missing(`${name} has no route to the database, ${address}`, mend)];
      }
      const found = ok(`${name} has a route to ${address}: ${rule.target.name} by ${kindOf(rule.next)}`);
      return [found, ...(outside ? [] : judgeHop(rule, subnet, address, vcn, way))];
    }),
    ...judgeBack(subnet, address, way),
  ];
}

function judgeBack(subnet: Subnet, address: string, { home, vcns }: Way): Finding[] {
  if (!home) {
    const hidden = "error" in vcns ? reasonOf(vcns.error) : "it is not among those that this user may see";
    const reason = isPrivate(address)
      ? hidden
      : `${address} is a public address, and what lets the function in there cannot be seen`;
    return [unknown("The database's subnet", reason)];
  }
  const name = nameOf(home.subnet);
  return look("Route back", home.routes, ({ routeRules }) => {
    const rule = routeTo(routeRules, subnet.cidrBlock);
    if (rule === "unknown")
      return [unknown("Route back", `whether ${name} has one to ${subnet.cidrBlock} cannot be told from here`)];
    if (rule !== "none") return [ok(`${name} has a route back to the function`)];
    const mend = addRoute(home.subnet.routeTableId, subnet.cidrBlock, "CIDR_BLOCK", "<the DRG or peering gateway>");
    return [missing(`${name} has no route back to ${subnet.cidrBlock}`, mend)];
  });
}

function judgeIngress(subnet: Subnet, port: number, { home, groups }: Way, facts: NetworkFacts): Finding[] {
  if (!home) return [];
  const name = nameOf(home.subnet);
  const place: Place = { kind: "block", block: subnet.cidrBlock, groups: facts.groups.map(({ id }) => id) };
  const rules = ingressTo(home.lists, groups ?? []);
  const verdict = letsAny(rules, "source", place, port);
  if (verdict === "yes") return [ok(`${name} lets the function in on ${port}`)];
  if (verdict === "unknown") {
    const reason = hiddenOf(rules) ?? `whether ${name} lets the function in on ${port} cannot be told from its rules`;
    return [unknown("Ingress at the database", reason)];
  }
  const what = `No security list of ${name} lets the function in on ${port}`;
  const mend = addIngress(home.subnet.securityListIds[0], subnet.cidrBlock, port);
  if (groups) return [missing(`${what}, nor any network security group of the database`, mend)];
  // Rules of the database's own group would be enough.
  return [
    { ...missing(`${what}; a network security group of the database may, which cannot be seen`, mend), mark: "?" },
  ];
}

function judgeEgress(
  { lists = [] }: SubnetFacts,
  subnet: Subnet,
  address: string,
  way: Way,
  { groups }: NetworkFacts,
): Finding[] {
  const { port } = way.place;
  const place: Place = { kind: "block", block: address, groups: way.groups?.map(({ id }) => id) };
  const rules = egressFrom(lists, groups);
  const verdict = letsAny(rules, "destination", place, port);
  if (verdict === "yes") return [ok(`The function's subnet lets ${port} out to ${address}`)];
  if (verdict === "unknown") {
    const reason =
      hiddenOf(rules) ?? `whether ${nameOf(subnet)} lets ${port} out to ${address} cannot be told from its rules`;
    return [unknown("Egress to the database", reason)];
  }
  return [
    missing(
      `The function's subnet does not let ${port} out to ${address}`,
      addEgress(subnet.securityListIds[0], `${address}/32`, "CIDR_BLOCK", port),
    ),
  ];
}
