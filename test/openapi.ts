import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parse } from "yaml";

/** What is sent for an example of an answer, where that is not its operation's own request. */
export interface Request {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** As JSON, or else the text as it stands. */
  body?: unknown;
  text?: string;
}

export interface Example {
  value: unknown;
  "x-request"?: Request;
}

type Content = Record<string, { schema: object; examples?: Record<string, Example> }>;

export interface Response {
  headers?: Record<string, { required?: boolean; schema: object }>;
  content: Content;
}

interface Operation {
  parameters?: { schema: object; example: unknown }[];
  requestBody?: { content: Content };
  responses: Record<string, Response>;
}

export const document = parse(readFileSync(new URL("../docs/openapi.yaml", import.meta.url), "utf8"));

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strict: true, strictRequired: false });
ajv.addSchema(forAjv({ $defs: document.components.schemas }), "openapi");

const validators = new WeakMap<object, ValidateFunction>();

/** What of a value the schema does not allow. */
export function faultsBy(schema: object, value: unknown): string[] {
  const validate = validators.get(schema) ?? ajv.compile(forAjv(schema));
  validators.set(schema, validate);
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Ajv takes a whole document for a schema where a reference leads into it, and so gets its schemas alone. */
function forAjv(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"openapi#/$defs/'));
}

/** What stands there, or where a reference leads. */
function resolved<T>(part: T | { $ref: string }): T {
  const { $ref } = Object(part);
  if ($ref === undefined) return part as T;
  return $ref
    .split("/")
    .slice(1)
    .reduce((at: Record<string, unknown>, key: string) => at[key], document) as T;
}

function resolvedIn<T>(parts: Record<string, T> = {}): Record<string, T> {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, resolved(part)]));
}

/** Each operation, without references but for those in schemas. */
export const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
    path,
    method: method.toUpperCase(),
    parameters: parameters.map((parameter) => resolved(parameter)),
    requests: requestBody?.content["application/json"],
    responses: Object.entries(resolvedIn(responses)).map(([status, { headers, content }]) => ({
      status: Number(status),
      response: { headers: resolvedIn(headers), content },
    })),
  })),
);

/** Of the contents of an answer the one that the function gives; the gateway's own errors are of another type. */
export function functionsOwn(status: number, { content }: Response) {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return content[type] && { type, ...content[type] };
}

/** Of an error the content that the gateway gives itself. */
export function gatewaysOwn(status: number, { content }: Response) {
  const type = "application/json";
  return status < 400 ? undefined : content[type] && { type, ...content[type] };
}
