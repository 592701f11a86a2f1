import type { Answer } from "../oci/cli.ts";
import { type Compartment, covers } from "./compartment.ts";
import { type Condition, evaluate, type Variables } from "./condition.ts";
import { dataOf } from "./finding.ts";
import { type Member, takesIn } from "./matching-rule.ts";
import { type Grant, readStatement, type Statement, type Subject } from "./statement.ts";
import { all, any, type Verdict, verdict } from "./verdict.ts";

export interface Group {
  id: string;
  name: string;
  matchingRule: string;
}

export interface Policies {
  /** The compartment that they are attached to. */
  compartment: string;
  answer: Answer<{ id: string; name: string; statements: string[] }[]>;
}

export interface RightsFacts {
  compartments: Answer<Compartment[]> | undefined;
  /** Of the default identity domain. */
  groups: Answer<Group[]> | undefined;
  policies: Policies[];
}

/** Whose rights are judged, and to what. */
export interface Request {
  member: Member;
  secret: { id: string | undefined; name: string | undefined; compartment: string | undefined };
  /** The name of the group of CI, its domain's before it where that is not the default one. */
  ciGroup: string;
}

/** A statement, where it stands. */
export interface Attached {
  text: string;
  attachedTo: string;
  policy: { id: string; name: string };
  read: ReturnType<typeof readStatement>;
}

export function readStatements({ policies }: Pick<RightsFacts, "policies">): Attached[] {
  return policies.flatMap(({ compartment, answer }) =>
    (dataOf(answer) ?? []).flatMap((policy) =>
      policy.statements.map((text) => ({ text, attachedTo: compartment, policy, read: readStatement(text) })),
    ),
  );
}

/** What a statement says of the function's reading its secret. */
export interface Rating {
  effect: "allow" | "deny" | undefined;
  verdict: Verdict;
  /** It would, were it another secret or another compartment. */
  otherSecret?: boolean;
  otherCompartment?: boolean;
}

export function rate({ text, read, attachedTo }: Attached, facts: RightsFacts, request: Request): Rating {
  if (read === "other") return { effect: undefined, verdict: "no" };
  if (read === undefined)
    return {
      effect: /^\s*deny\b/i.test(text) ? "deny" : "allow",
      verdict: /secret|all-resources/i.test(text) ? "unknown" : "no",
    };
  const { secret } = request;
  const who = any(read.subjects.map((subject) => isSubject(subject, facts.groups, request.member)));
  const what = grantsReading(read.grant, read.effect);
  const where = covers(read.location, attachedTo, secret.compartment, dataOf(facts.compartments));
  const when = meets(read.condition, variablesOf(request));
  const ofAnySecret = { ...request, secret: { ...secret, id: undefined, name: undefined } };
  const besides = all([who, what, meets(read.condition, variablesOf(ofAnySecret))]) !== "no";
  return {
    effect: read.effect,
    verdict: all([who, what, where, when]),
    otherSecret: besides && where !== "no" && when === "no",
    otherCompartment: besides && where === "no",
  };
}

function isSubject(subject: Subject, groups: RightsFacts["groups"], member: Member): Verdict {
  if (subject.kind === "any-user" || subject.kind === "any-group") return "yes";
  if (subject.kind === "resource") return "unknown";
  if (subject.kind !== "dynamic-group") return "no";
  const known = dataOf(groups);
  // Those of other domains are in no list that is read here.
  if (!known || ("domain" in subject && !isDefault(subject.domain))) return "unknown";
  const found = known.find((group) => ("id" in subject ? group.id === subject.id : same(group.name, subject.name)));
  if (found) return takesIn(found.matchingRule, member);
  return "id" in subject ? "unknown" : "no";
}

const VERBS = ["inspect", "read", "use", "manage"];

function grantsReading(grant: Grant, effect: Statement["effect"]): Verdict {
  if ("permissions" in grant) return verdict(grant.permissions.includes("SECRET_BUNDLE_READ"));
  if (!["secret-bundles", "secret-family", "all-resources"].includes(grant.resource)) return "no";
  // What a denied verb takes along is not documented.
  return effect === "deny" ? "unknown" : verdict(VERBS.indexOf(grant.verb) >= VERBS.indexOf("read"));
}

function meets(condition: Condition | undefined, variables: Variables): Verdict {
  return condition ? evaluate(condition, variables) : "yes";
}

/** The function's request for its secret. */
function variablesOf({ member, secret }: Request): Variables {
  const known: Record<string, string | undefined> = {
    "request.principal.type": "fnfunc",
    "request.principal.id": member.id || undefined,
    "request.principal.compartment.id": member.compartmentId,
    "request.operation": "GetSecretBundle",
    "request.permission": "SECRET_BUNDLE_READ",
    "target.secret.id": secret.id,
    "target.secret.name": secret.name,
    "target.compartment.id": secret.compartment,
  };
  return (name) => {
    if (name in known) return known[name];
    // A function is no user, and the secret none of these.
    return /^(request\.(user|groups)\.|target\.(repo|bucket|object|group|user)\.)/.test(name) ? null : undefined;
  };
}

/** Whether a name is of the default identity domain. */
function isDefault(domain: string | undefined): boolean {
  return domain === undefined || same(domain, "Default");
}

export function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
