import * as z from "zod";
import { get } from "../oci/cli.ts";
import { say } from "../report.ts";
import { inUse, list } from "../resources.ts";
import type { Change } from "./change.ts";

export type Rule = Record<string, unknown>;

/** A VCN, a subnet or the like. */
export interface Part {
  /** By the CLI's name for it. */
  kind: string;
  /** The compartment that it is in. */
  at: string;
  /** The VCN that it is of: one of its name in another is somebody else's. */
  vcn?: string | undefined;
  /** Options of its creation. */
  args: readonly string[];
  /** Rules that it must have, the option that takes them, and the one by which an update names it. */
  rules?: { field: string; option: string; wanted: Rule[] } | undefined;
}

/** Of a resource that holds rules, which are compared as they are. */
const resource = z.looseObject({
  id: z.string(),
  displayName: z.string(),
  lifecycleState: z.string(),
  vcnId: z.string().nullish(),
  /** Where an attachment has it; the older field may go. */
  networkDetails: z.object({ id: z.string() }).nullish(),
});
type Resource = z.infer<typeof resource>;

/** Makes the part of a name where it is missing, or adds the rules that it lacks. Returns its OCID. @throws {Refusal} */
export async function applyPart(name: string, { kind, at, vcn, args, rules }: Part, change: Change): Promise<string> {
  const present = await get(["network", kind, "list", "--compartment-id", at, "--all"], list(resource));
  const own = present.filter((each) => vcn === undefined || (each.networkDetails?.id ?? each.vcnId) === vcn);
  // A VCN has one attachment, whatever its name.
  const found = inUse(own.filter(({ displayName }) => kind === "drg-attachment" || displayName === name));
  const command = ["network", kind];
  if (!found) {
    const options = rules ? [`--${rules.field}`, JSON.stringify(rules.wanted)] : [];
    return change(`create the ${kind} ${name}`, [...command, "create", "--display-name", name, ...args, ...options]);
  }
  say(`✔ the ${kind} ${name} is there`);
  if (!rules) return found.id;
  const has = rulesOf(found, rules.field);
  const lacks = rules.wanted.filter((rule) => !has.some((present) => isWithin(rule, present)));
  if (lacks.length > 0) {
    const whole = [`--${rules.field}`, JSON.stringify([...has, ...lacks])];
    await change(`add what the ${kind} lacks`, [...command, "update", rules.option, found.id, ...whole, "--force"]);
  }
  return found.id;
}

/** The rules of a resource, without the fields that the CLI shows as null. */
function rulesOf(found: Resource, field: string): Rule[] {
  const rules = found[field.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  return JSON.parse(JSON.stringify(rules ?? []), (_, value) => value ?? undefined);
}

/** Whether each field of a rule stands so in another. */
function isWithin(rule: unknown, other: unknown): boolean {
  if (typeof rule !== "object" || rule === null) return rule === other;
  return Object.entries(rule).every(([key, value]) => isWithin(value, Object(other)[key]));
}
