import { evaluate, readCondition } from "./condition.ts";
import type { Verdict } from "./verdict.ts";

/** A function, as the rule of a dynamic group sees it. */
export interface Member {
  /** Empty while it is not there. */
  id: string;
  compartmentId: string;
  /** By namespace and key; undefined when they are not known. */
  tags: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

/**
 * Whether a dynamic group's rule takes in a function.
 * https://docs.oracle.com/en-us/iaas/Content/Identity/dynamicgroups/Writing_Matching_Rules_to_Define_Dynamic_Groups.htm
 */
export function takesIn(rule: string, member: Member): Verdict {
  return evaluate(readCondition(rule), (name) => {
    switch (name) {
      case "resource.type":
        return "fnfunc";
      case "resource.id":
        return member.id;
      case "resource.compartment.id":
        return member.compartmentId;
      case "instance.id":
      case "instance.compartment.id":
        return null;
      default:
        return name.startsWith("tag.") ? tagOf(name, member.tags) : undefined;
    }
  });
}

/** "tag.<namespace>.<key>.value" */
function tagOf(name: string, tags: Member["tags"]): string | null | undefined {
  const [namespace, key, value] = name.split(".").slice(1);
  if (tags === undefined || !namespace || !key || value !== "value") return undefined;
  const found = lookUp(lookUp(tags, namespace), key);
  return found === undefined ? null : String(found);
}

/** Names of tags ignore case. The CLI's keys have lost their dashes. */
function lookUp(within: unknown, name: string): unknown {
  const plain = (text: string) => text.replaceAll("-", "").toLowerCase();
  return Object.entries(Object(within)).find(([key]) => plain(key) === plain(name))?.[1];
}
