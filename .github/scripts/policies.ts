import { FEEDS, type Feed } from "./feed.ts";

/** Who may do what where, to be granted. */
export interface Rights {
  /** The function's name, with which the names of all that is made begin. */
  name: string;
  tenancy: string;
  compartment: string;
  secretCompartment: string;
  networkCompartment: string;
  secret: string;
  ciGroup: string;
  repository: string;
  /** Whether an API gateway calls the function. */
  gateway: boolean;
  /** What Connector Hub reads for the function. */
  feeds: readonly Feed[];
  feedCompartment: string;
  /** Whether an APM domain takes traces, and its compartment. */
  traced: boolean;
  traceCompartment: string;
  /** Options that send a change to the tenancy's home region, the only one that takes changes of rights. */
  home: readonly string[];
}

export interface Policy {
  /** The compartment that it is attached to. */
  at: string;
  name: string;
  description: string;
  statements: string[];
}

export function dynamicGroupName(name: string): string {
  return `${name}-functions`;
}

/** The policies that not every deployment needs, by the end of their names, and what asks for them. */
export const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  gateway: ["GATEWAY_SUBNET_OCID"],
  connector: [FEEDS.stream, FEEDS.queue],
  stream: [FEEDS.stream],
  queue: [FEEDS.queue],
  tracing: ["APM_DOMAIN_OCID"],
};

/** The least that CI, the Functions service and the function need. */
export function policiesFor(rights: Rights): Policy[] {
  const {
    name,
    tenancy,
    compartment,
    secretCompartment,
    networkCompartment,
    secret,
    ciGroup,
    repository,
    gateway,
    feeds,
  } = rights;
  // A name with blanks goes in quotes.
  const group = /^[\w./@-]+$/.test(ciGroup) ? ciGroup : `'${ciGroup}'`;
  const here = `in compartment id ${compartment}`;
  const network = `in compartment id ${networkCompartment}`;
  return [
    {
      at: compartment,
      name: `${name}-ci`,
      description: `What the workflows of ${name} may do`,
      statements: [
        `Allow group ${group} to manage functions-family ${here}`,
        `Allow group ${group} to manage repos ${here}`,
        ...(gateway ? [`Allow group ${group} to manage api-gateway-family ${here}`] : []),
        ...(feeds.length > 0 ? [`Allow group ${group} to manage serviceconnectors ${here}`] : []),
      ],
    },
    {
      at: networkCompartment,
      name: `${name}-network`,
      description: `Subnets for ${name}`,
      statements: [
        `Allow group ${group} to use virtual-network-family ${network}`,
        `Allow service faas to use virtual-network-family ${network}`,
      ],
    },
    {
      at: tenancy,
      name: `${name}-namespace`,
      description: "The one look-up that no compartment has",
      statements: [`Allow group ${group} to read objectstorage-namespaces in tenancy`],
    },
    {
      at: compartment,
      name: `${name}-image`,
      description: `The Functions service pulls the image of ${name}`,
      statements: [`Allow service faas to read repos ${here} where target.repo.name = '${repository}'`],
    },
    {
      at: secretCompartment,
      name: `${name}-runtime`,
      description: `${name} reads its one secret`,
      statements: [
        `Allow dynamic-group ${dynamicGroupName(name)} to read secret-bundles in compartment id ${secretCompartment} where target.secret.id = '${secret}'`,
      ],
    },
    ...(gateway ? [gatewayPolicy(rights)] : []),
    ...(feeds.length > 0 ? connectorPolicies(rights) : []),
    ...(rights.traced ? [tracePolicy(name, group, rights.traceCompartment)] : []),
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
function tracePolicy(name: string, group: string, at: string): Policy {
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
function connectorPolicies({ name, compartment, feeds }: Rights): Policy[] {
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
      const permissions = `{${kind.toUpperCase()}_READ, ${kind.toUpperCase()}_CONSUME}`;
      return {
        at,
        name: `${name}-${kind}`,
        description: `Connectors of the function's compartment read the ${kind} of ${name}`,
        statements: [
          `Allow any-user to ${permissions} in compartment id ${at} where all {${connectors}, target.${kind}.id = '${id}'}`,
        ],
      };
    }),
  ];
}
