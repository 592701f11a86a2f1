import { FEEDS } from "../settings/feed.ts";
import type { Policy, Rights } from "./policy.ts";

/** The policies that not every deployment needs, by the end of their names, and what asks for them. */
export const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  gateway: ["GATEWAY_SUBNET_OCID"],
  connector: [FEEDS.stream, FEEDS.queue],
  stream: [FEEDS.stream],
  queue: [FEEDS.queue],
  tracing: ["APM_DOMAIN_OCID"],
};

/** @param group of CI, as a statement names it */
export function optionalPolicies(rights: Rights, group: string): Policy[] {
  return [
    ...(rights.gateway ? [gatewayPolicy(rights)] : []),
    ...(rights.feeds.length > 0 ? connectorPolicies(rights, group) : []),
    ...(rights.traced ? [tracePolicy(rights, group)] : []),
  ];
}

/** https://docs.oracle.com/en-us/iaas/Content/APIGateway/Tasks/apigatewaycreatingpolicies.htm */
function gatewayPolicy({ name, compartment }: Rights): Policy {
  return {
    at: compartment,
    name: `${name}-gateway`,
    description: `API gateways of the compartment call ${name}`,
    statements: [
      `Allow any-user to use functions-family in compartment id ${compartment} where all {request.principal.type = 'ApiGateway', request.resource.compartment.id = '${compartment}'}`,
    ],
  };
}

/** https://docs.oracle.com/en-us/iaas/Content/Functions/Tasks/functionstracing.htm */
function tracePolicy({ name, traceCompartment: at }: Rights, group: string): Policy {
  return {
    at,
    name: `${name}-tracing`,
    description: `CI switches tracing on, and the Functions service traces ${name}`,
    statements: [`group ${group}`, "service faas"].map(
      (who) => `Allow ${who} to use apm-domains in compartment id ${at}`,
    ),
  };
}

/** https://docs.oracle.com/en-us/iaas/Content/connector-hub/overview.htm#Authenti */
function connectorPolicies({ name, compartment, feeds }: Rights, group: string): Policy[] {
  const connectors = `request.principal.type = 'serviceconnector', request.principal.compartment.id = '${compartment}'`;
  return [
    {
      at: compartment,
      name: `${name}-connector`,
      description: `Connectors of the compartment call ${name}`,
      statements: ["fn-function", "fn-invocation"].map(
        (what) => `Allow any-user to use ${what} in compartment id ${compartment} where all {${connectors}}`,
      ),
    },
    ...feeds.map(({ kind, id, compartment: at }) => {
      const [read, consume] = ["READ", "CONSUME"].map((what) => `${kind.toUpperCase()}_${what}`);
      return {
        at,
        name: `${name}-${kind}`,
        description: `CI looks whether the ${kind} of ${name} is there, and connectors read it`,
        statements: [
          `Allow group ${group} to {${read}} in compartment id ${at} where target.${kind}.id = '${id}'`,
          `Allow any-user to {${read}, ${consume}} in compartment id ${at} where all {${connectors}, target.${kind}.id = '${id}'}`,
        ],
      };
    }),
  ];
}
