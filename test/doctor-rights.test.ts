import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { covers } from "../.github/scripts/doctor/compartment.ts";
import { takesIn } from "../.github/scripts/doctor/matching-rule.ts";
import type { Location } from "../.github/scripts/doctor/statement.ts";
import type { Verdict } from "../.github/scripts/doctor/verdict.ts";
import { AT, COMPARTMENT, FUNCTION, goodWorld, OTHER, SHARED, TENANCY } from "./doctor-fixture.ts";

const MEMBER = { id: FUNCTION, compartmentId: COMPARTMENT, tags: { Operations: { costCenter: "42" } } };

/** Rules of dynamic groups, and whether they take in the function. */
const rules: [string, Verdict][] = [
  [`ALL {resource.type = 'fnfunc', resource.compartment.id = '${COMPARTMENT}'}`, "yes"],
  [`All { resource.type='fnfunc' , resource.compartment.id='${COMPARTMENT}' }`, "yes"],
  [`all{resource.type="fnfunc",resource.compartment.id="${COMPARTMENT}"}`, "yes"],
  [`ALL {RESOURCE.TYPE = 'fnfunc', Resource.Compartment.Id = '${COMPARTMENT}'}`, "yes"],
  [`all {\n  resource.type = 'fnfunc',\n  resource.compartment.id = '${COMPARTMENT}',\n}`, "yes"],
  [`resource.compartment.id = '${COMPARTMENT}'`, "yes"],
  ["resource.type = 'fnfunc'", "yes"],
  [`resource.id = '${FUNCTION}'`, "yes"],
  [`ANY {resource.id = '${FUNCTION}', resource.id = 'ocid1.fnfunc.oc1..other'}`, "yes"],
  [
    `Any {ALL {resource.type = 'fnfunc', resource.compartment.id = '${COMPARTMENT}'}, instance.id = 'ocid1.instance.oc1..x'}`,
    "yes",
  ],
  [
    `ALL {resource.type = 'fnfunc', ANY {resource.compartment.id = '${OTHER}', resource.compartment.id = '${COMPARTMENT}'}}`,
    "yes",
  ],
  [`ALL {resource.type = 'fnfunc', resource.compartment.id != '${OTHER}'}`, "yes"],
  ["tag.Operations.CostCenter.value = '42'", "yes"],
  ["tag.operations.cost-center.value = '42'", "yes"],
  ["tag.Operations.CostCenter.value", "yes"],
  [`ALL {resource.type = 'fnfunc', resource.compartment.id = '${OTHER}'}`, "no"],
  [`ALL {resource.type = 'apigateway', resource.compartment.id = '${COMPARTMENT}'}`, "no"],
  [`resource.type != 'fnfunc'`, "no"],
  [`ALL {resource.type = 'fnfunc', resource.compartment.id = '${COMPARTMENT.slice(0, -1)}'}`, "no"],
  [`instance.compartment.id = '${COMPARTMENT}'`, "no"],
  [`ANY {instance.compartment.id = '${COMPARTMENT}', instance.id = '${FUNCTION}'}`, "no"],
  ["resource.id = 'ocid1.fnfunc.oc1..other'", "no"],
  ["tag.Operations.CostCenter.value = '43'", "no"],
  ["tag.Operations.Owner.value", "no"],
  ["ALL {resource.type = 'fnfunc', tag.Team.Name.value = 'data'}", "no"],
  // What a later version of the service may know, or nobody can.
  ["resource.region = 'eu-frankfurt-1'", "unknown"],
  ["ALL {resource.type = 'fnfunc', resource.age > 3}", "unknown"],
  [`ALL {resource.type = 'apigateway', resource.age > 3}`, "no"],
  ["resource.type = 'fnfunc', resource.compartment.id = 'x'", "unknown"],
  ["ALL {resource.type = 'fnfunc'", "unknown"],
  ["", "unknown"],
  ["{}", "unknown"],
  ["'", "unknown"],
];

suite("the rule of a dynamic group", () => {
  for (const [rule, verdict] of rules) {
    test(`${rule || "(empty)"}: ${verdict}`, () => assert.equal(takesIn(rule, MEMBER), verdict));
  }

  test("cannot be told by tags that are not known", () => {
    assert.equal(takesIn("tag.a.b.value = 'c'", { ...MEMBER, tags: undefined }), "unknown");
  });
});

const { answers } = goodWorld();
const compartments = answers[AT.compartments];
const path = (...names: string[]): Location => ({ kind: "path", path: names });

/** Locations of a statement, where its policy is attached, and whether they take in the function's compartment. */
const locations: [Location, string, Verdict][] = [
  [{ kind: "tenancy" }, TENANCY, "yes"],
  [{ kind: "tenancy" }, SHARED, "unknown"],
  [{ kind: "id", id: COMPARTMENT }, COMPARTMENT, "yes"],
  [{ kind: "id", id: COMPARTMENT }, TENANCY, "yes"],
  [{ kind: "id", id: SHARED }, TENANCY, "yes"],
  [{ kind: "id", id: TENANCY }, TENANCY, "yes"],
  [{ kind: "id", id: OTHER }, TENANCY, "no"],
  [path("Shared"), TENANCY, "yes"],
  [path("shared", "SANDBOX"), TENANCY, "yes"],
  [path("Sandbox"), SHARED, "yes"],
  [path("Sandbox"), COMPARTMENT, "yes"],
  [path("Shared", "Other"), TENANCY, "no"],
  [path("Other"), SHARED, "no"],
  [path("Sandbox"), TENANCY, "unknown"],
  [path("Nowhere"), TENANCY, "unknown"],
];

suite("the location of a statement", () => {
  for (const [location, attachedTo, verdict] of locations) {
    test(`${JSON.stringify(location)} in a policy of ${attachedTo}: ${verdict}`, () =>
      assert.equal(covers(location, attachedTo, COMPARTMENT, compartments), verdict));
  }

  test("cannot be told by name or parent where compartments may not be listed", () => {
    assert.equal(covers(path("Shared", "Sandbox"), TENANCY, COMPARTMENT, undefined), "unknown");
    assert.equal(covers({ kind: "id", id: SHARED }, TENANCY, COMPARTMENT, undefined), "unknown");
    assert.equal(covers({ kind: "id", id: COMPARTMENT }, COMPARTMENT, COMPARTMENT, undefined), "yes");
  });
});
