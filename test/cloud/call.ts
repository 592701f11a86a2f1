import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { ApiError, sendJson } from "../platform/api.ts";
import type { Resource } from "./store.ts";

/** A request of the API whose signature was checked. */
export interface Call {
  method: string;
  /** Without the API's version. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: a body is checked against the SDK's models
  details: any;
}

/** An answer; an asynchronous change has no body. */
export interface Reply {
  status: number;
  body?: object | string;
  headers?: Record<string, string>;
}

export function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  if (body) sendJson(response, status, body as object, headers);
  else response.writeHead(status, { "content-length": 0, ...headers }).end();
}

/** @throws {ApiError} 412 where the caller has read an older state than this one */
export function checkEtag({ headers }: Call, resource: Resource): void {
  const wanted = headers["if-match"];
  if (wanted && wanted !== "*" && wanted !== String(resource.etag))
    throw new ApiError(412, "NoEtagMatch", "The resource has changed since it was read.");
}

export function notImplemented({ method, path }: Pick<Call, "method" | "path">): ApiError {
  return new ApiError(501, "NotImplemented", `The local cloud has no ${method} ${path}`);
}
