import * as z from "zod";
import { dynamicGroup, list, policy } from "../resources.ts";
import type { Settings } from "../settings.ts";
import type { Policies, RightsFacts } from "./access.ts";
import { chainOf } from "./compartment.ts";
import { dataOf } from "./finding.ts";
import type { SecretFacts } from "./secret.ts";
import type { Ask, Sources } from "./sources.ts";

const compartment = z.object({ id: z.string(), compartmentId: z.string(), name: z.string() });

export function listCompartments(tenancy: string, ask: Ask): Promise<NonNullable<RightsFacts["compartments"]>> {
  const args = ["--compartment-id", tenancy, "--compartment-id-in-subtree", "true", "--all"];
  return ask(["iam", "compartment", "list", ...args], list(compartment));
}

/** The policies of a compartment and of those above it, which are all that can grant something in it. */
export async function gatherPolicies(
  of: string,
  tenancy: string,
  compartments: RightsFacts["compartments"],
  ask: Ask,
): Promise<Policies[]> {
  const attached = chainOf(of, dataOf(compartments)) ?? [of, tenancy];
  return Promise.all(
    [...new Set(attached)].map(async (id) => ({
      compartment: id,
      answer: await ask(["iam", "policy", "list", "--compartment-id", id, "--all"], list(policy)),
    })),
  );
}

/** Policies are looked for in the secret's compartment and those above it. */
export async function gatherRights(
  { compartment: own, tenancy }: Settings,
  secretFacts: Promise<SecretFacts | undefined>,
  { ask }: Sources,
): Promise<RightsFacts> {
  if (!tenancy) return { compartments: undefined, groups: undefined, policies: [] };
  const [compartments, groups, secret] = await Promise.all([
    listCompartments(tenancy, ask),
    ask(["iam", "dynamic-group", "list", "--compartment-id", tenancy, "--all"], list(dynamicGroup)),
    secretFacts,
  ]);
  const of = dataOf(secret?.state)?.compartmentId ?? own;
  const policies = await gatherPolicies(of, tenancy, compartments, ask);
  return { compartments, groups, policies };
}
