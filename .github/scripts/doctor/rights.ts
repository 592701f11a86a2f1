import { type Attached, type Request, type RightsFacts, rate, readStatements, same } from "./access.ts";
import { chainOf } from "./compartment.ts";
import { bad, dataOf, type Finding, look, missing, ok, reasonOf, unknown } from "./finding.ts";
import { takesIn } from "./matching-rule.ts";
import { all, any, type Verdict } from "./verdict.ts";

const BOOTSTRAP = "npm run bootstrap, as an administrator";

export function judgeRights(facts: RightsFacts, request: Request): Finding[] {
  const statements = readStatements(facts);
  const reading = judgeReading(facts, statements, request);
  const groupless = judgeReading({ ...facts, groups: { data: [] } }, statements, request);
  return [...judgeGroups(facts, request, groupless), reading, ...judgeCiGroup(statements, request)];
}

/** @param groupless whether the function may read its secret without a dynamic group */
function judgeGroups({ groups }: RightsFacts, { member }: Request, groupless: Finding): Finding[] {
  return look("Dynamic group", groups, (found) => {
    const fitting = (verdict: Verdict) => found.find(({ matchingRule }) => takesIn(matchingRule, member) === verdict);
    const lasting = found.find(
      ({ matchingRule }) =>
        all([takesIn(matchingRule, member), takesIn(matchingRule, { ...member, id: "" })]) === "yes",
    );
    if (lasting) return [ok(`Dynamic group ${lasting.name} takes in the compartment's functions`)];
    if (groupless.mark === "✔") return [ok("The function's rights need no dynamic group")];
    const byId = fitting("yes");
    if (byId)
      return [
        unknown(
          "Dynamic group",
          `${byId.name} names the function by its OCID, so one that is made anew is not in it; ${BOOTSTRAP}, makes one that lasts`,
        ),
      ];
    const unclear = fitting("unknown");
    if (unclear)
      return [
        unknown(
          "Dynamic group",
          `whether ${unclear.name} takes in the function cannot be told from its rule: ${unclear.matchingRule}`,
        ),
      ];
    if (groupless.mark === "?")
      return [
        unknown("Dynamic group", "none takes in functions of the compartment; whether one is needed cannot be told"),
      ];
    return [missing("No dynamic group takes in functions of the compartment: the function has no rights", BOOTSTRAP)];
  });
}

/** Whether a policy lets the function read its secret, and no deny statement keeps it from it. */
function judgeReading(facts: RightsFacts, statements: readonly Attached[], request: Request): Finding {
  const { groups, policies } = facts;
  const rated = statements.map((one) => ({ ...one, ...rate(one, facts, request) }));
  const allowing = rated.filter((one) => one.effect === "allow");
  const denying = rated.find((one) => one.effect === "deny" && one.verdict !== "no");
  const granted = any(allowing.map((one) => one.verdict));
  if (granted === "yes" && denying)
    return unknown("Policy", `it lets the function read its secret, unless this keeps it from it: ${denying.text}`);
  if (granted === "yes") return ok("A policy lets the function read its secret");
  if (policies.length === 0) return unknown("Policy", "none could be looked for: set OCI_CLI_TENANCY");
  if (!groups || "error" in groups)
    return unknown("Policy", "it names a dynamic group, and this user may not see those");
  if (granted === "unknown") {
    const unclear = allowing.find((one) => one.verdict === "unknown");
    return unknown(
      "Policy",
      `whether this lets the function read its secret cannot be told from here: ${unclear?.text}`,
    );
  }
  const hidden = policies.map(({ answer }) => answer).find((answer) => "error" in answer);
  if (hidden && "error" in hidden) return unknown("Policy", `not all of them could be read: ${reasonOf(hidden.error)}`);
  if (!isWhole(facts, request))
    return unknown("Policy", "those of the compartments above the secret's could not be looked for");
  if (allowing.some((one) => one.otherSecret))
    return missing(
      "The policy lets the function read another secret than its own",
      `${BOOTSTRAP}, with DB_SECRET_OCID=${request.secret.id}`,
    );
  if (allowing.some((one) => one.otherCompartment))
    return missing("The policy lets the function read secrets of another compartment than its own", BOOTSTRAP);
  return missing("No policy lets the function read its secret", BOOTSTRAP);
}

/** Whether the policies of each compartment that can grant it were looked at. */
function isWhole({ compartments, policies }: RightsFacts, { secret }: Request): boolean {
  const chain = secret.compartment === undefined ? undefined : chainOf(secret.compartment, dataOf(compartments));
  return chain?.every((id) => policies.some(({ compartment }) => compartment === id)) ?? false;
}

/** Rights over the whole tenancy that the workflows do not need. Other groups' rights are their own matter. */
function judgeCiGroup(statements: readonly Attached[], { ciGroup }: Request): Finding[] {
  const [name = "", domain = "Default"] = ciGroup.replaceAll(/['"]/g, "").split("/").reverse();
  return statements.flatMap(({ text, policy, read }) => {
    if (!read || read === "other" || read.effect !== "allow" || read.condition || read.location.kind !== "tenancy")
      return [];
    const { grant, subjects } = read;
    const manages =
      "permissions" in grant
        ? grant.permissions.includes("REPOSITORY_MANAGE")
        : grant.verb === "manage" && ["repos", "all-resources"].includes(grant.resource);
    if (!manages) return [];
    const own = subjects.filter(
      (one) => one.kind === "group" && "name" in one && same(one.domain ?? "Default", domain) && same(one.name, name),
    );
    // The administrators' own policy cannot be changed.
    if (own.length === 0 || same(name, "Administrators")) return [];
    const then =
      own.length === subjects.length ? "delete that statement from" : `take ${ciGroup} out of that statement in`;
    return [
      bad(
        `A group may manage repositories in the whole tenancy: ${text}`,
        `${BOOTSTRAP}, which limits it to the compartment; then ${then} the policy ${policy.name}:`,
        `oci iam policy update --policy-id ${policy.id} --version-date "" --force --statements '<the others>'`,
      ),
    ];
  });
}
