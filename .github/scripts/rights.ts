import { get } from "./oci/cli.ts";
import { say } from "./report.ts";
import { type Change, shellLine } from "./resources/change.ts";
import { sameSet } from "./resources/difference.ts";
import { warnUnneeded } from "./resources/unneeded.ts";
import { dynamicGroup, inUse, list, policy } from "./resources.ts";
import { OPTIONAL } from "./rights/optional-policies.ts";
import { dynamicGroupName, policiesFor } from "./rights/policies.ts";
import type { Policy, Rights } from "./rights/policy.ts";

/** Makes the dynamic group and the policies, or sets what differs. @throws {Refusal} */
export async function applyRights(rights: Rights, change: Change): Promise<void> {
  await applyDynamicGroup(rights, change);
  const policies = policiesFor(rights);
  for (const policy of policies) await applyPolicy(policy, rights.home, change);
  for (const at of new Set([rights.compartment, rights.feedCompartment, rights.traceCompartment]))
    await tellUnneededPolicies(at, rights, policies);
}

/** Tells of policies of an earlier run that no variable asks for any more. */
async function tellUnneededPolicies(at: string, { name, home }: Rights, needed: readonly Policy[]): Promise<void> {
  const present = await get(["iam", "policy", "list", "--compartment-id", at, "--all"], list(policy));
  for (const [suffix, variables] of Object.entries(OPTIONAL)) {
    const found = inUse(present.filter((each) => each.name === `${name}-${suffix}`));
    if (!found || needed.some((each) => each.name === found.name)) continue;
    const remove = ["iam", "policy", "delete", "--policy-id", found.id, "--force", ...home];
    warnUnneeded(`The policy ${found.name}`, variables, [shellLine(remove)]);
  }
}

async function applyPolicy(
  { at, name, description, statements }: Policy,
  home: readonly string[],
  change: Change,
): Promise<void> {
  say(`policy ${name}, in ${at}:\n${statements.map((statement) => `  ${statement}`).join("\n")}`);
  const found = inUse(
    await get(["iam", "policy", "list", "--compartment-id", at, "--name", name, "--all"], list(policy)),
  );
  const wanted = ["--statements", JSON.stringify(statements)];
  if (!found) {
    const command = ["iam", "policy", "create", "--compartment-id", at, "--name", name, "--description", description];
    await change(`create the policy ${name}`, [...command, ...wanted, ...home]);
  } else if (!sameSet(found.statements, statements)) {
    for (const gone of found.statements.filter((each) => !statements.includes(each))) say(`  no longer: ${gone}`);
    const command = ["iam", "policy", "update", "--policy-id", found.id, "--version-date", "", "--force"];
    await change(`set the statements of the policy ${name}`, [...command, ...wanted, ...home]);
  } else say(`✔ the policy ${name} is as it should be`);
}

async function applyDynamicGroup({ name, tenancy, compartment, home }: Rights, change: Change): Promise<void> {
  const group = dynamicGroupName(name);
  const rule = `ALL {resource.type = 'fnfunc', resource.compartment.id = '${compartment}'}`;
  say(`dynamic group ${group}: ${rule}`);
  const listed = ["iam", "dynamic-group", "list", "--compartment-id", tenancy, "--name", group, "--all"];
  const found = inUse(await get(listed, list(dynamicGroup)));
  const wanted = ["--matching-rule", rule];
  if (!found) {
    const command = [
      "iam",
      "dynamic-group",
      "create",
      "--name",
      group,
      "--description",
      "Functions of one compartment",
    ];
    await change(`create the dynamic group ${group}`, [...command, ...wanted, ...home]);
  } else if (found.matchingRule !== rule) {
    const command = ["iam", "dynamic-group", "update", "--dynamic-group-id", found.id, "--force"];
    await change(`set the rule of the dynamic group ${group}`, [...command, ...wanted, ...home]);
  } else say(`✔ the dynamic group ${group} is as it should be`);
}
