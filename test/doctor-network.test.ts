import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { contains, firstAddress, isBlock, overlaps, prefixLength } from "../.github/scripts/cidr.ts";
import { routeRule, routeTo } from "../.github/scripts/doctor/route.ts";
import { lets, type Place } from "../.github/scripts/doctor/security.ts";
import { securityRule } from "../.github/scripts/doctor/security-rule.ts";
import type { Verdict } from "../.github/scripts/doctor/verdict.ts";

suite("CIDR blocks", () => {
  test("hold addresses and blocks, whatever their host bits", () => {
    assert(contains("10.0.0.0/8", "10.255.255.255"));
    assert(contains("10.0.0.77/24", "10.0.0.0/25"));
    assert(contains("0.0.0.0/0", "255.255.255.255"));
    assert(contains("10.0.0.1", "10.0.0.1/32"));
    assert(!contains("10.0.0.0/24", "10.0.1.0"));
    assert(!contains("10.0.0.0/24", "10.0.0.0/23"));
  });

  test("overlap, or do not", () => {
    assert(overlaps("10.0.0.0/16", "10.0.128.0/17"));
    assert(overlaps("10.0.128.0/17", "10.0.0.1/16"));
    assert(!overlaps("10.0.0.0/16", "10.1.0.0/16"));
  });

  test("have a first address and a prefix", () => {
    assert.equal(firstAddress("10.1.1.77/24"), "10.1.1.0");
    assert.equal(firstAddress("255.255.255.255"), "255.255.255.255");
    assert.equal(prefixLength("10.1.1.0/24"), 24);
  });

  for (const text of [
    "",
    "10.0.0/8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "256.0.0.0/8",
    "fd00::/8",
    "::/0",
    "a",
  ]) {
    test(`are not made of "${text}"`, () => {
      assert(!isBlock(text));
      assert(!contains(text, "10.0.0.1") && !contains("0.0.0.0/0", text) && !overlaps("0.0.0.0/0", text));
    });
  }
});

const SERVICES: Place = { kind: "services" };
const HOST: Place = { kind: "block", block: "10.0.0.146", groups: ["ocid1.networksecuritygroup.oc1..db"] };
const tcp = (min: unknown, max: unknown = min) => ({
  protocol: "6",
  tcpOptions: { destinationPortRange: { min, max } },
});
const all = { destination: "0.0.0.0/0", destinationType: "CIDR_BLOCK", protocol: "all" };
const service = { destinationType: "SERVICE_CIDR_BLOCK", protocol: "all" };

/** Egress rules, a place, and whether they let the function out to it on 443. */
const securityRules: [object, Place, Verdict][] = [
  [all, SERVICES, "yes"],
  [all, HOST, "yes"],
  [{ ...all, ...tcp(443) }, HOST, "yes"],
  [{ ...all, ...tcp(1, 65535) }, HOST, "yes"],
  [{ ...all, protocol: "6" }, HOST, "yes"],
  [{ ...all, protocol: 6, tcpOptions: null }, HOST, "yes"],
  [{ destination: "10.0.0.77/24", protocol: "all" }, HOST, "yes"],
  [{ ...service, destination: "all-fra-services-in-oracle-services-network" }, SERVICES, "yes"],
  [
    { destination: "ocid1.networksecuritygroup.oc1..db", destinationType: "NETWORK_SECURITY_GROUP", protocol: "all" },
    HOST,
    "yes",
  ],

  [{ ...all, ...tcp(5432) }, HOST, "no"],
  [{ ...all, protocol: "17" }, HOST, "no"],
  [{ ...all, protocol: "1", icmpOptions: { type: 3, code: 4 } }, HOST, "no"],
  [{ ...all, protocol: "58" }, HOST, "no"],
  [{ ...all, destination: "10.1.0.0/16" }, HOST, "no"],
  [{ ...all, destination: "10.0.0.0/8" }, SERVICES, "no"],
  [{ ...all, destination: "::/0" }, HOST, "no"],
  [{ ...all, destination: "2603:c020::/32" }, SERVICES, "no"],
  [{ ...service, destination: "oci-fra-objectstorage" }, SERVICES, "no"],
  [{ ...service, destination: "all-fra-services-in-oracle-services-network" }, HOST, "no"],
  [
    { destination: "ocid1.networksecuritygroup.oc1..x", destinationType: "NETWORK_SECURITY_GROUP", protocol: "all" },
    HOST,
    "no",
  ],
  [
    { destination: "ocid1.networksecuritygroup.oc1..x", destinationType: "NETWORK_SECURITY_GROUP", protocol: "all" },
    SERVICES,
    "no",
  ],

  [{ ...all, isStateless: true }, HOST, "unknown"],
  [{ ...all, ...tcp("443") }, HOST, "unknown"],
  [{ ...all, protocol: "6", tcpOptions: { sourcePortRange: { min: 1, max: 1024 } } }, HOST, "unknown"],
  [{ ...all, protocol: "TCP" }, HOST, "unknown"],
  [{ ...all, protocol: null }, HOST, "unknown"],
  [{ ...all, destination: "134.70.0.0/17" }, SERVICES, "unknown"],
  [{ ...all, destinationType: "PLANET" }, HOST, "unknown"],
  [{ ...all, destination: "somewhere" }, HOST, "unknown"],
  [{ ...all, destination: 7 }, HOST, "unknown"],
  [{}, HOST, "unknown"],
  [[], HOST, "unknown"],
];

