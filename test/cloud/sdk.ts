import { execFileSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { UserError } from "../platform/port.ts";

export interface Field {
  required: boolean;
  /** As the SDK writes it: "str", "list[RouteRule]", "dict(str, str)". */
  type: string;
  /** Of an enum, its values. */
  allowed: readonly string[] | undefined;
}

export interface Model {
  name: string;
  /** By their names in a request. */
  fields: Map<string, Field>;
  /** Which model it really is, by the value of one field. */
  subtypes: { by: string; models: Map<string, string> } | undefined;
}

const models = new Map<string, Model>();
const files = new Map<string, Map<string, string>>();
let folder: string | undefined;

/**
 * Where the Python SDK is that the OCI CLI on the PATH brings: its models are those of the API that this CLI speaks.
 *
 * @throws {UserError} when there is no CLI
 */
export function findSdk(): string {
  folder ??= locate();
  return folder;
}

function locate(): string {
  const oci = (process.env.PATH ?? "")
    .split(delimiter)
    .map((path) => join(path, "oci"))
    .find(isExecutable);
  if (!oci) throw new UserError("The OCI CLI is not on the PATH. Install it: pip install oci-cli");
  // A path too long for a first line stands on the second: '''exec' "/…/python3" "$0" "$@"
  const [first = "", second = ""] = readFileSync(oci, "utf8").split("\n", 2);
  const command = /^'''exec' "?([^" ]+)/.exec(second)?.[1] ?? first.replace(/^#!\s*/, "").trim();
  const [python = "", ...args] = command.split(/\s+/);
  const code = "import importlib.util; print(importlib.util.find_spec('oci').origin)";
  try {
    return dirname(execFileSync(python, [...args, "-c", code], { encoding: "utf8", stdio: "pipe" }).trim());
  } catch {
    throw new UserError(`${oci} is not the OCI CLI of Python, whose models the local cloud checks requests against.`);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A model of the SDK, such as `readModel("functions", "CreateFunctionDetails")`. */
export function readModel(service: string, name: string): Model {
  const key = `${service}.${name}`;
  const model = models.get(key) ?? parse(service, name);
  models.set(key, model);
  return model;
}

function parse(service: string, name: string): Model {
  const file = filesOf(service).get(name);
  if (!file) throw new Error(`the SDK has no model ${service}.${name}`);
  const source = readFileSync(join(findSdk(), service, "models", `${file}.py`), "utf8");
  // A subtype lists what it inherits, and leaves the rules for it to its base.
  const base = /^class \w+\((\w+)\):/m.exec(source)?.[1];
  const inherited = base && base !== "object" ? readModel(service, base).fields : undefined;
  const types = readDict(source, "swagger_types");
  const fields = new Map<string, Field>();
  for (const [property, wire] of readDict(source, "attribute_map")) {
    const allowed = new RegExp(`def ${property}\\(self, ${property}\\):[\\s\\S]*?\\n\\n`)
      .exec(withoutTexts(source))?.[0]
      .match(/allowed_values = \[([^\]]*)\]/)?.[1];
    fields.set(wire, {
      type: types.get(property) ?? "object",
      required:
        inherited?.get(wire)?.required === true ||
        new RegExp(`def ${property}\\(self\\):\\s+"""\\s+\\*\\*\\[Required\\]`).test(source),
      allowed: allowed
        ? [...allowed.matchAll(/"([^"]*)"/g)].map(([, value = ""]) => value)
        : inherited?.get(wire)?.allowed,
    });
  }
  const by = /object_dictionary\['(\w+)'\]/.exec(source)?.[1];
  const subtypes = [...source.matchAll(/if type == '([^']+)':\s+return '(\w+)'/g)];
  return {
    name,
    fields,
    subtypes: by ? { by, models: new Map(subtypes.map(([, value = "", model = ""]) => [value, model])) } : undefined,
  };
}

function withoutTexts(source: string): string {
  return source.replaceAll(/"""[\s\S]*?"""/g, "");
}

function readDict(source: string, name: string): Map<string, string> {
  const body = new RegExp(`self\\.${name} = \\{([^}]*)\\}`).exec(source)?.[1] ?? "";
  return new Map([...body.matchAll(/'(\w+)': '([^']+)'/g)].map(([, key = "", value = ""]) => [key, value]));
}

/** By a model's name, its file. */
function filesOf(service: string): Map<string, string> {
  const known = files.get(service);
  if (known) return known;
  const source = readFileSync(join(findSdk(), service, "models", "__init__.py"), "utf8");
  const all = [...source.matchAll(/^from \.(\w+) import (\w+)$/gm)].map(
    ([, file = "", name = ""]) => [name, file] as const,
  );
  files.set(service, new Map(all));
  return new Map(all);
}
