import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { readCondition } from "../.github/scripts/doctor/condition.ts";
import { takesIn } from "../.github/scripts/doctor/matching-rule.ts";
import { readStatement } from "../.github/scripts/doctor/statement.ts";
import { AT, COMPARTMENT, credentials, encode, examine, FUNCTION, goodWorld, NSG, SECRET } from "./doctor-fixture.ts";
import { gateway, goodGateway, settings } from "./doctor-gateway-fixture.ts";

const CASES = Number(process.env.FUZZ_CASES ?? 1_000);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values at which code of this kind breaks, beside any JSON at all. */
const junk: fc.Arbitrary<Json> = fc.oneof(
  fc.jsonValue() as fc.Arbitrary<Json>,
  fc.constantFrom<Json>(
    null,
    "",
    [],
    {},
    -1,
    1e308,
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/33",
    "all",
    "6",
    "ocid1",
    "\n✖ x\n",
    "__proto__",
  ),
);

/** A change of JSON: what becomes of the value at a path that steps choose, whatever the shape. */
interface Change {
  steps: number[];
  value: Json;
  remove: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
  value: junk,
  remove: fc.boolean(),
});

function apply(root: Record<string, unknown>, { steps, value, remove }: Change): void {
  let at: Record<string, unknown> = root;
  for (const [index, step] of steps.entries()) {
    const keys = Object.keys(at);
    const key = keys[step % keys.length];
    if (key === undefined) return;
    const inner = at[key];
    const deeper =
      index < steps.length - 1 && typeof inner === "object" && inner !== null && Object.keys(inner).length > 0;
    if (deeper) at = inner as Record<string, unknown>;
    else {
      if (remove) delete at[key];
      else at[key] = value;
      return;
    }
  }
}

const smokes = fc.constantFrom("ok", "FunctionInvokeTimeout", "FunctionInvokeImageNotAvailable", "NoAnswer");

/** The only ones that say nothing against a function that answers. */
const LASTING = /another compartment|whole tenancy|configuration is not func\.yaml's/;

/** A world with more in it than a good one has, so that more can break. */
function wideWorld() {
  const world = goodWorld();
  const { answers } = world;
  answers[AT.application][0].networkSecurityGroupIds = [NSG];
  answers[AT.policies][0].statements.push("Allow group CI-CD-Deployers to manage repos in compartment Sandbox");
  answers[AT.routes].routeRules.push({ destination: "::/0", destinationType: "CIDR_BLOCK", networkEntityId: "x" });
  return world;
}

suite("the doctor, whatever it is shown", () => {
  test("says something well-formed, and nothing that contradicts a function that answers", async () => {
    const property = fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      smokes,
      async (changes, code) => {
        const world = wideWorld();
        world.smoke = { code, meaning: "It means this." };
        for (const each of changes) apply(world.answers, each);
        check(await examine(world));
      },
    );
    await fc.assert(property, { numRuns: CASES });
  });

  test("says something well-formed of any API gateway", async () => {
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(changes, fc.boolean(), async (changes, isPublic) => {
      const world = goodGateway();
      for (const each of changes) apply(world.answers, each);
      const endpointType = isPublic ? "PUBLIC" : "PRIVATE";
      const lines = await examine(world, { ...settings, gateway: { ...gateway, endpointType } });
      // Whatever is wrong before a function, it answers.
      check(lines, /./);
    });
    await fc.assert(property, { numRuns: CASES });
  });

  test("says something well-formed of any secret, and shows none", async () => {
    const secret = fc.oneof(
      junk.map((value) => JSON.stringify(value)),
      change.map((each) => {
        const content = { content: { ...credentials, sslmode: "verify-full" } };
        apply(content, { ...each, steps: [0, ...each.steps] });
        return JSON.stringify(content.content);
      }),
      fc.string({ unit: "binary" }),
    );
    const property = fc.asyncProperty(secret, async (content) => {
      const world = goodWorld();
      world.smoke = { code: "FunctionInvokeTimeout", meaning: "It means this." };
      world.answers[AT.bundle] = encode(content);
      const lines = await examine(world);
      check(lines);
      assert(!lines.join("\n").includes(credentials.password));
    });
    await fc.assert(property, { numRuns: CASES });
  });

  const words = fc.constantFrom(
    ..."allow deny endorse dynamic-group group any-user to read manage secret-bundles secret-family in tenancy compartment id where all any { } ( ) , = != ' \" / : * resource.type".split(
      " ",
    ),
    "'fnfunc'",
    `'${SECRET}'`,
    COMPARTMENT,
    "Sandbox",
    "target.secret.id",
    "/a*/",
    "before",
    "\\",
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 30 }).map((all) => all.join(" ")),
    fc.string({ unit: "binary" }),
  );

  test("reads any statement and any rule, in time", () => {
    const property = fc.property(text, (statement) => {
      readStatement(statement);
      readCondition(statement);
      const verdict = takesIn(statement, { id: FUNCTION, compartmentId: COMPARTMENT, tags: undefined });
      assert(["yes", "no", "unknown"].includes(verdict));
    });
    fc.assert(property, { numRuns: CASES, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true });
  });
});

function check(lines: readonly string[], lasting = LASTING): void {
  assert(lines.length > 5, lines.join("\n"));
  const healthy = lines.includes("✔ The function's health check: Vault and database answer");
  for (const [index, line] of lines.entries()) {
    assert.match(line, /^([✔✖?] | {4})\S[^\p{Cc}]*$/u);
    assert.doesNotMatch(line, /undefined|\[object|NaN|a defect of the doctor/);
    if (!line.startsWith("✖ ")) continue;
    assert.match(String(lines[index + 1]), /^ {4}\S/, `no mend: ${line}`);
    if (healthy) assert.match(line, lasting);
  }
}
