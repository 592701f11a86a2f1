import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Verdict } from "../.github/scripts/doctor/verdict.ts";
import {
  AT,
  COMPARTMENT,
  denied,
  examine,
  FUNCTION,
  GROUP,
  goodWorld,
  marked,
  OTHER,
  SECRET,
  settingsForTests,
  TENANCY,
} from "./doctor-fixture.ts";

const MINE = "dynamic-group postgres-inserter-functions";
const HERE = `in compartment id ${COMPARTMENT}`;

/** Statements of a policy in the function's compartment, and whether they let it read its secret. */
const statements: [string, Verdict][] = [
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.id = '${SECRET}'`, "yes"],
  [`allow ${MINE} to read secret-bundles ${HERE}`, "yes"],
  [`ALLOW DYNAMIC-GROUP Postgres-Inserter-Functions TO READ SECRET-BUNDLES IN COMPARTMENT ID ${COMPARTMENT}`, "yes"],
  [`Allow  ${MINE}\n  to  read   secret-bundles\t${HERE}\n`, "yes"],
  [`Allow ${MINE} to use secret-bundles ${HERE}`, "yes"],
  [`Allow ${MINE} to manage secret-family ${HERE}`, "yes"],
  [`Allow ${MINE} to read secret-family in compartment Sandbox`, "yes"],
  [`Allow ${MINE} to read all-resources ${HERE}`, "yes"],
  [`Allow ${MINE} to {SECRET_BUNDLE_READ} ${HERE}`, "yes"],
  [`Allow ${MINE} {secret_bundle_inspect, secret_bundle_read} ${HERE}`, "yes"],
  [`Allow dynamic-group 'postgres-inserter-functions' to read secret-bundles ${HERE}`, "yes"],
  [`Allow dynamic-group Default/postgres-inserter-functions to read secret-bundles ${HERE}`, "yes"],
  [`Allow dynamic-group 'Default'/'postgres-inserter-functions' to read secret-bundles ${HERE}`, "yes"],
  [`Allow dynamic-group id ${GROUP} to read secret-bundles ${HERE}`, "yes"],
  [`Allow dynamic-group others, postgres-inserter-functions to read secret-bundles ${HERE}`, "yes"],
  [`Allow any-user to read secret-bundles ${HERE} where request.principal.type = 'FnFunc'`, "yes"],
  [`Allow any-group to read secret-bundles ${HERE} where request.principal.type = 'fnfunc'`, "yes"],
  [
    `Allow any-user to read secret-bundles ${HERE} where all {request.principal.type='fnfunc', request.principal.id='${FUNCTION}'}`,
    "yes",
  ],
  [
    `Allow any-user to read secret-bundles ${HERE} where ALL {request.principal.compartment.id='${COMPARTMENT}', any {target.secret.name = 'x', target.secret.name = 'database'}}`,
    "yes",
  ],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /data*/`, "yes"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /*BASE/`, "yes"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /*tab*/`, "yes"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.id != '${SECRET}2'`, "yes"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.id in ('${SECRET}2', '${SECRET}')`, "yes"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where request.operation = 'GetSecretBundle'`, "yes"],
  [
    `Allow ${MINE} to manage secret-family ${HERE} where any {request.permission = 'SECRET_BUNDLE_READ', request.permission = 'SECRET_READ'}`,
    "yes",
  ],

  [`Allow ${MINE} to inspect secret-bundles ${HERE}`, "no"],
  [`Allow ${MINE} to read secrets ${HERE}`, "no"],
  [`Allow ${MINE} to use keys ${HERE}`, "no"],
  [`Allow ${MINE} to {SECRET_BUNDLE_INSPECT} ${HERE}`, "no"],
  [`Allow ${MINE} to read secret-bundles in compartment id ${OTHER}`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.id = '${SECRET}2'`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.id != '${SECRET}'`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.id in ('${SECRET}2')`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /other*/`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /*bas/`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /data*tabase/`, "no"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.secret.name = /base/`, "no"],
  [
    `Allow ${MINE} to read secret-bundles ${HERE} where all {target.secret.id = '${SECRET}', target.secret.name = 'other'}`,
    "no",
  ],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.bucket.name = 'x'`, "no"],
  [
    `Allow ${MINE} to read secret-bundles ${HERE} where all {target.secret.id = '${SECRET}2', request.utc-timestamp before '2030-01-01T00:00Z'}`,
    "no",
  ],
  [`Allow dynamic-group gone to read secret-bundles ${HERE}`, "no"],
  [`Allow group postgres-inserter-functions to read secret-bundles ${HERE}`, "no"],
  [`Allow service faas to read secret-bundles ${HERE}`, "no"],
  [`Allow any-user to read secret-bundles ${HERE} where request.principal.type = 'apigateway'`, "no"],
  [`Allow any-user to read secret-bundles ${HERE} where request.user.name = 'me'`, "no"],
  [`Allow any-user to read secret-bundles ${HERE} where request.principal.id = 'ocid1.fnfunc.oc1..other'`, "no"],
  [`Endorse ${MINE} to read secret-bundles in any-tenancy`, "no"],
  [`Admit ${MINE} of tenancy friend to read secret-bundles ${HERE}`, "no"],
  [`Define tenancy friend as ocid1.tenancy.oc1..friend`, "no"],
  [`Deny endorse group x to read secret-bundles in any-tenancy`, "no"],

  [`Allow dynamic-group 'Other Domain'/'postgres-inserter-functions' to read secret-bundles ${HERE}`, "unknown"],
  [`Allow dynamic-group id ocid1.dynamicgroup.oc1..elsewhere to read secret-bundles ${HERE}`, "unknown"],
  [`Allow ${MINE} to read secret-bundles in compartment Nowhere`, "unknown"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where request.networkSource.name = 'office'`, "unknown"],
  [
    `Allow ${MINE} to read secret-bundles ${HERE} where all {target.secret.id = '${SECRET}', request.utc-timestamp before '2030-01-01T00:00Z'}`,
    "unknown",
  ],
  [`Allow ${MINE} to read secret-bundles ${HERE} where target.vault.id = 'ocid1.vault.oc1..x'`, "unknown"],
  [`Allow ${MINE} to read secret-bundles ${HERE} where (`, "unknown"],
  [`Allow ${MINE} to read secret-bundles ${HERE} with love`, "unknown"],
  [`Allow ${MINE} to read secret-bundles`, "unknown"],
  [`Allow whatever x to read secret-bundles ${HERE}`, "unknown"],
  ["Permit secret-bundles", "unknown"],
  ["", "no"],
];

const LINES: Record<Verdict, RegExp> = {
  yes: /^✔ A policy lets the function read its secret$/m,
  no: /^✖ (No policy lets the function read its secret|The policy lets the function read (another secret|secrets of another compartment))/m,
  unknown: /^\? Policy: /m,
};

suite("a statement of a policy", () => {
  for (const [statement, verdict] of statements) {
    test(`${statement || "(empty)"}: ${verdict}`, async () => {
      const lines = (await examineWith({ [AT.policies]: [policyOf(statement)] })).join("\n");
      for (const [other, line] of Object.entries(LINES)) assert.equal(line.test(lines), other === verdict, lines);
    });
  }

  test("counts in a compartment above the secret's, and in one beside it not", async () => {
    const granting = policyOf(`Allow ${MINE} to read secret-bundles in compartment Sandbox`);
    const above = await examineWith({ [AT.policies]: undefined, [AT.sharedPolicies]: [granting] });
    assert.match(above.join("\n"), LINES.yes);
    const root = policyOf(`Allow ${MINE} to read secret-bundles in compartment Shared:Sandbox`);
    assert.match((await examineWith({ [AT.policies]: undefined, [AT.rootPolicies]: [root] })).join("\n"), LINES.yes);
    const beside = { [AT.policies]: undefined, [`iam policy list ${OTHER}`]: [granting] };
    assert.match((await examineWith(beside)).join("\n"), LINES.no);
  });

  test("is not missed where those above the secret's compartment could not be looked for", async () => {
    const hidden = { [AT.policies]: undefined, [AT.compartments]: denied };
    assert.match((await examineWith(hidden)).join("\n"), /^\? Policy: /m);
  });

  test("that denies may take away what another gives", async () => {
    const allowing = goodWorld().answers[AT.policies][0].statements[0];
    const look = async (deny: string) => (await examineWith({ [AT.policies]: [policyOf(allowing, deny)] })).join("\n");
    assert.match(await look(`Deny any-user to read secret-family in compartment Sandbox`), LINES.unknown);
    assert.match(
      await look(`deny ${MINE} to use secret-bundles ${HERE} where target.secret.id = '${SECRET}'`),
      LINES.unknown,
    );
    assert.match(await look("Deny secret-bundles somehow"), LINES.unknown);
    assert.match(await look("Deny endorse any-group to read secret-bundles in any-tenancy"), LINES.yes);
    assert.match(await look(`Deny group CI to read secret-family ${HERE}`), LINES.yes);
    assert.match(
      await look(`Deny any-user to manage policies in tenancy where target.policy.type = 'deny'`),
      LINES.yes,
    );
  });

  test("makes a dynamic group needless where it names the function itself", async () => {
    const statement = `Allow any-user to read secret-bundles ${HERE} where request.principal.id = '${FUNCTION}'`;
    for (const groups of [undefined, groupOf(`resource.id = '${FUNCTION}'`), groupOf("resource.age > 3")]) {
      const lines = await examineWith({ [AT.groups]: groups, [AT.policies]: [policyOf(statement)] });
      assert.deepEqual(marked(lines, "✖"), []);
      assert(lines.includes("✔ The function's rights need no dynamic group"), lines.join("\n"));
    }
  });

  test("leaves open whether a dynamic group is missing where it cannot be read itself", async () => {
    const elsewhere = `Allow dynamic-group 'Other Domain'/'functions' to read secret-bundles ${HERE}`;
    for (const policies of [denied, [policyOf(elsewhere)]]) {
      const lines = await examineWith({ [AT.groups]: undefined, [AT.policies]: policies });
      assert.deepEqual(marked(lines, "✖"), []);
      assert.match(lines.join("\n"), /^\? Dynamic group: none takes in functions of the compartment; whether/m);
    }
  });

  test("may rest on a dynamic group that names the function by its OCID, which works until that is made anew", async () => {
    const lines = await examineWith({ [AT.groups]: groupOf(`resource.id = '${FUNCTION}'`) });
    assert.deepEqual(marked(lines, "✖"), []);
    assert.match(lines.join("\n"), LINES.yes);
    assert.match(
      lines.join("\n"),
      /^\? Dynamic group: postgres-inserter-functions names the function by its OCID, so one that is made anew is not/m,
    );
  });
});

function groupOf(matchingRule: string) {
  return [{ id: GROUP, name: "postgres-inserter-functions", lifecycleState: "ACTIVE", matchingRule }];
}

/** Statements in the root, and whether they are held against the group of CI. */
const broad: [string, boolean][] = [
  ["Allow group CI-CD-Deployers to manage repos in tenancy", true],
  ["allow group ci-cd-deployers to manage all-resources in tenancy", true],
  ["Allow group 'Default'/'CI-CD-Deployers' to manage repos in tenancy", true],
  ["Allow group Others, CI-CD-Deployers to manage repos in tenancy", true],
  [`Allow group CI-CD-Deployers to manage repos in compartment id ${TENANCY}`, true],
  ["Allow group CI-CD-Deployers to {REPOSITORY_READ, REPOSITORY_MANAGE} in tenancy", true],
  ["Allow group CI-CD-Deployers to {REPOSITORY_READ} in tenancy", false],
  [`Allow group CI-CD-Deployers to manage repos ${HERE}`, false],
  ["ALLOW GROUP Administrators to manage all-resources IN TENANCY", false],
  ["Allow group 'Default'/'Administrators' to manage all-resources in tenancy", false],
  ["Allow group Network-Admins to manage repos in tenancy", false],
  ["Allow group 'Other'/'CI-CD-Deployers' to manage repos in tenancy", false],
  ["Allow dynamic-group CI-CD-Deployers to manage repos in tenancy", false],
  ["Allow group CI-CD-Deployers to read repos in tenancy", false],
  ["Allow group CI-CD-Deployers to manage repos in compartment Shared", false],
  ["Allow group CI-CD-Deployers to manage repos in tenancy where target.repo.name = 'postgres-inserter'", false],
  ["Endorse group CI-CD-Deployers to manage repos in any-tenancy", false],
];

suite("rights over the whole tenancy", () => {
  for (const [statement, wrong] of broad) {
    test(`${statement}: ${wrong ? "too broad for CI" : "no finding"}`, async () => {
      const lines = await examineWith({ [AT.rootPolicies]: [policyOf(statement)] });
      assert.equal(marked(lines, "✖").length, wrong ? 1 : 0, lines.join("\n"));
      assert.equal(/delete|take .* out/.test(lines.join("\n")), wrong);
    });
  }

  for (const [ciGroup, statement] of [
    ["Default/CI-CD-Deployers", "Allow group CI-CD-Deployers to manage repos in tenancy"],
    ["Builders/CI", "Allow group 'Builders'/'CI' to manage repos in tenancy"],
    // As it is left of one in quotes.
    ["Builders'/'CI", "Allow group builders/ci to manage repos in tenancy"],
  ] as const)
    test(`are found for the group ${ciGroup}`, async () => {
      const other = "Allow group CI to manage repos in tenancy";
      const lines = await examineWith({ [AT.rootPolicies]: [policyOf(statement, other)] }, ciGroup);
      assert.deepEqual(marked(lines, "✖"), [`✖ A group may manage repositories in the whole tenancy: ${statement}`]);
    });

  test("are nobody's to take from a group that has others in its statement", async () => {
    const statement = "Allow group Others, CI-CD-Deployers to manage repos in tenancy";
    const lines = await examineWith({ [AT.rootPolicies]: [policyOf(statement)] });
    assert.match(lines.join("\n"), /take CI-CD-Deployers out of that statement/);
    assert.doesNotMatch(lines.join("\n"), /delete/);
  });
});

function policyOf(...statements: string[]) {
  return { id: "ocid1.policy.oc1..one", name: "one", lifecycleState: "ACTIVE", statements };
}

/** The lines of a good world with other answers; the function does not answer. */
function examineWith(others: object, ciGroup?: string): Promise<string[]> {
  const world = goodWorld();
  world.smoke = { code: "NotAuthorizedOrNotFound", meaning: "It may not be invoked." };
  Object.assign(world.answers, others);
  return examine(world, settingsForTests(), ciGroup);
}
