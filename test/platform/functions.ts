import { randomBytes, randomUUID } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import { fileURLToPath } from "node:url";
import { type Container, type Reply, START_LIMIT, StartError, startContainer } from "./container.ts";
import type { Principal } from "./principal.ts";

/** Of a request's body and of an answer's, bytes. */
export const BODY_LIMIT = 6 * 1024 * 1024;

export interface FunctionsOptions {
  id: string;
  name: string;
  config: Record<string, string>;
  principal: Pick<Principal, "env">;
  command: [string, ...string[]];
  timeoutSeconds: number;
  memory: number;
  /** For a container to listen, milliseconds. */
  startLimit: number;
  /** A container that nobody invokes is ended after this. */
  idleSeconds: number;
  /** And frozen after this, milliseconds: Fn's FN_FREEZE_IDLE_MSECS. */
  pauseAfter: number;
  maxContainers: number;
  /** Tracing by OCI APM is on, and this is where the spans go. */
  tracing?: { collectorUrl: string };
  onLog: (line: string, containerId: string) => void;
}

export const BUNDLE = fileURLToPath(new URL("../../dist/func.js", import.meta.url));

const DEFAULTS = {
  command: [process.execPath, BUNDLE] as [string, ...string[]],
  timeoutSeconds: 60,
  memory: 512,
  startLimit: START_LIMIT,
  idleSeconds: 30,
  pauseAfter: 50,
  maxContainers: 40,
  onLog: () => undefined,
};

export interface Invocation {
  body?: string | Buffer;
  contentType?: string;
  /** Present for a call from API Gateway. */
  gateway?: { method: string; url: string; headers: Record<string, string | string[]> };
  /** Sent on to the container as they are, over what the platform sends itself. */
  headers?: OutgoingHttpHeaders;
}

/** What the platform's caller sees; `code` only where the platform refuses or the function failed. */
export interface Outcome extends Reply {
  code?: string;
  callId: string;
  coldStart: boolean;
  milliseconds: number;
}

export interface Functions {
  readonly options: FunctionsOptions;
  invoke(invocation: Invocation): Promise<Outcome>;
  readonly containers: readonly Container[];
  /** Every line that a container wrote. */
  readonly logs: string[];
  /** Ends all containers, busy ones after their call: the next invoke starts a new one. */
  replace(): void;
  stop(): void;
}

/** OCI Functions: containers come with the load, take one call at a time, freeze when idle, and end. */
export function startFunctions(
  given: Pick<FunctionsOptions, "id" | "name" | "config" | "principal"> & Partial<FunctionsOptions>,
): Functions {
  const options: FunctionsOptions = { ...DEFAULTS, ...given };
  const live = new Map<Container, { busy: boolean; retired: boolean; timers: NodeJS.Timeout[] }>();
  const logs: string[] = [];
  let starting = 0;

  function end(container: Container): void {
    live.get(container)?.timers.forEach(clearTimeout);
    live.delete(container);
    container.kill();
  }

  function rest(container: Container): void {
    const state = live.get(container);
    if (!state) return;
    if (state.retired) {
      end(container);
      return;
    }
    state.busy = false;
    state.timers = [
      setTimeout(() => container.pause(), options.pauseAfter),
      setTimeout(() => end(container), options.idleSeconds * 1_000),
    ];
  }

  async function take(): Promise<{ container: Container; coldStart: boolean } | undefined> {
    for (const [container, state] of live) {
      if (state.busy) continue;
      state.timers.forEach(clearTimeout);
      state.busy = true;
      container.resume();
      return { container, coldStart: false };
    }
    if (live.size + starting >= options.maxContainers) return undefined;
    starting++;
    try {
      const id = randomUUID();
      const env = environment(options);
      const onLine = (line: string) => {
        logs.push(line);
        options.onLog(line, id);
      };
      const container = await startContainer(id, options.command, env, onLine, options.startLimit);
      live.set(container, { busy: true, retired: false, timers: [] });
      return { container, coldStart: true };
    } finally {
      starting--;
    }
  }

  async function invoke(invocation: Invocation): Promise<Outcome> {
    const started = performance.now();
    const callId = randomUUID();
    const body = Buffer.from(invocation.body ?? "");
    let coldStart = false;
    const outcome = (reply: Reply | [status: number, code: string, message: string]): Outcome => {
      const common = { callId, coldStart, milliseconds: performance.now() - started };
      if (!Array.isArray(reply)) return { ...reply, ...common };
      const [status, code, message] = reply;
      return { status, code, headers: {}, body: Buffer.from(JSON.stringify({ code, message })), ...common };
    };
    if (body.length > BODY_LIMIT)
      return outcome([413, "FunctionInvokeRequestContentTooLarge", "the body is above 6 MB"]);

    let taken: Awaited<ReturnType<typeof take>>;
    try {
      taken = await take();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (error.timedOut)
        return outcome([504, "FunctionInvokeContainerInitTimeout", "Container initialization timed out"]);
      return outcome([502, "FunctionInvokeContainerInitFail", "Container failed to initialize"]);
    }
    if (!taken) return outcome([429, "TooManyRequests", "the limit of concurrent containers is reached"]);

    const { container: running } = taken;
    coldStart = taken.coldStart;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      end(running);
    }, options.timeoutSeconds * 1_000);
    try {
      return outcome(judge(running, await running.call(headersOf(invocation, callId, options), body), end));
    } catch {
      end(running);
      if (timedOut) return outcome([504, "FunctionInvokeTimeout", "Timed out"]);
      return outcome([502, "FunctionInvokeExecutionError", "error receiving function response"]);
    } finally {
      clearTimeout(timer);
      rest(running);
    }
  }

  return {
    options,
    invoke,
    get containers() {
      return [...live.keys()];
    },
    logs,
    replace() {
      for (const [container, state] of live) {
        if (state.busy) state.retired = true;
        else end(container);
      }
    },
    stop() {
      for (const container of [...live.keys()]) end(container);
    },
  };
}

