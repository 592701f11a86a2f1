import assert from "node:assert/strict";
import { type Example, faultsBy, type Response } from "./openapi.ts";

/** Of any answer by HTTP, and of the gateway's own. */
const COMMON = [
  ...["connection", "content-length", "content-type", "date", "keep-alive", "transfer-encoding"],
  "opc-request-id",
];

/** What the document says of an answer. */
interface Documented {
  method: string;
  status: number;
  response: Response;
  example: Example;
  type: string;
  schema: object;
}

/** Holds an answer against what the document says of it, and returns its body. */
export async function assertAnswer(
  answer: globalThis.Response,
  { method, status, response, example, type, schema }: Documented,
): Promise<string> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  assert.equal(answer.headers.get("content-type"), type);
  assertHeaders(answer.headers, response.headers);
  if (method === "HEAD") {
    assert.equal(text, "");
    return text;
  }
  const value = JSON.parse(text);
  assert.deepEqual(faultsBy(schema, value), []);
  assert.deepEqual(withoutChance(value), withoutChance(example.value));
  if (status >= 400) assert.equal(value.status ?? value.code, status);
  return text;
}

function assertHeaders(headers: Headers, documented: Response["headers"] = {}): void {
  const names = Object.keys(documented).map((name) => name.toLowerCase());
  for (const name of headers.keys()) assert(COMMON.includes(name) || names.includes(name), `${name} is not documented`);
  for (const [name, { required, schema }] of Object.entries(documented)) {
    const value = headers.get(name);
    assert(value !== null || !required, `${name} is missing`);
    if (value !== null) assert.deepEqual(faultsBy(schema, value), []);
  }
}

/** Without the values that are others each time. */
function withoutChance(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, member: unknown) => {
    if (key === "ids") return (member as unknown[]).map((id) => typeof id);
    return ["id", "callId", "created_at"].includes(key) ? typeof member : member;
  });
}
