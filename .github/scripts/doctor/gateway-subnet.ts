import { isPrivate } from "../cidr.ts";
import type { Answer } from "../oci/cli.ts";
import type { Gateway } from "../resources.ts";
import type { GatewaySettings } from "../settings/gateway-settings.ts";
import { bad, dataOf, type Finding, look, ok, unknown } from "./finding.ts";
import { addIngress, addRoute } from "./mend.ts";
import { type InternetGateway, internetGateway, nameOf, type RouteTable, type Subnet } from "./network.ts";
import { defaultRoute, kindOf } from "./route.ts";
import { hiddenOf, ingressTo, openTo, type SecurityGroup } from "./security.ts";
import type { Target } from "./security-rule.ts";
import { allServices } from "./service-gateway.ts";
import type { Ask } from "./sources.ts";
import { judgeServices, type NetworkFacts, type SubnetFacts } from "./subnet.ts";
import { gatherGroups, gatherSubnet } from "./surroundings.ts";

/** The subnet of the API gateway, and what lets callers in. */
export interface GatewaySubnet {
  subnet: SubnetFacts;
  /** The gateway's own. */
  groups: SecurityGroup[];
  /** What the default route leads to, where that is one. */
  internet: Answer<InternetGateway> | undefined;
}

const WORLD = "0.0.0.0/0";

/** @param found the gateway, where it is there already */
export async function gatherGatewaySubnet(
  found: Gateway | undefined,
  wanted: GatewaySettings,
  ask: Ask,
): Promise<GatewaySubnet> {
  const subnet = await gatherSubnet(found?.subnetId ?? wanted.subnet, ask);
  const next = defaultRoute(dataOf(subnet.routes)?.routeRules ?? [])?.next ?? "";
  return {
    subnet,
    groups: await gatherGroups(ask, found?.networkSecurityGroupIds ?? []),
    internet:
      kindOf(next) === "internetgateway"
        ? await ask(["network", "internet-gateway", "get", "--ig-id", next], internetGateway)
        : undefined,
  };
}

/** @param own the network of the function */
export function judgeGatewaySubnet(
  facts: GatewaySubnet | undefined,
  wanted: GatewaySettings | undefined,
  own: NetworkFacts,
): Finding[] {
  if (!facts || !wanted) return [];
  const { subnet: one, groups, internet } = facts;
  const lost = "the API gateway cannot call the function";
  return look("The API gateway's subnet", one.subnet, (subnet) => [
    ok(`The API gateway's subnet is ${nameOf(subnet)}, ${subnet.cidrBlock}${whereIs(subnet, own)}`),
    ...(wanted.endpointType === "PUBLIC" ? judgePublic(subnet, one.routes, internet) : []),
    judgeCallers(subnet, ingressTo(one.lists ?? [], groups), wanted),
    // That it calls from here is believed: Oracle says that a gateway must reach its back ends, and what they need.
    ...judgeServices(subnet, one, groups, allServices(own.services), lost).map(({ vital: _, ...finding }) => finding),
  ]);
}

/** It need not be the function's VCN: the gateway calls by Oracle's services. */
function whereIs({ vcnId }: Subnet, { subnets }: NetworkFacts): string {
  const vcns = subnets.flatMap(({ subnet }) => dataOf(subnet)?.vcnId ?? []);
  if (vcns.length === 0) return "";
  return vcns.includes(vcnId) ? ", in the function's VCN" : `, in another VCN than the function's: ${vcnId}`;
}

function judgePublic(
  subnet: Subnet,
  routes: Answer<RouteTable> | undefined,
  internet: GatewaySubnet["internet"],
): Finding[] {
  const name = nameOf(subnet);
  if (subnet.prohibitPublicIpOnVnic)
    return [
      bad(
        `The API gateway is PUBLIC, and its subnet ${name} is private: nobody on the internet reaches it`,
        "set GATEWAY_SUBNET_OCID to a public subnet, or GATEWAY_TYPE to PRIVATE; npm run provision then tells what to do",
      ),
    ];
  return look(`Routes of ${name}`, routes, ({ routeRules }) => {
    if (kindOf(defaultRoute(routeRules)?.next ?? "") !== "internetgateway") {
      if (routeRules.some(({ target }) => target.kind === "other"))
        return [unknown(`Routes of ${name}`, "whether one leads to the internet cannot be told")];
      const what = `${name} has no route to an internet gateway: the API gateway is PUBLIC, and cannot answer the internet`;
      return [bad(what, addRoute(subnet.routeTableId, WORLD, "CIDR_BLOCK", "<internet gateway>"))];
    }
    return look(`Internet gateway of ${name}`, internet, ({ id, isEnabled }) => [
      isEnabled
        ? ok(`${name} is public, with a route to an internet gateway`)
        : bad(
            `The internet gateway of ${name} is disabled`,
            `oci network internet-gateway update --ig-id ${id} --is-enabled true`,
          ),
    ]);
  });
}

function judgeCallers(subnet: Subnet, rules: ReturnType<typeof ingressTo>, { endpointType }: GatewaySettings): Finding {
  const name = nameOf(subnet);
  const isPublic = endpointType === "PUBLIC";
  const { sources, unclear } = openTo(rules, 443);
  const who = [...new Set(sources.map((source) => source.name))].join(", ");
  if (isPublic && sources.some(isOutside)) return ok(`The API gateway is PUBLIC, and ${name} lets in on 443: ${who}`);
  if (!isPublic && who)
    return ok(`The API gateway is PRIVATE, and ${name} lets in on 443, of its VCN and what is joined to it: ${who}`);
  if (unclear)
    return unknown("Callers of the API gateway", hiddenOf(rules) ?? `whom ${name} lets in on 443 cannot be told`);
  return bad(
    `${name} lets ${who ? `${who} alone` : "nobody"} in on 443: the API gateway is ${endpointType}, and has no callers`,
    addIngress(subnet.securityListIds[0], isPublic ? WORLD : "<the callers' network>", 443),
  );
}

function isOutside({ kind, name }: Target): boolean {
  return kind === "block" && !isPrivate(name);
}
