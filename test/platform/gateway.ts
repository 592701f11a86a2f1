import type { IncomingMessage, ServerResponse } from "node:http";
import type { Specification } from "../../.github/scripts/settings/specification.ts";
import { ApiError, type Handle, sendJson } from "./api.ts";
import { answerPreflight, setCorsHeaders } from "./cors.ts";
import { BODY_LIMIT, type Functions } from "./functions.ts";
import { playable, type Route } from "./playable.ts";
import { createLimiter } from "./rate.ts";
import { createVerifier } from "./token.ts";

/** Headers that belong to one connection and are not passed on by a gateway. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"]);

/**
 * API Gateway, as far as a specification asks for it. Oracle documents the policies, and of a gateway's own answers little:
 * that their bodies are `{"code": status, "message": …}`, that a preflight needs no token, and that another method of a known
 * path finds the next route that fits, is believed.
 *
 * @param functionsOf throws an ApiError where the gateway may not call the function
 * @param onAccess gets a line for each request, where the specification asks for an access log
 * @throws {ApiError} 400 for what is not played here
 */
export function openGateway(
  specification: Specification,
  functionsOf: (id: string) => Functions,
  onAccess: (line: string) => void = () => undefined,
): Handle {
  const { requestPolicies, loggingPolicies, routes } = playable(specification);
  const { authentication, rateLimiting, cors } = requestPolicies;
  const verify = authentication && createVerifier(authentication);
  const admit = rateLimiting && createLimiter(rateLimiting);

  async function answer(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const [path = ""] = url.split(/[?#]/, 1);
    if (cors && answerPreflight(cors, request, response)) return;
    if (cors) setCorsHeaders(cors, headers.origin, response);
    if (admit && !admit(request.socket.remoteAddress ?? "")) return refuse(response, 429, "Too Many Requests");
    const fitting = routes.filter((route) => fits(route, path));
    const route = fitting.find(({ methods }) => methods.includes("ANY") || methods.includes(method));
    if (!route) {
      return fitting.length > 0 ? refuse(response, 405, "Method Not Allowed") : refuse(response, 404, "Not Found");
    }
    const mayCall = !verify || route.authorization === "ANONYMOUS" || (await verify(headers));
    if (!mayCall) return refuse(response, 401, "Unauthorized");
    if (body.length > BODY_LIMIT) return refuse(response, 413, "Request Entity Too Large");
    await callFunction(functionsOf(route.functionId), request, body, response);
  }

  return async (request, body, response) => {
    const started = performance.now();
    try {
      await answer(request, body, response);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refuse(response, error.status, error.message);
    } finally {
      const { method, url, socket } = request;
      const ms = Math.round(performance.now() - started);
      const { statusCode: status } = response;
      const line = { time: new Date(), client: socket.remoteAddress, method, url, status, bytes: body.length, ms };
      if (loggingPolicies.accessLog) onAccess(JSON.stringify(line));
    }
  };
}

/** `{name*}` at the end of a path stands for any number of segments. */
function fits({ path }: Route, asked: string): boolean {
  const prefix = /^(.*\/)\{\w+\*\}$/.exec(path)?.[1];
  return prefix === undefined ? asked === path : asked.startsWith(prefix);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { code: status, message });
}

async function callFunction(functions: Functions, request: IncomingMessage, body: Buffer, response: ServerResponse) {
  const { method = "", url = "", headers } = request;
  const sent = Object.entries(headers).filter(([name, value]) => value !== undefined && !HOP_BY_HOP.has(name));
  const outcome = await functions.invoke({
    body,
    ...(headers["content-type"] && { contentType: headers["content-type"] }),
    gateway: { method, url, headers: Object.fromEntries(sent) as Record<string, string | string[]> },
  });
  if (outcome.code !== undefined)
    return outcome.status === 504 ? refuse(response, 504, "Gateway Timeout") : refuse(response, 502, "Bad Gateway");
  const asked = Number(outcome.headers["fn-http-status"] ?? 200);
  response.statusCode = Number.isInteger(asked) && asked >= 200 && asked <= 599 ? asked : 502;
  response.setHeader("content-type", outcome.headers["content-type"] ?? "application/octet-stream");
  for (const [name, value] of Object.entries(outcome.headers)) {
    if (name.startsWith("fn-http-h-") && value !== undefined)
      response.setHeader(name.slice("fn-http-h-".length), value);
  }
  response.end(outcome.body);
}
