import { type RightsFacts, readStatements } from "./access.ts";
import { covers } from "./compartment.ts";
import { evaluate } from "./condition.ts";
import { bad, dataOf, type Finding, ok, reasonOf, unknown } from "./finding.ts";
import type { Grant, Statement } from "./statement.ts";
import { all, any, type Verdict, verdict } from "./verdict.ts";

/** A service that acts for a resource of its own, and what that needs. */
export interface Caller {
  /** For the reader, such as "the API gateway calls the function". */
  does: string;
  /** What a policy calls it. */
  type: string;
  /** Of the resource that acts. */
  compartment: string;
  /** Where that is which it needs. */
  target: string;
  /** Each of these, by one of the names that stand for it. */
  needs: Need[];
  /** Variables of its request; the others cannot be told. */
  variables: Record<string, string | undefined>;
  mend: string;
}

export interface Need {
  verb: "read" | "use";
  resources: string[];
  permissions: string[];
}

/** To call a function of OCI Functions. */
export const INVOCATION: Need = {
  verb: "use",
  resources: ["fn-invocation", "functions-family", "all-resources"],
  permissions: ["FN_INVOCATION"],
};

/** Whether policies let a service do all that it needs, and no deny statement keeps it from it. */
export function judgeCaller(caller: Caller, facts: Pick<RightsFacts, "compartments" | "policies">): Finding {
  const { does, needs, mend } = caller;
  const what = `Policy by which ${does}`;
  if (facts.policies.length === 0) return unknown(what, "none could be looked for: set OCI_CLI_TENANCY");
  const judged = needs.map((need) => judgeNeed(need, caller, facts));
  const unclear = judged.find(({ verdict }) => verdict === "unknown")?.because;
  switch (all(judged.map((one) => one.verdict))) {
    case "yes":
      return ok(`A policy lets ${does.replace(/(calls|reads)\b/, (verb) => verb.slice(0, -1))}`);
    case "unknown":
      return unknown(what, `it cannot be told from here: ${unclear}`);
    case "no": {
      const hidden = facts.policies.map(({ answer }) => answer).find((answer) => "error" in answer);
      if (hidden && "error" in hidden) return unknown(what, `not all of them could be read: ${reasonOf(hidden.error)}`);
      return bad(`No policy is there by which ${does}`, mend);
    }
  }
}

function judgeNeed(
  need: Need,
  { type, compartment, target, variables }: Caller,
  facts: Pick<RightsFacts, "compartments" | "policies">,
): { verdict: Verdict; because: string | undefined } {
  const known: Record<string, string | undefined> = {
    "request.principal.type": type,
    "request.principal.compartment.id": compartment,
    "request.resource.compartment.id": compartment,
    "target.compartment.id": target,
    ...variables,
  };
  const rated = readStatements(facts).flatMap(({ text, read, attachedTo }) => {
    if (!read || read === "other") return [];
    const verdict = all([
      isCaller(read),
      grants(read.grant, need),
      covers(read.location, attachedTo, target, dataOf(facts.compartments)),
      read.condition ? evaluate(read.condition, (name) => known[name]) : "yes",
    ]);
    return verdict === "no" ? [] : [{ verdict, text, effect: read.effect }];
  });
  const allowing = rated.filter(({ effect }) => effect === "allow");
  const denying = rated.find(({ effect }) => effect === "deny");
  const granted = any(allowing.map(({ verdict }) => verdict));
  if (denying && granted !== "no") return { verdict: "unknown", because: denying.text };
  return { verdict: granted, because: allowing[0]?.text };
}

/** Which resources a dynamic group takes in beside functions is not looked at. */
function isCaller({ subjects }: Statement): Verdict {
  const kinds = subjects.map(({ kind }) => kind);
  if (kinds.includes("any-user")) return "yes";
  return kinds.some((kind) => ["dynamic-group", "resource"].includes(kind)) ? "unknown" : "no";
}

function grants(grant: Grant, { verb, resources, permissions }: Need): Verdict {
  if ("permissions" in grant) return verdict(permissions.every((one) => grant.permissions.includes(one)));
  const enough = ["read", "use", "manage"].slice(verb === "read" ? 0 : 1);
  return verdict(enough.includes(grant.verb) && resources.includes(grant.resource));
}
