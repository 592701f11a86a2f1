import { randomBytes } from "node:crypto";
import { ApiError, createApi, sendJson } from "./api.ts";
import { listen } from "./port.ts";

/** https://zipkin.io/zipkin-api/#/default/post_spans. Times are microseconds. */
export interface Span {
  traceId: string;
  id: string;
  parentId?: string;
  name: string;
  kind: string;
  timestamp: number;
  duration: number;
  localEndpoint: { serviceName: string };
  tags: Record<string, string>;
}

export interface Collector {
  /** As the platform hands it to the function: with the domain's data key. */
  url: string;
  dataKey: string;
  /** The spans of each request, of those too that were answered badly. */
  readonly requests: Span[][];
  /** Requests that wait for an answer. */
  readonly open: number;
  /** From now on: a status, no answer at all, or a connection that is reset; well again without an argument. */
  answer(how?: { status: number } | "hang" | "reset"): void;
  /** Also what makes it refuse connections. */
  stop(): void;
}

/**
 * The data upload endpoint of an OCI APM domain, which takes spans of Zipkin's version 2.
 *
 * @param onTrace gets the spans of each request
 */
export async function startCollector({ onTrace = (_spans: Span[]): void => undefined } = {}): Promise<Collector> {
  const path = "/20200101/observations/public-span";
  const dataKey = randomBytes(16).toString("hex").toUpperCase();
  const requests: Span[][] = [];
  let how: Parameters<Collector["answer"]>[0];
  let open = 0;
  const server = createApi(async (request, body, response) => {
    const url = new URL(request.url ?? "", "http://collector");
    const { dataFormat, dataFormatVersion, dataKey: given } = Object.fromEntries(url.searchParams);
    if (request.method !== "POST" || url.pathname !== path || dataFormat !== "zipkin" || dataFormatVersion !== "2")
      throw new ApiError(501, "NotImplemented", `The local collector has no ${request.method} ${request.url}`);
    if (given !== dataKey) throw new ApiError(401, "NotAuthenticated", "That is no data key of this domain.");
    open++;
    response.on("close", () => open--);
    const spans: Span[] = JSON.parse(body.toString());
    requests.push(spans);
    onTrace(spans);
    if (how === "reset") response.destroy();
    else if (how !== "hang") sendJson(response, how?.status ?? 200, {});
  });
  const port = await listen(server, 0, "");
  return {
    url: `http://127.0.0.1:${port}${path}?dataFormat=zipkin&dataFormatVersion=2&dataKey=${dataKey}`,
    dataKey,
    requests,
    get open() {
      return open;
    },
    answer: (next) => (how = next),
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
