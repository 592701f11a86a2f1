import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  AT,
  COMPARTMENT,
  denied,
  examine,
  FUNCTION,
  goodWorld,
  marked,
  OTHER,
  settingsForTests,
  type World,
} from "./doctor-fixture.ts";

const STREAM = "ocid1.stream.oc1.eu-frankfurt-1.items";
const CONNECTOR = "ocid1.serviceconnector.oc1.eu-frankfurt-1.inserter";
const listAt = `sch service-connector list ${COMPARTMENT}`;
const getAt = `sch service-connector get ${CONNECTOR}`;

/** The stream is in another compartment than the function. */
const { config, ...others } = settingsForTests();
const feeds = [{ kind: "stream" as const, id: STREAM, compartment: OTHER }];
const settings = { ...others, config: { ...config, ON_INVALID: "set-aside" }, feeds };
const who = `request.principal.type = 'serviceconnector', request.principal.compartment.id = '${COMPARTMENT}'`;
const calling = ["fn-function", "fn-invocation"].map(
  (what) => `Allow any-user to use ${what} in compartment id ${COMPARTMENT} where all {${who}}`,
);
const reading = `Allow any-user to {STREAM_READ, STREAM_CONSUME} in compartment id ${OTHER} where all {${who}, target.stream.id = '${STREAM}'}`;

/** As provision and bootstrap leave it, and as the CLI shows it: with each field that the service knows. */
function goodConnector({ ofFunction = calling, ofStream = [reading] } = {}): World {
  const world = goodWorld();
  const policy = (statements: string[]) => ({ id: "p", name: "connector", lifecycleState: "ACTIVE", statements });
  const connector = {
    id: CONNECTOR,
    displayName: "postgres-inserter-stream",
    compartmentId: COMPARTMENT,
    lifecycleState: "ACTIVE",
    lifecycleDetails: null,
    source: { kind: "streaming", streamId: STREAM, cursor: { kind: "TRIM_HORIZON" }, privateEndpointMetadata: null },
    target: {
      kind: "functions",
      functionId: FUNCTION,
      batchSizeInKbs: 400,
      batchSizeInNum: null,
      batchTimeInSec: 60,
    },
    tasks: [],
  };
  world.answers[AT.fn].config.ON_INVALID = "set-aside";
  world.answers[listAt] = {
    items: [{ id: CONNECTOR, displayName: connector.displayName, lifecycleState: "ACTIVE" }],
  };
  world.answers[getAt] = connector;
  world.answers[AT.policies].push(policy(ofFunction));
  world.answers[`iam policy list ${OTHER}`] = [policy(ofStream)];
  return world;
}

