import { isIPv6 } from "node:net";
import * as z from "zod";
import { isBlock } from "../cidr.ts";
import type { Verdict } from "./verdict.ts";

/** Where a rule of a route table, a security list or a network security group leads to or comes from. */
export interface Target {
  kind: "block" | "service" | "group" | "other";
  /** A CIDR block, a service's label or an OCID. */
  name: string;
}

export interface SecurityRule {
  direction: string | undefined;
  destination: Target;
  source: Target;
  tcp: Verdict;
  /** Those of the database or of the service; undefined when they cannot be told. */
  ports: { min: number; max: number } | undefined;
  /** A stateless rule lets packets through, and not the answers to them. */
  stateful: boolean;
}

export function readTarget(name: unknown, type: unknown): Target {
  if (typeof name !== "string") return { kind: "other", name: "" };
  if (type === "SERVICE_CIDR_BLOCK") return { kind: "service", name };
  if (type === "NETWORK_SECURITY_GROUP") return { kind: "group", name };
  const block = (type ?? "CIDR_BLOCK") === "CIDR_BLOCK" && (isBlock(name) || isIPv6(name.replace(/\/\d+$/, "")));
  return { kind: block ? "block" : "other", name };
}

const range = z.object({ min: z.number(), max: z.number() });
const tcpOptions = z.object({ destinationPortRange: range.nullish(), sourcePortRange: range.nullish() }).nullish();
const rule = z.record(z.string(), z.unknown()).catch({});

/** Whatever a rule holds, it is a rule: what cannot be read of it cannot be told. */
export const securityRule = rule.transform((given): SecurityRule => {
  const { protocol, direction } = given;
  const options = z.safeParse(tcpOptions, given.tcpOptions);
  const { destinationPortRange, sourcePortRange } = options.data ?? {};
  return {
    direction: typeof direction === "string" ? direction : undefined,
    destination: readTarget(given.destination, given.destinationType),
    source: readTarget(given.source, given.sourceType),
    tcp: protocol === "all" || String(protocol) === "6" ? "yes" : /^\d+$/.test(String(protocol)) ? "no" : "unknown",
    // A client's own port is any.
    ports: options.success && !sourcePortRange ? (destinationPortRange ?? { min: 1, max: 65_535 }) : undefined,
    stateful: given.isStateless !== true,
  };
});