/** The platform knows three statuses of a container, and drops the body of all but 200. */
function judge(
  container: Container,
  reply: Reply,
  end: (container: Container) => void,
): Reply | [number, string, string] {
  switch (reply.status) {
    case 200:
      if (reply.body.length <= BODY_LIMIT) return reply;
      return [502, "FunctionInvokeResponseBodyTooLarge", "the answer is above 6 MB"];
    case 502:
      return [502, "FunctionInvokeExecutionFailed", "function failed"];
    case 504:
      return [504, "FunctionInvokeTimeout", "Timed out"];
    default:
      end(container);
      return [502, "FunctionInvokeInvalidResponse", "invalid function response"];
  }
}

const randomId = () => randomBytes(8).toString("hex");

function environment(options: FunctionsOptions): Record<string, string> {
  const { id, name, memory, config, principal, tracing } = options;
  const own = { FN_FN_ID: id, FN_FN_NAME: name, FN_APP_ID: `${id}.app`, FN_APP_NAME: name, FN_TYPE: "sync" };
  const traced = {
    OCI_TRACING_ENABLED: tracing ? "1" : "0",
    ...(tracing && { OCI_TRACE_COLLECTOR_URL: tracing.collectorUrl }),
  };
  return { ...own, FN_MEMORY: String(memory), ...principal.env, ...traced, ...config };
}

function headersOf(invocation: Invocation, callId: string, options: FunctionsOptions): OutgoingHttpHeaders {
  const { timeoutSeconds, tracing } = options;
  const headers: OutgoingHttpHeaders = {
    "Fn-Call-Id": callId,
    "Fn-Deadline": new Date(Date.now() + timeoutSeconds * 1_000).toISOString(),
    "Content-Type": invocation.contentType ?? "application/json",
  };
  // A direct call has no more of them, as a live one showed: no X-B3-Sampled, no X-B3-ParentSpanId.
  if (tracing) Object.assign(headers, { "X-B3-TraceId": randomId(), "X-B3-SpanId": randomId() });
  if (invocation.gateway) {
    const { method, url, headers: sent } = invocation.gateway;
    Object.assign(headers, { "Fn-Intent": "httprequest", "Fn-Http-Method": method, "Fn-Http-Request-Url": url });
    for (const [name, value] of Object.entries(sent)) headers[`Fn-Http-H-${name}`] = value;
  }
  return { ...headers, ...invocation.headers };
}
