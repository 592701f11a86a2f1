import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ApiError } from "../platform/api.ts";

const require = createRequire(import.meta.url);

interface Field {
  name: string;
  required: boolean;
  type: string;
}

interface Model {
  fields: Field[];
  /** By the name of the enum, its values. */
  enums: Map<string, string[]>;
}

const models = new Map<string, Model>();

/**
 * Checks a request's body against a model of the official SDK, as the service does: required fields, unknown ones, types,
 * and the values of enums.
 *
 * @param sdk the npm package, such as "oci-functions"
 * @param name the model, such as "CreateFunctionDetails"
 * @throws {ApiError} 400 naming the field
 */
export function checkModel(sdk: string, name: string, body: unknown, at = ""): void {
  if (typeof body !== "object" || body === null || Array.isArray(body)) refuse(at || "the body", "must be an object");
  const { fields, enums } = modelOf(sdk, name);
  const given = body as Record<string, unknown>;
  for (const { name: field, required } of fields) {
    if (required && (given[field] === undefined || given[field] === null)) refuse(`${at}${field}`, "is required");
  }
  for (const [key, value] of Object.entries(given)) {
    const field = fields.find((known) => known.name === key);
    if (!field) refuse(`${at}${key}`, `is no field of ${name}`);
    else if (value !== null) checkType(sdk, field.type, enums, value, `${at}${key}`);
  }
}

function checkType(sdk: string, type: string, enums: Map<string, string[]>, value: unknown, at: string): void {
  const array = /^Array<(.+)>$/.exec(type)?.[1];
  const model = /^model\.(\w+)$/.exec(type)?.[1];
  const allowed = enums.get(type.slice(type.lastIndexOf(".") + 1));
  if (array !== undefined) {
    if (!Array.isArray(value)) refuse(at, "must be a list");
    else for (const [index, element] of value.entries()) checkType(sdk, array, enums, element, `${at}[${index}]`);
  } else if (model !== undefined) checkModel(sdk, model, value, `${at}.`);
  else if (allowed !== undefined) {
    if (!allowed.includes(String(value))) refuse(at, `must be one of ${allowed.join(", ")}`);
  } else if (type === "Date") {
    if (value !== "" && Number.isNaN(Date.parse(String(value)))) refuse(at, "must be a date");
  } else if (["string", "number", "boolean"].includes(type)) {
    if (typeof value !== type) refuse(at, `must be a ${type}`);
  } else if (type === "stringMap") {
    for (const [key, each] of Object.entries(value as object)) {
      if (typeof each !== "string") refuse(`${at}.${key}`, "must be a string");
    }
  }
}

function refuse(field: string, why: string): never {
  throw new ApiError(400, "InvalidParameter", `${field} ${why}`);
}

function modelOf(sdk: string, name: string): Model {
  const known = models.get(`${sdk}/${name}`);
  if (known) return known;
  const folder = join(dirname(require.resolve(`${sdk}/package.json`)), "lib", "model");
  const file = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();
  const source = readFileSync(join(folder, `${file}.d.ts`), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const body = /export interface[^{]*\{([\s\S]*?)\n\}/.exec(source)?.[1] ?? "";
  const flat = body
    .replaceAll(/\{\s*\[key: string\]: string;\s*\}/g, "stringMap")
    .replaceAll(/\{[^{}]*\{[\s\S]*?\};?\s*\}/g, "any");
  const fields = [...flat.matchAll(/"(\w+)"(\??): ([^;]+);/g)].map(([, field = "", optional, type = ""]) => {
    return { name: field, required: optional === "", type };
  });
  const enums = new Map<string, string[]>();
  for (const [, title = "", values = ""] of source.matchAll(/enum (\w+) \{([^}]*)\}/g)) {
    const all = [...values.matchAll(/= "([^"]*)"/g)].map(([, value = ""]) => value);
    enums.set(
      title,
      all.filter((value) => value !== "UNKNOWN_VALUE"),
    );
  }
  const model = { fields, enums };
  models.set(`${sdk}/${name}`, model);
  return model;
}
