import type { IncomingMessage, ServerResponse } from "node:http";
import type { CorsPolicy } from "./playable.ts";

/** Answers a browser that asks whether a page may call. https://fetch.spec.whatwg.org/#cors-preflight-request */
export function answerPreflight(policy: CorsPolicy, { method, headers }: IncomingMessage, response: ServerResponse) {
  if (method !== "OPTIONS" || !headers.origin || !headers["access-control-request-method"]) return false;
  if (setCorsHeaders(policy, headers.origin, response)) {
    response.setHeader("access-control-allow-methods", policy.allowedMethods.join(", "));
    response.setHeader("access-control-allow-headers", policy.allowedHeaders.join(", "));
    response.setHeader("access-control-max-age", policy.maxAgeInSeconds);
  }
  response.writeHead(204).end();
  return true;
}

/** Tells a browser that a page of this origin may read the answer; nothing to one of another. */
export function setCorsHeaders(
  { allowedOrigins, exposedHeaders }: CorsPolicy,
  origin: string | undefined,
  response: ServerResponse,
): boolean {
  response.setHeader("vary", "Origin");
  if (!origin || !(allowedOrigins.includes(origin) || allowedOrigins.includes("*"))) return false;
  response.setHeader("access-control-allow-origin", allowedOrigins.includes(origin) ? origin : "*");
  response.setHeader("access-control-expose-headers", exposedHeaders.join(", "));
  return true;
}
