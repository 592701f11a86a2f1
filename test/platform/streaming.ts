import type { ServerResponse } from "node:http";
import { ApiError, sendJson } from "./api.ts";
import type { Entry, Stream } from "./stream.ts";

/** Of a request's messages together, bytes: the service's 1 MiB. */
const PUT_LIMIT = 1024 * 1024;

/** `PutMessages` of the Streaming API, for a request whose signature was checked. How errors are worded is believed. */
export function answerPut(stream: Stream, body: Buffer, response: ServerResponse): void {
  const entries = readEntries(body);
  const size = entries.reduce((sum, { key, value }) => sum + value.length + (key?.length ?? 0), 0);
  if (size > PUT_LIMIT) throw invalid(`the messages have ${size} bytes, and ${PUT_LIMIT} is the most of a request`);
  const placed = stream.put(entries).map(({ partition, offset, timestamp }) => {
    return { partition, offset, timestamp: new Date(timestamp).toISOString(), error: null, errorMessage: null };
  });
  sendJson(response, 200, { failures: 0, entries: placed });
}

function readEntries(body: Buffer): Entry[] {
  let json: { messages?: unknown };
  try {
    json = Object(JSON.parse(body.toString()));
  } catch {
    throw invalid("the body is not JSON");
  }
  if (!Array.isArray(json.messages)) throw invalid("messages must be an array");
  return json.messages.map((message: { key?: unknown; value?: unknown } | null, index) => {
    const key = message?.key ?? null;
    return {
      key: key === null ? null : fromBase64(key, `messages[${index}].key`),
      value: fromBase64(message?.value, `messages[${index}].value`),
    };
  });
}

function fromBase64(text: unknown, where: string): Buffer {
  if (typeof text === "string") {
    const bytes = Buffer.from(text, "base64");
    if (bytes.toString("base64") === text) return bytes;
  }
  throw invalid(`${where} must be base64`);
}

function invalid(message: string): ApiError {
  return new ApiError(400, "InvalidParameter", `The local Streaming refuses it: ${message}.`);
}
