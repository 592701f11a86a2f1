import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { AT, denied, examine, marked, NSG, settingsForTests } from "./doctor-fixture.ts";
import {
  gateway,
  gatewayAt,
  goodGateway,
  INTERNET,
  internetAt,
  listAt,
  routesAt,
  settings,
  subnetAt,
} from "./doctor-gateway-fixture.ts";

// biome-ignore lint/suspicious/noExplicitAny: what the OCI CLI prints, to be spoilt at will
type Answers = Record<string, any>;

const tcp = (min: number, max = min) => ({ protocol: "6", tcpOptions: { destinationPortRange: { min, max } } });
const from = (source: string, port = 443) => ({ source, sourceType: "CIDR_BLOCK", ...tcp(port) });

const open = { ...settings, gateway: { ...gateway, endpointType: "PUBLIC" as const } };

/** A public gateway, in order. */
function publicGateway() {
  const world = goodGateway();
  const { answers } = world;
  answers[gatewayAt][0].endpointType = "PUBLIC";
  answers[subnetAt].prohibitPublicIpOnVnic = false;
  answers[routesAt].routeRules.push({
    destination: "0.0.0.0/0",
    destinationType: "CIDR_BLOCK",
    networkEntityId: INTERNET,
  });
  answers[listAt].ingressSecurityRules = [from("0.0.0.0/0")];
  answers[internetAt] = { id: INTERNET, isEnabled: true };
  return world;
}

