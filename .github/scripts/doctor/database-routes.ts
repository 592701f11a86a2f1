import { contains, isPrivate } from "../cidr.ts";
import { dataOf, type Finding, look, missing, ok, reasonOf, unknown } from "./finding.ts";
import { addRoute, CHANGE_BLOCK } from "./mend.ts";
import { nameOf, type Subnet } from "./network.ts";
import { judgeHop } from "./peering.ts";
import { kindOf, routeTo } from "./route.ts";
import type { SubnetFacts } from "./subnet.ts";
import type { Way } from "./way.ts";

/** The routes from a subnet of the function to the database's address, and back. */
export function judgeDatabaseRoutes({ routes }: SubnetFacts, subnet: Subnet, address: string, way: Way): Finding[] {
  const vcn = dataOf(way.vcns)?.find(({ id }) => id === subnet.vcnId);
  const home = way.home?.subnet;
  if (vcn?.blocks.some((block) => contains(block, address))) {
    if (!home || home.vcnId === vcn.id) return [ok(`${address} is in the function's own VCN`)];
    const what = `The function's VCN (${vcn.blocks.join(", ")}) holds ${address} too, so packets to ${nameOf(home)} do not leave it`;
    return [missing(what, CHANGE_BLOCK)];
  }
  const name = nameOf(subnet);
  return [
    ...look("Route to the database", routes, ({ routeRules }) => {
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