suite("the doctor's lines of a connector", () => {
  test("all in order: a ✔ each", async () => {
    const lines = await examine(goodConnector(), settings);
    assert.deepEqual([...marked(lines, "✖"), ...marked(lines, "?")], []);
    for (const line of [
      "✔ The connector of the stream is ACTIVE",
      "✔ A policy lets the connector read the stream",
      "✔ A policy lets the connector call the function",
    ])
      assert(lines.includes(line), lines.join("\n"));
  });

  test("without a stream or queue in the variables, none that is not there is spoken of", async () => {
    const world = goodConnector();
    for (const answer of [undefined, denied]) {
      world.answers[listAt] = answer;
      assert.doesNotMatch((await examine(world)).join("\n"), /connector/i);
    }
  });

  test("without its variable, a connector that is there is a ?, and a ✖ where what it delivers would be lost", async () => {
    const world = goodConnector();
    const withoutFeeds = { ...settings, feeds: [] };
    const about = async () =>
      (await examine(world, withoutFeeds)).filter((line) => /connector of the stream/i.test(line));
    assert.match((await about()).join(), /^\? Connector of the stream: it is there, and STREAM_OCID is not set/);
    world.answers[AT.fn].config.ON_INVALID = "refuse";
    assert.match(
      (await about()).join(),
      /^✖ The connector of the stream delivers, though STREAM_OCID is not set, .*lost$/,
    );
    world.answers[listAt].items[0].lifecycleState = "INACTIVE";
    assert.match((await about()).join(), /^\? Connector of the stream/);
  });

  // biome-ignore lint/suspicious/noExplicitAny: what the OCI CLI prints, to be spoilt at will
  const wrong: [what: string, spoil: (answers: Record<string, any>) => void, line: RegExp][] = [
    ["no connector", (a) => (a[listAt] = undefined), /✖ There is no connector from the stream to the function\n/],
    [
      "one that rests, with its last error",
      (a) => Object.assign(a[getAt], { lifecycleState: "INACTIVE", lifecycleDetails: "Deliveries failed." }),
      /✖ The connector of the stream is INACTIVE, and delivers nothing: Deliveries failed\.\n.*service-connector activate/,
    ],
    [
      "one that failed",
      (a) => Object.assign(a[getAt], { lifecycleState: "FAILED", lifecycleDetails: "No stream." }),
      /✖ The connector of the stream is FAILED: No stream\.\n +oci sch service-connector delete/,
    ],
    [
      "one that needs attention",
      (a) => Object.assign(a[getAt], { lifecycleState: "NEEDS_ATTENTION", lifecycleDetails: "Not authorized." }),
      /✖ The connector of the stream is NEEDS_ATTENTION: Not authorized\.\n/,
    ],
    [
      "one that is being made",
      (a) => (a[getAt].lifecycleState = "CREATING"),
      /\? The connector of the stream: it is C/,
    ],
    [
      "a last error of one that delivers again",
      (a) => (a[getAt].lifecycleDetails = "Slow down."),
      /✔ The connector of the stream is ACTIVE: Slow down\./,
    ],
    [
      "another function, and larger deliveries",
      (a) => Object.assign(a[getAt].target, { functionId: "other", batchSizeInKbs: 6000 }),
      /✖ .* not as it should be; provision would change: target\.functionId other → ocid1\S+, target\.batchSizeInKbs 6000 → 400\n/,
    ],
    [
      "a function that refuses, where nobody reads that",
      (a) => (a[AT.fn].config.ON_INVALID = "refuse"),
      /✖ The function refuses invalid input \(ON_INVALID\), .*: it is lost\n +set ON_INVALID to set-aside or fail/,
    ],
    ["one that may not be seen", (a) => (a[listAt] = denied), /\? Connector of the stream: not permitted to look/],
  ];
  for (const [what, spoil, line] of wrong)
    test(what, async () => {
      const world = goodConnector();
      spoil(world.answers);
      assert.match((await examine(world, settings)).join("\n"), line);
    });

  const noCall =
    /✖ No policy is there by which the connector calls the function\n +npm run bootstrap, .*STREAM_OCID set/;
  const noRead = /✖ No policy is there by which the connector reads the stream\n +npm run bootstrap/;
  const policies: [what: string, given: { ofFunction?: string[]; ofStream?: string[] }, line: RegExp][] = [
    ["to invoke alone", { ofFunction: calling.slice(1) }, noCall],
    ["to look at functions alone", { ofFunction: calling.slice(0, 1) }, noCall],
    [
      "of another compartment's connectors",
      { ofFunction: calling.map((one) => one.replaceAll(COMPARTMENT, OTHER)) },
      noCall,
    ],
    ["of gateways", { ofFunction: calling.map((one) => one.replace("serviceconnector", "ApiGateway")) }, noCall],
    ["to read another stream", { ofStream: [reading.replace(STREAM, "ocid1.stream.oc1..other")] }, noRead],
    ["to look at the stream alone", { ofStream: [reading.replace(", STREAM_CONSUME", "")] }, noRead],
    ["to read it where it is not", { ofStream: [reading.replace(`id ${OTHER}`, `id ${COMPARTMENT}`)] }, noRead],
  ];
  for (const [what, given, line] of policies)
    test(`a policy ${what}`, async () => {
      assert.match((await examine(goodConnector(given), settings)).join("\n"), line);
    });
});