suite("a security rule", () => {
  for (const [rule, place, verdict] of securityRules) {
    test(`${JSON.stringify(rule)} to ${place.kind}: ${verdict}`, () =>
      assert.equal(lets([securityRule.parse(rule)], "destination", place, 443), verdict));
  }

  test("that cannot be told does not count where another lets the packet through", () => {
    const rules = [{}, null, 5, { ...all, ...tcp("x") }, all].map((rule) => securityRule.parse(rule));
    assert.equal(lets(rules, "destination", HOST, 443), "yes");
    assert.equal(lets(rules.slice(0, -1), "destination", HOST, 443), "unknown");
  });

  test("lets a part of the function's subnet in, and that cannot be told for all of it", () => {
    const place: Place = { kind: "block", block: "10.1.1.0/24", groups: [] };
    const rule = securityRule.parse({ source: "10.1.1.0/25", protocol: "all" });
    assert.equal(lets([rule], "source", place, 443), "unknown");
  });
});

/** Rules of a route table, and where packets to 10.0.0.146 go. */
const routes: [string, unknown[], string][] = [
  ["the longest prefix", [to("0.0.0.0/0", "nat"), to("10.0.0.0/8", "drg"), to("10.0.0.0/16", "peering")], "peering"],
  ["host bits", [to("10.0.0.99/24", "drg")], "drg"],
  ["the older field of a block", [{ cidrBlock: "10.0.0.0/24", networkEntityId: "drg" }], "drg"],
  ["IPv6 beside it", [to("::/0", "nat"), to("fd00::/8", "x"), to("10.0.0.0/16", "drg")], "drg"],
  ["no rule", [], "none"],
  ["another network", [to("10.1.0.0/16", "drg")], "none"],
  ["IPv6 alone", [to("::/0", "nat")], "none"],
  [
    "a service",
    [{ ...to("all-fra-services-in-oracle-services-network", "gateway"), destinationType: "SERVICE_CIDR_BLOCK" }],
    "none",
  ],
  ["a black hole", [{ ...to("10.0.0.0/24", "drg"), isBlackhole: true }, to("10.0.0.0/16", "drg")], "none"],
  ["a kind that is new", [{ ...to("10.0.0.0/16", "drg"), destinationType: "PLANET" }], "unknown"],
  ["what is no rule", [null, 5, "x"], "unknown"],
  ["what is no rule beside one", [null, to("10.0.0.0/16", "drg")], "drg"],
];

suite("a route", () => {
  for (const [what, rules, expected] of routes) {
    test(`is found by ${what}: ${expected}`, () => {
      const found = routeTo(
        rules.map((rule) => routeRule.parse(rule)),
        "10.0.0.146",
      );
      assert.equal(typeof found === "object" ? found.next : found, expected);
    });
  }
});

function to(destination: string, networkEntityId: string) {
  return { destination, destinationType: "CIDR_BLOCK", networkEntityId };
}
