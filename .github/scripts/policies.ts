import type { Feed } from "./feed.ts";
import { optionalPolicies } from "./optional-policies.ts";

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

/** The least that CI, the Functions service and the function need. */
export function policiesFor(rights: Rights): Policy[] {
  const { name, tenancy, compartment, secretCompartment, networkCompartment, secret, ciGroup, repository } = rights;
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
        ...(rights.gateway ? [`Allow group ${group} to manage api-gateway-family ${here}`] : []),
        ...(rights.feeds.length > 0 ? [`Allow group ${group} to manage serviceconnectors ${here}`] : []),
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
    ...optionalPolicies(rights, group),
  ];
}
