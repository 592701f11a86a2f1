import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

/**
 * One request that gives spans to a collector, ended when this resolves: nothing of it runs on in a container that is
 * frozen after its answer, and no connection is kept that would be dead after the thaw.
 *
 * @param url holds the data key of the APM domain, so it may be in no log; the code that is returned does not hold it
 * @param limit milliseconds, for all of it
 * @returns why the collector may not have them: the status that it answered, Node.js's code, or TIMEOUT; undefined when it has
 */
export async function postSpans(url: string, spans: readonly object[], limit: number): Promise<string | undefined> {
  if (limit <= 0) return "TIMEOUT";
  const request = url.startsWith("http:") ? requestHttp : requestHttps;
  const body = JSON.stringify(spans);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve("TIMEOUT"), limit);
  try {
    const outgoing = request(url, { method: "POST", agent: false, headers }, ({ statusCode = 0 }) =>
      resolve(statusCode >= 200 && statusCode < 300 ? undefined : String(statusCode)),
    );
    outgoing.on("error", (error) => resolve(codeOf(error)));
    outgoing.end(body);
    return await promise.finally(() => outgoing.destroy());
  } catch (error) {
    return codeOf(error);
  } finally {
    clearTimeout(timer);
  }
}

const codeOf = (error: unknown) => String(Object(error).code ?? "UNREACHABLE");

/** What an operator does about the code that `postSpans` returns. */
export function remedyOf(code: string): string {
  if (/^\d+$/.test(code))
    return "check the application's APM domain: whether it is active, still has its data key, and is below its limit of events; or switch tracing off";
  if (/^ERR_(INVALID|UNESCAPED)/.test(code))
    return "OCI_TRACE_COLLECTOR_URL is not the URL of a collector: take it out of the configuration, since the platform sets it; or switch tracing off";
  return "no action unless it is frequent: then let the subnets reach the APM domain's data upload endpoint (route, egress on 443, DNS), or switch tracing off";
}
