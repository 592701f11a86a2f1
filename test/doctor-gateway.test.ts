import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { AT, COMPARTMENT, denied, examine, marked, OTHER } from "./doctor-fixture.ts";
import {
  deploymentAt,
  deploymentsAt,
  GATEWAY,
  gatewayAt,
  goodGateway,
  grant,
  ours,
  settings,
} from "./doctor-gateway-fixture.ts";

suite("the doctor's lines of an API gateway", () => {
  test("all in order: a ✔ each, and which routes take calls without a token", async () => {
    const lines = await examine(goodGateway(), settings);
    assert.deepEqual(marked(lines, "✖"), []);
    assert.deepEqual(marked(lines, "?"), []);
    for (const line of [
      "✔ The API gateway is ACTIVE",
      "✔ The API deployment is ACTIVE",
      "✔ The API deployment is .github/gateway.yaml's; without a token: GET, HEAD /health",
      "✔ A policy lets the API gateway call the function",
    ])
      assert(lines.includes(line), lines.join("\n"));
  });

  test("without a gateway in the variables, one that is there is a ?, and none is not spoken of", async () => {
    const world = goodGateway();
    const told = ["? API gateway: it is there, and GATEWAY_SUBNET_OCID is not set: with it, it is looked at"];
    assert.deepEqual(
      (await examine(world)).filter((line) => /API|gateway call/.test(line)),
      told,
    );
    for (const answer of [undefined, denied]) {
      world.answers[gatewayAt] = answer;
      assert.doesNotMatch((await examine(world)).join("\n"), /API|gateway call/);
    }
  });

  // biome-ignore lint/suspicious/noExplicitAny: what the OCI CLI prints, to be spoilt at will
  const wrong: [what: string, spoil: (answers: Record<string, any>) => void, line: RegExp][] = [
    ["no gateway", (a) => (a[gatewayAt] = undefined), /✖ There is no API gateway of the function's name/],
    ["no deployment", (a) => (a[deploymentsAt] = undefined), /✖ The API gateway has no deployment: it answers 404/],
    [
      "a gateway that failed",
      (a) => Object.assign(a[gatewayAt][0], { lifecycleState: "FAILED", lifecycleDetails: "no addresses" }),
      /✖ The API gateway is FAILED: no addresses\n +oci api-gateway gateway delete/,
    ],
    [
      "another subnet",
      (a) => (a[gatewayAt][0].subnetId = "other"),
      /✖ The API gateway is not as .*: its subnet is other/,
    ],
    ["another type", (a) => (a[gatewayAt][0].endpointType = "PUBLIC"), /✖ The API gateway is not as .*: it is PUBLIC/],
    [
      "a deployment that failed",
      (a) => (a[deploymentAt].lifecycleState = "FAILED"),
      /✖ The API deployment is FAILED: OCI gives no reason\n +oci api-gateway deployment delete/,
    ],
    [
      "a deployment without tokens",
      (a) => (a[deploymentAt].specification.requestPolicies.authentication = null),
      /✖ The API deployment is not .github\/gateway\.yaml's; provision would change: requestPolicies\.authentication added\n +npm run provision/,
    ],
    [
      "a deployment that leads to another function",
      (a) => (a[deploymentAt].specification.routes[0].backend.functionId = "other"),
      /✖ The API deployment is not .*: routes\[0\]\.backend\.functionId other → ocid1\.fnfunc/,
    ],
    [
      "a deployment with something else in a word's place",
      (a) => (a[deploymentAt].specification.requestPolicies.authentication.type = { kind: "TOKEN" }),
      /provision would change: requestPolicies\.authentication\.type changed\n/,
    ],
    ["a gateway that may not be seen", (a) => (a[gatewayAt] = denied), /\? API gateway: not permitted to look/],
  ];
  for (const [what, spoil, line] of wrong)
    test(what, async () => {
      const world = goodGateway();
      spoil(world.answers);
      assert.match((await examine(world, settings)).join("\n"), line);
    });

  const NONE = /✖ No policy is there by which the API gateway calls the function\n +npm run bootstrap/;
  const UNCLEAR = /\? Policy by which the API gateway calls the function: it cannot be told from here: Allow /;
  const FINE = /✔ A policy lets the API gateway call the function/;
  const statements: [what: string, statement: string, line: RegExp][] = [
    ["of another compartment's gateways", grant(`request.resource.compartment.id = '${OTHER}'`), NONE],
    ["for functions of another compartment", grant(ours, undefined, OTHER), NONE],
    ["to look alone", grant(ours, "read functions-family"), NONE],
    ["to applications alone", grant(ours, "use fn-app"), NONE],
    ["of connectors", grant(ours).replace("ApiGateway", "serviceconnector"), NONE],
    ["to invoke", grant(ours, "use fn-invocation"), FINE],
    ["by the permission's name", grant(ours, "{FN_INVOCATION}"), FINE],
    ["to this gateway", grant(`request.principal.id = '${GATEWAY}'`), FINE],
    ["by a condition that cannot be told", grant("request.networkSource.name = 'office'"), UNCLEAR],
    [
      "of a dynamic group",
      `Allow dynamic-group gateways to use functions-family in compartment id ${COMPARTMENT}`,
      UNCLEAR,
    ],
    ["of a group of people", `Allow group gateways to use functions-family in compartment id ${COMPARTMENT}`, NONE],
  ];
  for (const [what, statement, line] of statements)
    test(`a policy ${what}`, async () => {
      assert.match((await examine(goodGateway(statement), settings)).join("\n"), line);
    });

  test("a statement that denies, and policies that may not be seen", async () => {
    const denying = goodGateway();
    denying.answers[AT.policies][0].statements.push(grant(ours).replace("Allow", "Deny"));
    assert.match((await examine(denying, settings)).join("\n"), /\? Policy by which .* told from here: Deny any-user/);
    const hidden = goodGateway("Allow group a to use functions-family in tenancy");
    hidden.answers[AT.rootPolicies] = denied;
    assert.match((await examine(hidden, settings)).join("\n"), /\? Policy by which .*: not all of them could be read/);
    const nowhere = await examine(goodGateway(), { ...settings, tenancy: undefined });
    assert.match(nowhere.join("\n"), /\? Policy by which .*: none could be looked for: set OCI_CLI_TENANCY/);
  });

  test("a policy of the tenancy reaches down", async () => {
    const world = goodGateway("Allow group a to use functions-family in tenancy");
    world.answers[AT.rootPolicies].push({
      id: "q",
      name: "all",
      lifecycleState: "ACTIVE",
      statements: [`Allow any-user to use functions-family in tenancy where request.principal.type = 'ApiGateway'`],
    });
    assert.match((await examine(world, settings)).join("\n"), FINE);
  });
});
