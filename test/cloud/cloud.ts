import { ApiError, createApi, type Handle, sendJson } from "../platform/api.ts";
import { type Collector, type Span, startCollector } from "../platform/collector.ts";
import { answerInvoke } from "../platform/doors.ts";
import type { Functions } from "../platform/functions.ts";
import type { Delivery } from "../platform/hub.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { listen } from "../platform/port.ts";
import { checkSignature } from "../platform/signature.ts";
import { answerPut } from "../platform/streaming.ts";
import { changeByWork } from "./asynchronous.ts";
import { type Call, notImplemented, type Reply, send } from "./call.ts";
import { Connectors } from "./connectors.ts";
import { Deployed } from "./deployed.ts";
import { Domain } from "./domain.ts";
import { Faults } from "./fault.ts";
import { putIntoQueue, queueOf, streamOf } from "./feeds.ts";
import { Management } from "./functions.ts";
import { Gateways } from "./gateways.ts";
import { requireHome, subscriptions } from "./home.ts";
import { kindOf, VERSIONS } from "./kind.ts";
import { Registry } from "./registry.ts";
import { changeResource, readResources } from "./resource.ts";
import { Store } from "./store.ts";
import { createUser, type User } from "./user.ts";
import { WorkRequests } from "./work.ts";

export const REGION = "eu-frankfurt-1";
export const TENANCY = "ocid1.tenancy.oc1..local";

export interface Cloud extends AsyncDisposable {
  url: string;
  store: Store;
  registry: Registry;
  domain: Domain;
  platform: Platform;
  /** Where a function's traces go, if it is traced; it stands for the data upload endpoint of each APM domain. */
  collector: Collector;
  user: User;
  compartmentId: string;
  /** Where rights may be changed; elsewhere that is refused. */
  homeRegion: string;
  /** For a client of it: the OCI CLI's own variables. */
  env: Record<string, string>;
  /** What was asked of it, such as "PUT /functions/ocid1…". */
  requests: string[];
  /** Each line of the API gateways' access log. */
  accessLog: string[];
  /** The content of the secret, as a reader of it gets it from the cloud's own door: text or bytes as they are, else JSON. */
  secret: string | Uint8Array | object;
  fault: Faults["order"];
  /** The next change of this sort is accepted, and its work request fails. */
  failNext: WorkRequests["failNext"];
  /** What runs of a function that is deployed. */
  functions(id: string): Functions;
  stop(): Promise<void>;
}

/**
 * OCI's control plane, as far as a deployment goes, before a platform that runs what is deployed.
 *
 * @param onLog gets each line that a deployed function writes
 * @param onDelivery gets each try of a connector, by its name, to deliver
 * @param onTrace gets the spans of each invocation that is traced
 */
