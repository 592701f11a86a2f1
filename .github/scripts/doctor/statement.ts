/** https://docs.oracle.com/en-us/iaas/Content/Identity/policysyntax/policy-syntax.htm */
import { type Condition, readCondition } from "./condition.ts";
import { createReader, type Reader } from "./reader.ts";

export interface Statement {
  effect: "allow" | "deny";
  subjects: Subject[];
  grant: Grant;
  location: Location;
  condition: Condition | undefined;
}

export type Subject =
  | { kind: "any-user" | "any-group" }
  | { kind: SubjectKind; id: string }
  | { kind: SubjectKind; domain: string | undefined; name: string };
type SubjectKind = "group" | "dynamic-group" | "service" | "resource";

export type Grant = { verb: string; resource: string } | { permissions: string[] };

export type Location = { kind: "tenancy" } | { kind: "id"; id: string } | { kind: "path"; path: string[] };

const NAME = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s,:/{}'"]+/;
const BLANK = /(?=[\s{]|$)/;

/** "other" is a statement that grants nothing within the tenancy; undefined one that cannot be read. */
export function readStatement(text: string): Statement | "other" | undefined {
  const reader = createReader(text);
  const effect = keyword(reader, "allow|deny|admit|endorse|define");
  if (effect && effect !== "allow" && effect !== "deny") return "other";
  if (effect === "deny" && keyword(reader, "admit|endorse")) return "other";
  if (effect !== "allow" && effect !== "deny") return undefined;
  const subjects = readSubjects(reader);
  const to = keyword(reader, "to");
  const grant = readGrant(reader);
  if (!subjects || !grant || (!to && !("permissions" in grant)) || !keyword(reader, "in")) return undefined;
  const location = readLocation(reader);
  if (!location) return undefined;
  if (reader.atEnd()) return { effect, subjects, grant, location, condition: undefined };
  if (!keyword(reader, "where")) return undefined;
  return { effect, subjects, grant, location, condition: readCondition(reader.rest()) };
}

function readSubjects(reader: Reader): Subject[] | undefined {
  const subjects: Subject[] = [];
  let kind: string | undefined;
  do {
    kind = keyword(reader, "any-user|any-group|dynamic-group|group|service|resource") ?? kind;
    const subject = readSubject(reader, kind);
    if (!subject) return undefined;
    subjects.push(subject);
  } while (reader.take(/,/));
  return subjects;
}

function readSubject(reader: Reader, kind: string | undefined): Subject | undefined {
  if (kind === "any-user" || kind === "any-group") return { kind };
  if (!isSubjectKind(kind)) return undefined;
  const byId = keyword(reader, "id");
  const name = readName(reader);
  if (name === undefined) return undefined;
  if (byId || name.startsWith("ocid1.")) return { kind, id: name };
  if (!reader.take(/\//)) return { kind, domain: undefined, name };
  const within = readName(reader);
  return within === undefined ? undefined : { kind, domain: name, name: within };
}

function isSubjectKind(kind: string | undefined): kind is SubjectKind {
  return kind === "group" || kind === "dynamic-group" || kind === "service" || kind === "resource";
}

function readGrant(reader: Reader): Grant | undefined {
  const list = reader.take(/\{[^{}]*\}/);
  if (list)
    return {
      permissions: list
        .toUpperCase()
        .split(/[{},\s]+/)
        .filter(Boolean),
    };
  const verb = keyword(reader, "inspect|read|use|manage");
  const resource = reader.take(/[\w-]+/)?.toLowerCase();
  return verb && resource ? { verb, resource } : undefined;
}

function readLocation(reader: Reader): Location | undefined {
  if (keyword(reader, "tenancy")) return { kind: "tenancy" };
  if (!keyword(reader, "compartment")) return undefined;
  const byId = keyword(reader, "id");
  const path: string[] = [];
  do {
    const name = readName(reader);
    if (name === undefined) return undefined;
    path.push(name);
  } while (reader.take(/:/));
  const [first = ""] = path;
  if (first.startsWith("ocid1.tenancy.")) return { kind: "tenancy" };
  return byId || first.startsWith("ocid1.") ? { kind: "id", id: first } : { kind: "path", path };
}

/** A name without its quotes. */
function readName(reader: Reader): string | undefined {
  return reader
    .take(NAME)
    ?.replace(/^(['"])(.*)\1$/s, "$2")
    .replaceAll(/\\(.)/gs, "$1");
}

function keyword(reader: Reader, words: string): string | undefined {
  return reader.take(new RegExp(`(?:${words})${BLANK.source}`, "i"))?.toLowerCase();
}