suite("the doctor's lines of an API gateway's subnet", () => {
  for (const [what, world, given, lines] of [
    [
      "private",
      goodGateway(),
      settings,
      ["The API gateway is PRIVATE, and edge lets in on 443, of its VCN and what is joined to it: 10.0.0.0/16"],
    ],
    [
      "public",
      publicGateway(),
      open,
      [
        "edge is public, with a route to an internet gateway",
        "The API gateway is PUBLIC, and edge lets in on 443: 0.0.0.0/0",
      ],
    ],
  ] as const)
    test(`all in order, ${what}: where it is, who reaches it, and that it reaches the function`, async () => {
      const shown = await examine(world, given);
      assert.deepEqual([marked(shown, "✖"), marked(shown, "?")], [[], []]);
      for (const line of [
        "The API gateway's subnet is edge, 10.1.2.0/24, in the function's VCN",
        ...lines,
        "edge reaches Oracle's services by a service gateway for all of them",
        "Security lists of edge let 443 out to Oracle's services",
      ])
        assert(
          shown.some((each) => each.startsWith(`✔ ${line}`)),
          shown.join("\n"),
        );
    });

  const either: [what: string, spoil: (answers: Answers) => void, line: RegExp][] = [
    [
      "that may not be seen",
      (a) => (a[subnetAt] = denied),
      /\? The API gateway's subnet: not permitted to look, or not/,
    ],
    [
      "in another VCN",
      (a) => (a[subnetAt].vcnId = "ocid1.vcn.oc1..edge"),
      /✔ The API gateway's subnet is edge, 10\.1\.2\.0\/24, in another VCN than the function's: ocid1\.vcn\.oc1\.\.edge/,
    ],
    [
      "without a route to Oracle's services",
      (a) => (a[routesAt].routeRules = []),
      /✖ edge has no route to Oracle's services: the API gateway cannot call the function\n +oci network route-table update .*"all-fra-services/,
    ],
    [
      "that lets nothing out",
      (a) => (a[listAt].egressSecurityRules = []),
      /✖ No security list of edge lets 443 out to Oracle's services: the API gateway cannot call the function\n +oci network security-list/,
    ],
    [
      "that lets nobody in",
      (a) => (a[listAt].ingressSecurityRules = [from("10.0.0.0/16", 80)]),
      /✖ edge lets nobody in on 443: the API gateway is (PRIVATE|PUBLIC), and has no callers\n +oci network security-list update .*--ingress-security-rules .*"source": "(<the callers' network>|0\.0\.0\.0\/0)".* 443/,
    ],
    [
      "whose rules may not be seen",
      (a) => (a[listAt] = denied),
      /\? Callers of the API gateway: not permitted to look/,
    ],
    [
      "with rules of a kind that is new",
      (a) => (a[listAt].ingressSecurityRules = [{ ...from("10.0.0.0/16"), protocol: "new" }]),
      /\? Callers of the API gateway: whom edge lets in on 443 cannot be told/,
    ],
  ];
  for (const [what, spoil, line] of either)
    test(`a subnet ${what}`, async () => {
      for (const [world, given] of [
        [goodGateway(), settings],
        [publicGateway(), open],
      ] as const) {
        spoil(world.answers);
        assert.match((await examine(world, given)).join("\n"), line);
      }
    });

  const ofPublic: [what: string, spoil: (answers: Answers) => void, line: RegExp][] = [
    [
      "that is private",
      (a) => (a[subnetAt].prohibitPublicIpOnVnic = true),
      /✖ The API gateway is PUBLIC, and its subnet edge is private: .*\n +set GATEWAY_SUBNET_OCID to a public subnet/,
    ],
    [
      "without a route to an internet gateway",
      (a) => (a[routesAt].routeRules[1].networkEntityId = "ocid1.natgateway.oc1..a"),
      /✖ edge has no route to an internet gateway: .*\n +oci network route-table update .*<internet gateway>/,
    ],
    ["without any default route", (a) => a[routesAt].routeRules.pop(), /✖ edge has no route to an internet gateway: /],
    [
      "with a route of a kind that is new",
      (a) => Object.assign(a[routesAt].routeRules[1], { destinationType: "NEW" }),
      /\? Routes of edge: whether one leads to the internet cannot be told\n/,
    ],
    [
      "whose internet gateway is disabled",
      (a) => (a[internetAt].isEnabled = false),
      /✖ The internet gateway of edge is disabled\n +oci network internet-gateway update --ig-id ocid1\.internetgateway/,
    ],
    [
      "whose internet gateway may not be seen",
      (a) => (a[internetAt] = denied),
      /\? Internet gateway of edge: not perm/,
    ],
    [
      "that lets in private addresses alone",
      (a) => (a[listAt].ingressSecurityRules = [from("10.0.0.0/8")]),
      /✖ edge lets 10\.0\.0\.0\/8 alone in on 443: the API gateway is PUBLIC, and has no callers\n/,
    ],
    [
      "that lets in an office",
      (a) => (a[listAt].ingressSecurityRules = [from("203.0.113.0/24")]),
      /✔ The API gateway is PUBLIC, and edge lets in on 443: 203\.0\.113\.0\/24\n/,
    ],
  ];
  for (const [what, spoil, line] of ofPublic)
    test(`a public gateway in a subnet ${what}`, async () => {
      const world = publicGateway();
      spoil(world.answers);
      assert.match((await examine(world, open)).join("\n"), line);
    });

  test("the gateway's own network security groups let callers in as well", async () => {
    const world = goodGateway();
    world.answers[listAt].ingressSecurityRules = [];
    world.answers[gatewayAt][0].networkSecurityGroupIds = [NSG];
    world.answers[AT.nsg] = [...world.answers[AT.nsg], { direction: "INGRESS", ...from("10.1.0.0/16") }];
    assert.match((await examine(world, settings)).join("\n"), /✔ The API gateway is PRIVATE, .*: 10\.1\.0\.0\/16\n/);
  });

  test("what a function lacks that answers is not doubted for the gateway", async () => {
    const world = goodGateway();
    world.answers[routesAt].routeRules = [];
    const [line] = marked(await examine(world, settings), "✖");
    assert.match(String(line), /edge has no route/);
  });

  test("without a gateway in the variables, no such subnet is looked at", async () => {
    assert.doesNotMatch((await examine(goodGateway(), settingsForTests())).join("\n"), /edge/);
  });
});