export async function startCloud({
  onLog = (_line: string): void => undefined,
  onDelivery = (_connector: string, _delivery: Delivery): void => undefined,
  onTrace = (_spans: Span[]): void => undefined,
} = {}): Promise<Cloud> {
  const platform = await startPlatform();
  const collector = await startCollector({ onTrace });
  const store = new Store(REGION);
  const registry = new Registry(store);
  const works = new WorkRequests(store);
  const management = new Management(store, registry, works, () => url);
  const deployed = new Deployed(store, registry, platform, collector, onLog);
  const accessLog: string[] = [];
  const functionsOf = (id: string) => deployed.functions(id);
  const gateways = new Gateways(store, functionsOf, (line) => accessLog.push(line));
  const connectors = new Connectors(store, functionsOf, onDelivery);
  const domain = new Domain();
  const user = createUser(TENANCY, REGION);
  const faults = new Faults();

  const server = createApi(async (request, body, response) => {
    await handle(request, body, response);
    connectors.follow();
  });

  const handle: Handle = async (request, body, response) => {
    const { method = "", headers } = request;
    const target = new URL(request.url ?? "", "http://cloud");
    const [, version, path = ""] = /^(?:\/(20\d{6})(?=\/))?(.*)$/.exec(target.pathname) ?? [];
    cloud.requests.push(`${method} ${path}`);
    faults.check(method, path + target.search);
    if (path.startsWith("/v2/")) return registry.handle(request, body, response);
    if (path === "/github/token")
      return sendJson(response, 200, domain.word(headers, target.searchParams.get("audience")));
    if (path === "/oauth2/v1/token")
      return sendJson(response, 200, domain.exchange(headers, new URLSearchParams(body.toString())));
    const signed = { method, url: request.url ?? "", headers, body };
    checkSignature(signed, (keyId) =>
      keyId === user.keyId ? user.publicKey : (domain.keyOf(keyId) ?? platform.principal.keyOf(keyId)),
    );
    const invoked = /^\/functions\/([^/]+)\/actions\/invoke$/.exec(path)?.[1];
    if (invoked) return answerInvoke(deployed.functions(invoked), request, body, response);
    const streamId = /^POST \/streams\/([^/]+)\/messages$/.exec(`${method} ${path}`)?.[1];
    if (streamId) return answerPut(streamOf(store, streamId), body, response);
    const details = body.length > 0 ? JSON.parse(body.toString()) : {};
    send(response, answer({ method, path, query: target.searchParams, headers, details }, version));
  };

  function answer(call: Call, version: string | undefined): Reply {
    const { method, path } = call;
    if (path === "/docker/token") return { status: 200, body: { token: registry.issueToken() } };
    if (path === "/n/" || path === "/n") return { status: 200, body: registry.namespace };
    if (path.endsWith("/regionSubscriptions")) return { status: 200, body: subscriptions(REGION, cloud.homeRegion) };
    const secretId = /^\/secretbundles\/(.+)$/.exec(path)?.[1];
    if (secretId) return { status: 200, body: bundleOf(secretId) };
    const queueId = /^POST \/queues\/([^/]+)\/messages$/.exec(`${method} ${path}`)?.[1];
    if (queueId) return putIntoQueue(queueOf(store, queueId), call);
    const { kind, id, part } = kindOf(path) ?? {};
    if (path.startsWith("/workRequests")) return works.answer(call, version);
    if (!kind) throw notImplemented(call);
    const wanted = VERSIONS[kind.service ?? ""];
    if (wanted && version !== wanted)
      throw new ApiError(404, "NotFound", `${kind.model} is managed under /${wanted}, and not under /${version}.`);
    if (method === "GET") {
      const reply = readResources(store, kind, id, part, call);
      if (id) works.advance(id);
      return reply;
    }
    if (part && part !== "actions") throw notImplemented(call);
    if (kind.service === "functions") return management.change(kind, id, call);
    if (kind.service === "sch") return changeByWork(store, works, kind, connectors.rules, id, call);
    if (kind.service === "apigateway") return changeByWork(store, works, kind, gateways.rulesOf(kind.kind), id, call);
    if (kind.service === "identity") requireHome(REGION, cloud.homeRegion);
    return changeResource(store, kind, id, call);
  }

  function bundleOf(secretId: string): object {
    store.get("vaultsecret", secretId);
    const { secret } = cloud;
    const bytes = Buffer.from(
      typeof secret === "string" || secret instanceof Uint8Array ? secret : JSON.stringify(secret),
    );
    const secretBundleContent = { contentType: "BASE64", content: bytes.toString("base64") };
    return { secretId, versionNumber: 1, stages: ["CURRENT"], secretBundleContent };
  }

  const port = await listen(server, 0, "");
  const url = `http://127.0.0.1:${port}`;
  const gatewayDoor = createApi((request, body, response) => gateways.handle(request, body, response));
  gateways.url = `http://127.0.0.1:${await listen(gatewayDoor, 0, "")}`;
  const cloud: Cloud = {
    url,
    store,
    registry,
    domain,
    platform,
    collector,
    user,
    compartmentId: store.ocid("compartment"),
    homeRegion: REGION,
    env: { ...user.env, OCI_CLI_ENDPOINT: url, OCIR_REGISTRY: `127.0.0.1:${port}` },
    requests: [],
    accessLog,
    secret: platform.postgres.credentials,
    fault: (...order) => faults.order(...order),
    failNext: (...order) => works.failNext(...order),
    functions: functionsOf,
    async stop() {
      const lastCalls = connectors.stop();
      for (const door of [server, gatewayDoor]) {
        door.close();
        door.closeAllConnections();
      }
      deployed.stop();
      await lastCalls;
      collector.stop();
      registry.stop();
      user.remove();
      await platform.stop();
    },
    [Symbol.asyncDispose]: () => cloud.stop(),
  };
  return cloud;
}
