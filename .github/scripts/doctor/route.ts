import * as z from "zod";
import { contains, overlaps, prefixLength } from "../cidr.ts";
import { readTarget, type Target } from "./security-rule.ts";

/** A rule of a subnet's route table, or of a DRG's. */
export interface RouteRule {
  target: Target;
  /** The OCID of what a packet goes to next, in a subnet's. */
  next: string;
  /** It swallows what it takes. */
  blackhole: boolean;
}

const rule = z.record(z.string(), z.unknown()).catch({});

export const routeRule = rule.transform((given): RouteRule => {
  const next = given.networkEntityId ?? given.nextHopDrgAttachmentId;
  return {
    // The older field of a block.
    target: readTarget(given.destination ?? given.cidrBlock, given.destinationType),
    next: typeof next === "string" ? next : "",
    blackhole: given.isBlackhole === true,
  };
});

/** The rule that packets to an address or a block take: the one with the longest prefix. "none", and "unknown". */
export function routeTo(rules: readonly RouteRule[], block: string): RouteRule | "none" | "unknown" {
  const fitting = rules.filter(({ target }) => target.kind === "block" && contains(target.name, block));
  const best = fitting.toSorted((a, b) => prefixLength(b.target.name) - prefixLength(a.target.name))[0];
  if (best) return best.blackhole ? "none" : best;
  const unclear = ({ target }: RouteRule) => target.kind === "other" || overlaps(target.name, block);
  return rules.some(unclear) ? "unknown" : "none";
}

/** The rule for all that no other is for. */
export function defaultRoute(rules: readonly RouteRule[]): RouteRule | undefined {
  return rules.find(({ target }) => target.kind === "block" && prefixLength(target.name) === 0);
}

/** What the next hop is, by its OCID: drg, natgateway, servicegateway, … */
export function kindOf(ocid: string): string {
  return ocid.split(".")[1] || "something unknown";
}
