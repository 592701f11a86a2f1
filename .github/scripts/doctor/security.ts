import { contains, isPrivate, overlaps, prefixLength } from "../cidr.ts";
import type { Answer } from "../oci/cli.ts";
import { dataOf, reasonOf, within } from "./finding.ts";
import type { SecurityList } from "./network.ts";
import type { SecurityRule, Target } from "./security-rule.ts";
import { all, any, type Verdict, verdict } from "./verdict.ts";

export type Place =
  /** Oracle's services, all of a region. */
  | { kind: "services" }
  /** An address or a block, and the network security groups that it may be in; undefined when they are not known. */
  | { kind: "block"; block: string; groups: readonly string[] | undefined };

/** Whether rules let TCP connections through, to or from a place, on a port. One rule that does is enough. */
export function lets(
  rules: readonly SecurityRule[],
  side: "destination" | "source",
  place: Place,
  port: number,
): Verdict {
  return any(rules.map((rule) => all([isFor(rule, port), includes(rule[side], place)])));
}

/** Whether a rule lets TCP connections through on a port, from and to wherever it says. */
function isFor({ tcp, ports, stateful }: SecurityRule, port: number): Verdict {
  const fits = ports ? verdict(ports.min <= port && port <= ports.max) : "unknown";
  return all([tcp, fits, stateful ? "yes" : "unknown"]);
}

function includes(target: Target, place: Place): Verdict {
  if (target.kind === "other") return "unknown";
  if (place.kind === "services") {
    if (target.kind === "service") return verdict(target.name.startsWith("all-"));
    if (target.kind === "group" || isPrivate(target.name) || prefixLength(target.name) < 0) return "no";
    // Which public addresses the services have is not known here.
    return prefixLength(target.name) === 0 ? "yes" : "unknown";
  }
  if (target.kind === "service") return "no";
  if (target.kind === "group") return place.groups ? verdict(place.groups.includes(target.name)) : "unknown";
  if (contains(target.name, place.block)) return "yes";
  return overlaps(target.name, place.block) ? "unknown" : "no";
}

/** A network security group, and its rules. */
export interface SecurityGroup {
  id: string;
  rules: Answer<SecurityRule[]>;
}

/** The rules for packets that leave: of a subnet's lists, and of the groups that the sender is in. */
export function egressFrom(lists: readonly Answer<SecurityList>[], groups: readonly SecurityGroup[]) {
  return [
    ...lists.map((list) => within(list, ({ egressSecurityRules }) => egressSecurityRules)),
    ...groups.map(({ rules }) => within(rules, (all) => all.filter(({ direction }) => direction !== "INGRESS"))),
  ];
}

/** The rules for packets that come in: of a subnet's lists, and of the groups that the receiver is in. */
export function ingressTo(lists: readonly Answer<SecurityList>[], groups: readonly SecurityGroup[]) {
  return [
    ...lists.map((list) => within(list, ({ ingressSecurityRules }) => ingressSecurityRules)),
    ...groups.map(({ rules }) => within(rules, (all) => all.filter(({ direction }) => direction !== "EGRESS"))),
  ];
}

/** Over all that rules come from; what could not be read cannot be told. */
export function letsAny(
  sources: readonly Answer<SecurityRule[]>[],
  side: "destination" | "source",
  place: Place,
  port: number,
): Verdict {
  return any(sources.map((source) => ("error" in source ? "unknown" : lets(source.data, side, place, port))));
}

/** Where TCP connections may come from on a port; unclear where rules say more than can be told. */
export function openTo(all: readonly Answer<SecurityRule[]>[], port: number): { sources: Target[]; unclear: boolean } {
  const rules = all.flatMap((one) => dataOf(one) ?? []).map((rule) => ({ ...rule, verdict: isFor(rule, port) }));
  return {
    sources: rules
      .filter(({ verdict, source }) => verdict === "yes" && source.kind !== "other")
      .map((one) => one.source),
    unclear:
      all.some((one) => "error" in one) ||
      rules.some(({ verdict, source }) => verdict === "unknown" || (verdict === "yes" && source.kind === "other")),
  };
}

/** Why some of what rules come from could not be read. */
export function hiddenOf(sources: readonly Answer<unknown>[]): string | undefined {
  const hidden = sources.find((source) => "error" in source);
  return hidden && reasonOf(hidden.error);
}
