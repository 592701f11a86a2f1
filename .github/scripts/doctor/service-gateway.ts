import type { Answer } from "../oci/cli.ts";
import { dataOf, type Finding, look, missing, ok, unknown } from "./finding.ts";
import { addRoute } from "./mend.ts";
import { nameOf, type Service, type ServiceGateway, type Subnet } from "./network.ts";
import { defaultRoute, kindOf, type RouteRule } from "./route.ts";
import type { Verdict } from "./verdict.ts";

/** What stands for all of Oracle's services of a region in commands that mend. */
export function allServices(services: Answer<Service[]> | undefined): Service {
  const name = "All … Services";
  const unknown = { id: `<of ${name}: oci network service list>`, name, cidrBlock: `<label of ${name}>` };
  return dataOf(services)?.find((service) => ofAll(service.name)) ?? unknown;
}

function ofAll(serviceName: string): boolean {
  return /^all .* services/i.test(serviceName);
}

/** The service gateway's route of a table: that for all services, or else another. */
export function serviceRoute(rules: readonly RouteRule[]): RouteRule | undefined {
  const services = rules.filter(({ target }) => target.kind === "service");
  return services.find(({ target }) => target.name.startsWith("all-")) ?? services[0];
}

/** What holds for packets to Oracle's services beside the routes. */
interface Beyond {
  /** What the route to a service gateway leads to; its data is undefined when that is gone. */
  gateway: Answer<ServiceGateway | undefined> | undefined;
  /** Whether the rules let 443 out to anywhere. */
  worldwide: Verdict;
  all: Service;
  /** What cannot be done without a route. */
  lost: string;
}

/** Whether a subnet's routes lead to Oracle's services. */
export function judgeRoutes(
  rules: readonly RouteRule[],
  subnet: Subnet,
  { gateway, worldwide, all, lost }: Beyond,
): Finding[] {
  const name = nameOf(subnet);
  const service = serviceRoute(rules);
  const world = defaultRoute(rules);
  const egress = { yes: "with", no: "without", unknown: "perhaps with" }[worldwide];
  const beside = world ? `; 0.0.0.0/0 (${kindOf(world.next)}) stands beside it, ${egress} egress on 443` : "";
  if (service)
    return look(`Service gateway of ${name}`, gateway, (found) => [judgeGateway(found, service, subnet, beside, all)]);
  if (world && ["natgateway", "internetgateway"].includes(kindOf(world.next)))
    return [
      ok(
        `${name} reaches Oracle's services by 0.0.0.0/0 (${kindOf(world.next)}); there is no service gateway beside it`,
      ),
    ];
  if (world)
    return [
      unknown(
        `Routes of ${name}`,
        `0.0.0.0/0 leads to a ${kindOf(world.next)}, and what is beyond it cannot be seen; there is no service gateway beside it`,
      ),
    ];
  if (rules.some(({ target }) => target.kind === "other"))
    return [unknown(`Routes of ${name}`, "some of them are of a kind that is new here")];
  return [
    missing(
      `${name} has no route to Oracle's services: ${lost}`,
      addRoute(subnet.routeTableId, all.cidrBlock, "SERVICE_CIDR_BLOCK", "<service gateway>"),
    ),
  ];
}

function judgeGateway(
  gateway: ServiceGateway | undefined,
  route: RouteRule,
  subnet: Subnet,
  beside: string,
  all: Service,
): Finding {
  const name = nameOf(subnet);
  const services = `'[{"serviceId": "${all.id}"}]'`;
  if (!gateway)
    return missing(
      `The route of ${name} leads to a service gateway that is gone`,
      `oci network service-gateway create --compartment-id ${subnet.compartmentId} --vcn-id ${subnet.vcnId} --services ${services}`,
    );
  const update = `oci network service-gateway update --service-gateway-id ${gateway.id} --force`;
  if (gateway.blockTraffic) return missing("The service gateway blocks its traffic", `${update} --block-traffic false`);
  if (!gateway.services.some(({ serviceName }) => ofAll(serviceName)))
    return missing(
      `The service gateway carries ${gateway.services.map(({ serviceName }) => serviceName).join(", ") || "nothing"} alone, and the registry is not among them`,
      `${update} --services ${services}`,
    );
  if (!route.target.name.startsWith("all-"))
    return missing(
      `The route of ${name} to the service gateway is for ${route.target.name} alone`,
      `oci network route-table update --rt-id ${subnet.routeTableId} --force --route-rules '<the present rules, the one of SERVICE_CIDR_BLOCK with> "destination": "${all.cidrBlock}"'`,
    );
  return ok(`${name} reaches Oracle's services by a service gateway for all of them${beside}`);
}
