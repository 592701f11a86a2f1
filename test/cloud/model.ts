import { ApiError } from "../platform/api.ts";
import { type Field, readModel } from "./sdk.ts";

/**
 * Checks a request's body against a model of the official SDK, as the service does: required fields, unknown ones, types,
 * the values of enums, and subtypes by their discriminator.
 *
 * @param service of the SDK, such as "functions"
 * @param name the model, such as "CreateFunctionDetails"
 * @throws {ApiError} 400 naming the field
 */
export function checkModel(service: string, name: string, body: unknown, at = ""): void {
  if (!isObject(body)) refuse(at || "the body", "must be an object");
  const prefix = at && `${at}.`;
  const { fields, subtypes } = readModel(service, name);
  for (const [field, { required }] of fields) {
    if (required && (body[field] ?? null) === null) refuse(`${prefix}${field}`, "is required");
  }
  const subtype = subtypes?.models.get(String(body[subtypes.by]));
  if (subtype !== undefined) {
    checkModel(service, subtype, body, at);
    return;
  }
  for (const [key, value] of Object.entries(body)) {
    const field = fields.get(key);
    if (!field) refuse(`${prefix}${key}`, `is no field of ${name}`);
    if (value !== null) checkField(service, field, value, `${prefix}${key}`);
  }
}

function checkField(service: string, { type, allowed }: Field, value: unknown, at: string): void {
  for (const one of allowed ? [value].flat() : []) {
    if (!allowed?.includes(String(one))) refuse(at, `must be one of ${allowed?.join(", ")}`);
  }
  checkType(service, type, value, at);
}

function checkType(service: string, type: string, value: unknown, at: string): void {
  const element = /^list\[(.+)\]$/.exec(type)?.[1];
  const inner = /^dict\(str, (.+)\)$/.exec(type)?.[1];
  if (element !== undefined) {
    if (!Array.isArray(value)) refuse(at, "must be a list");
    for (const [index, one] of value.entries()) checkType(service, element, one, `${at}[${index}]`);
  } else if (inner !== undefined) {
    if (!isObject(value)) refuse(at, "must be an object");
    for (const [key, one] of Object.entries(value)) checkType(service, inner, one, `${at}.${key}`);
  } else if (type === "int") {
    if (!Number.isInteger(value)) refuse(at, "must be a whole number");
  } else if (type === "datetime" || type === "date") {
    if (typeof value !== "string" || Number.isNaN(Date.parse(value))) refuse(at, "must be a date");
  } else if (type in PLAIN) {
    if (typeof value !== PLAIN[type]) refuse(at, `must be a ${PLAIN[type]}`);
  } else if (type !== "object") checkModel(service, type, value, at);
}

const PLAIN: Readonly<Record<string, string>> = { str: "string", bool: "boolean", float: "number" };

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(field: string, why: string): never {
  throw new ApiError(400, "InvalidParameter", `${field} ${why}`);
}
