import * as z from "zod";
import { list, policy } from "../resources.ts";
import type { Policies, RightsFacts } from "./access.ts";
import { chainOf } from "./compartment.ts";
import { dataOf } from "./finding.ts";
import type { Ask } from "./sources.ts";

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
