import { isIPv6 } from "node:net";
import type { Answer } from "../oci/cli.ts";
import { judgeDatabaseRoutes } from "./database-routes.ts";
import { dataOf, type Finding, missing, ok, unknown } from "./finding.ts";
import { addEgress, addIngress } from "./mend.ts";
import { nameOf, type Subnet } from "./network.ts";
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
  if (!address) return [unknown(WAY, adviceOf(way.server.host, way.server.port))];
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
  const port = way.server.port;
  return [
    ...judgeName(subnet, way),
    ...judgeDatabaseRoutes(one, subnet, address, way),
    ...judgeIngress(subnet, port, way, facts),
    ...judgeEgress(one, subnet, address, way, facts),
  ];
}

/** A VCN's own names are known in it alone, unless its resolver is told of others. */
function judgeName({ vcnId }: Subnet, { server, home }: Way): Finding[] {
  if (!/\.oraclevcn\.com\.?$/i.test(server.host) || !home || home.subnet.vcnId === vcnId) return [];
  return [
    unknown(
      "The database's name",
      `${server.host} is of another VCN: the resolver of the function's VCN needs that one's private view`,
    ),
  ];
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
  const { port } = way.server;
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
