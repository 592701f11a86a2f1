import { optionalPolicies } from "./optional-policies.ts";
import type { Policy, Rights } from "./policy.ts";

export function dynamicGroupName(name: string): string {
  return `${name}-functions`;
}

/** The least that CI, the Functions service and the function need. */
export function policiesFor(rights: Rights): Policy[] {
  const { name, tenancy, compartment, secretCompartment, networkCompartment, secret, ciGroup, repository } = rights;
  const group = quoteGroup(ciGroup);
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

/** A name with blanks goes in quotes, and that of an identity domain before it in quotes of its own. */
function quoteGroup(name: string): string {
  const parts = name.replaceAll(/['"]/g, "").split("/");
  return parts.every((part) => /^[\w.@-]+$/.test(part)) ? parts.join("/") : parts.map((part) => `'${part}'`).join("/");
}
