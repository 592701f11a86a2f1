import type { Location } from "./statement.ts";
import { any, type Verdict, verdict } from "./verdict.ts";

/** A compartment; the root of all is the tenancy, which no list contains. */
export interface Compartment {
  id: string;
  /** The one that it is in. */
  compartmentId: string;
  name: string;
}

/** Every compartment, or undefined when they may not be listed. */
export type Compartments = readonly Compartment[] | undefined;

/** A compartment and those that it is in, up to the tenancy; undefined where that is not known. */
export function chainOf(id: string, compartments: Compartments): string[] | undefined {
  const chain = [id];
  while (!chain.at(-1)?.startsWith("ocid1.tenancy.")) {
    const parent = compartments?.find((one) => one.id === chain.at(-1))?.compartmentId;
    if (!parent || chain.includes(parent)) return undefined;
    chain.push(parent);
  }
  return chain;
}

/**
 * Whether the location of a statement takes in a compartment.
 *
 * @param attachedTo the compartment of the policy, from which names are looked up
 * @param target undefined when it is not known
 */
export function covers(
  location: Location,
  attachedTo: string,
  target: string | undefined,
  compartments: Compartments,
): Verdict {
  if (location.kind === "tenancy") return attachedTo.startsWith("ocid1.tenancy.") ? "yes" : "unknown";
  if (target === undefined) return "unknown";
  const chain = chainOf(target, compartments);
  const within = (id: string) => (id === target ? "yes" : chain ? verdict(chain.includes(id)) : "unknown");
  if (location.kind === "id") return within(location.id);
  const found = resolve(location.path, attachedTo, compartments);
  return found.length === 0 ? "unknown" : any(found.map(within));
}

/** What a path of names can mean: it begins at a child of the policy's compartment, or at that itself. */
function resolve(path: readonly string[], attachedTo: string, compartments: Compartments): string[] {
  const named = (name: string | undefined) => (one: Compartment) => one.name.toLowerCase() === name?.toLowerCase();
  const all = compartments ?? [];
  let found = all.filter((one) => one.compartmentId === attachedTo || one.id === attachedTo).filter(named(path[0]));
  for (const name of path.slice(1))
    found = found.flatMap(({ id }) => all.filter((one) => one.compartmentId === id).filter(named(name)));
  return found.map(({ id }) => id);
}
