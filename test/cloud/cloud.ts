import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { ApiError, createApi, sendJson } from "../platform/api.ts";
import { cleanUp, remove } from "../platform/cleanup.ts";
import { answerInvoke } from "../platform/doors.ts";
import { type Functions, startFunctions } from "../platform/functions.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { listen } from "../platform/port.ts";
import { checkSignature } from "../platform/signature.ts";
import { Domain } from "./domain.ts";
import { checkModel } from "./model.ts";
import { Registry } from "./registry.ts";
import { type Resource, Store } from "./store.ts";

export const REGION = "eu-frankfurt-1";
export const TENANCY = "ocid1.tenancy.oc1..local";

/** A kind of resource: where the API has it, and the models of the official SDK that its requests must follow. */
interface Kind {
  path: string;
  kind: string;
  sdk?: string;
  model?: string;
  /** Its state once it is there, when that is not ACTIVE. */
  settled?: string;
  /** A list of it is an object that holds `items`. */
  collection?: true;
}

const core = (path: string, kind: string, model: string): Kind => ({
  path,
  kind,
  sdk: "oci-core",
  model,
  settled: "AVAILABLE",
});

const KINDS: readonly Kind[] = [
  { path: "applications", kind: "fnapp", sdk: "oci-functions", model: "Application" },
  { path: "functions", kind: "fnfunc", sdk: "oci-functions", model: "Function" },
  {
    path: "container/repositories",
    kind: "containerrepo",
    sdk: "oci-artifacts",
    model: "ContainerRepository",
    settled: "AVAILABLE",
    collection: true,
  },
  { path: "policies", kind: "policy", sdk: "oci-identity", model: "Policy" },
  { path: "dynamicGroups", kind: "dynamicgroup", sdk: "oci-identity", model: "DynamicGroup" },
  { path: "services", kind: "service" },
  { path: "networkSecurityGroups", kind: "networksecuritygroup" },
  { path: "dhcps", kind: "dhcpoptions" },
  { path: "drgs", kind: "drg" },
  { path: "drgRouteTables", kind: "drgroutetable" },
  { path: "localPeeringGateways", kind: "localpeeringgateway" },
  { path: "secrets", kind: "vaultsecret" },
  core("vcns", "vcn", "Vcn"),
  core("subnets", "subnet", "Subnet"),
  core("serviceGateways", "servicegateway", "ServiceGateway"),
  core("routeTables", "routetable", "RouteTable"),
  core("securityLists", "securitylist", "SecurityList"),
  { ...core("drgAttachments", "drgattachment", "DrgAttachment"), settled: "ATTACHED" },
];

/** An error ordered for the requests that fit. */
interface Fault {
  method: string;
  /** Of the path, without the API's version, and the query. */
  path: RegExp;
  status: number;
  code: string;
  message: string;
  times: number;
}

export interface Cloud extends AsyncDisposable {
  url: string;
  store: Store;
  registry: Registry;
  domain: Domain;
  platform: Platform;
  compartmentId: string;
  /** For a client of it: the OCI CLI's own variables. */
  env: Record<string, string>;
  /** What was asked of it, such as "PUT /functions/ocid1…". */
  requests: string[];
  /** The content of the secret, as a reader of it gets it from the cloud's own door. */
  secret: object;
  fault(method: string, path: RegExp, status: number, code: string, times?: number): void;
  stop(): Promise<void>;
}

/** OCI's control plane, as far as a deployment goes, before a platform that runs what is deployed. */
export async function startCloud(): Promise<Cloud> {
  const platform = await startPlatform();
  const store = new Store(REGION);
  const registry = new Registry(store);
  const domain = new Domain();
  const user = createUser();
  const faults: Fault[] = [];
  const running = new Map<string, { of: string; functions: Functions }>();
  const compartmentId = store.ocid("compartment");

  const server = createApi(async (request, body, response) => {
    const { method = "", headers } = request;
    const url = new URL(request.url ?? "", "http://cloud");
    const path = url.pathname.replace(/^\/20\d{6}(?=\/)/, "");
    cloud.requests.push(`${method} ${path}`);
    const fault = faults.find(
      (ordered) => ordered.method === method && ordered.path.test(path + url.search) && ordered.times-- > 0,
    );
    if (fault) throw new ApiError(fault.status, fault.code, fault.message);
    if (path.startsWith("/v2/")) return registry.handle(request, body, response);
    if (path === "/github/token")
      return sendJson(response, 200, domain.word(headers, url.searchParams.get("audience")));
    if (path === "/oauth2/v1/token")
      return sendJson(response, 200, domain.exchange(headers, new URLSearchParams(body.toString())));
    const signed = { method, url: request.url ?? "", headers, body };
    const keyOf = (keyId: string) =>
      keyId === user.keyId ? user.publicKey : (domain.keyOf(keyId) ?? platform.principal.keyOf(keyId));
    checkSignature(signed, keyOf);
    if (path === "/docker/token") return sendJson(response, 200, { token: registry.issueToken() });
    if (path === "/n/" || path === "/n") {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(registry.namespace));
      return;
    }
    const secretId = /^\/secretbundles\/(.+)$/.exec(path)?.[1];
    if (secretId) {
      store.get("vaultsecret", secretId);
      const content = Buffer.from(JSON.stringify(cloud.secret)).toString("base64");
      const secretBundleContent = { contentType: "BASE64", content };
      return sendJson(response, 200, { secretId, versionNumber: 1, stages: ["CURRENT"], secretBundleContent });
    }
    const invoked = /^\/functions\/([^/]+)\/actions\/invoke$/.exec(path)?.[1];
    if (invoked) {
      const deployed = store.get("fnfunc", invoked);
      checkPull(store.get("fnapp", deployed.applicationId));
      return answerInvoke(run(deployed), request, body, response);
    }
    serve(url, path, request, body, response);
  });

  /**
   * An image is pulled through the application's own subnets: each needs a route to Oracle's services, and egress to them.
   *
   * @throws {ApiError} 502 FunctionInvokeImageNotAvailable, which is all that a caller of the real one learns
   */
  function checkPull(application: Resource): void {
    for (const id of application.subnetIds) {
      const subnet = store.get("subnet", id);
      const services = (rule: Record<string, string>) =>
        (rule.destination?.startsWith("all-") && rule.destinationType === "SERVICE_CIDR_BLOCK") ||
        rule.destination === "0.0.0.0/0";
      const routed = store.get("routetable", subnet.routeTableId).routeRules.some(services);
      const rules = subnet.securityListIds.flatMap(
        (list: string) => store.get("securitylist", list).egressSecurityRules,
      );
      if (!routed || !rules.some(services))
        throw new ApiError(502, "FunctionInvokeImageNotAvailable", "Failed to pull function image");
    }
  }

  /** The containers of a function as it is deployed now. */
  function run(deployed: Resource): Functions {
    const { id, displayName, config, memoryInMBs, timeoutInSeconds, image, imageDigest } = deployed;
    const { bundle } = registry.find(`${image.replace(/:[^:/]+$/, "")}@${imageDigest}`);
    const of = JSON.stringify([config, memoryInMBs, timeoutInSeconds, bundle, imageDigest]);
    const former = running.get(id);
    if (former?.of === of) return former.functions;
    former?.functions.stop();
    const functions = startFunctions({
      id,
      name: displayName,
      config,
      memory: memoryInMBs,
      timeoutSeconds: timeoutInSeconds,
      principal: platform.principal,
      command: [process.execPath, bundle],
    });
    running.set(id, { of, functions });
    return functions;
  }

  function serve(url: URL, path: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const kind = KINDS.find((known) => path === `/${known.path}` || path.startsWith(`/${known.path}/`));
    const [id, part] = kind ? path.slice(kind.path.length + 2).split("/") : [];
    if (!kind) throw new ApiError(501, "NotImplemented", `The local cloud has no ${request.method} ${path}`);
    const { method } = request;
    const details = body.length > 0 ? JSON.parse(body.toString()) : {};
    const settled = kind.settled ?? "ACTIVE";
    if (method === "GET" && !id) {
      const { page, next } = store.list(kind.kind, url.searchParams);
      sendJson(response, 200, kind.collection ? { items: page, remainingItemsCount: 0 } : page, {
        ...(next && { "opc-next-page": next }),
      });
      return;
    }
    if (method === "GET" && id && part) {
      sendJson(response, 200, store.get(kind.kind, id)[part] ?? []);
      return;
    }
    if (method === "GET" && id) {
      const resource = store.read(kind.kind, id);
      sendJson(response, 200, resource, { etag: String(resource.etag) });
      return;
    }
    if (!kind.sdk || part) throw new ApiError(501, "NotImplemented", `The local cloud has no ${method} ${path}`);
    if (method === "POST" && !id) {
      checkModel(kind.sdk, `Create${kind.model}Details`, details);
      const fields = { ...defaultsOf(kind, details), ...details, lifecycleState: settled };
      const passing = kind.sdk === "oci-identity" ? undefined : settled === "ACTIVE" ? "CREATING" : "PROVISIONING";
      const made = store.add(kind.kind, fields, passing);
      if (kind.kind === "fnfunc") made.invokeEndpoint = cloud.url;
      const shown = { ...made, lifecycleState: store.stateOf(made) };
      sendJson(response, 200, shown, { etag: "1" });
      return;
    }
    if (method === "PUT" && id) {
      checkModel(kind.sdk, `Update${kind.model}Details`, details);
      const resource = store.get(kind.kind, id);
      const wanted = request.headers["if-match"];
      if (wanted && wanted !== String(resource.etag))
        throw new ApiError(412, "NoEtagMatch", "The resource has changed since it was read.");
      if (kind.kind === "fnfunc" && store.stateOf(resource) !== "ACTIVE")
        throw new ApiError(409, "IncorrectState", `The function is ${store.stateOf(resource)}.`);
      const fields = { ...details, ...(kind.kind === "fnfunc" && imageOf(details, resource)) };
      const updated = store.update(resource, fields, kind.sdk === "oci-functions" ? "UPDATING" : undefined);
      const shown = { ...updated, lifecycleState: store.stateOf(updated) };
      sendJson(response, 200, shown, { etag: String(updated.etag) });
      return;
    }
    throw new ApiError(501, "NotImplemented", `The local cloud has no ${method} ${path}`);
  }

  function defaultsOf({ kind }: Kind, details: Record<string, string>): object {
    switch (kind) {
      case "containerrepo":
        if (registry.repository(String(details.displayName)))
          throw new ApiError(409, "Conflict", "A repository of that name exists in the tenancy already.");
        if (details.displayName !== details.displayName?.toLowerCase())
          throw new ApiError(400, "InvalidParameter", "displayName must be lower case");
        return {};
      case "fnapp":
        for (const subnet of details.subnetIds ?? []) store.get("subnet", subnet);
        return { shape: "GENERIC_X86", config: {}, networkSecurityGroupIds: [] };
      case "fnfunc": {
        const application = store.get("fnapp", String(details.applicationId));
        const { compartmentId } = application;
        return { compartmentId, config: {}, timeoutInSeconds: 30, ...imageOf(details, application) };
      }
      case "subnet": {
        const vcn = store.get("vcn", String(details.vcnId));
        return { dhcpOptionsId: vcn.defaultDhcpOptionsId };
      }
      case "vcn": {
        const { compartmentId } = details;
        const dhcp = store.add("dhcpoptions", { compartmentId, lifecycleState: "AVAILABLE", options: [] });
        return { defaultDhcpOptionsId: dhcp.id };
      }
      case "drgattachment": {
        const { compartmentId } = store.get("drg", String(details.drgId));
        return { compartmentId };
      }
      default:
        return {};
    }
  }

  /**
   * The digest that a function is pinned to: the one given, or the tag's at this moment. And what the service checks of a
   * function besides the models.
   */
  function imageOf(details: Record<string, unknown>, of: Resource): object {
    const { image = of.image, imageDigest, memoryInMBs = 512, timeoutInSeconds = 30, config = {} } = details;
    if (![128, 256, 512, 1024, 2048, 3072].includes(Number(memoryInMBs)))
      throw new ApiError(400, "InvalidParameter", "memoryInMBs is not one of the sizes");
    if (Number(timeoutInSeconds) < 5 || Number(timeoutInSeconds) > 300)
      throw new ApiError(400, "InvalidParameter", "timeoutInSeconds must be from 5 to 300");
    if (
      Buffer.byteLength(
        Object.entries(config as object)
          .flat()
          .join(""),
      ) > 4096
    )
      throw new ApiError(400, "InvalidParameter", "config exceeds 4 KB");
    if (details.image === undefined && imageDigest === undefined) return {};
    const reference = imageDigest ? `${String(image).replace(/:[^:/]+$/, "")}@${imageDigest}` : String(image);
    const { digest, platforms } = registry.find(reference);
    const shape = of.kind === "fnapp" ? of.shape : store.get("fnapp", of.applicationId).shape;
    const wanted = { GENERIC_X86: ["amd64"], GENERIC_ARM: ["arm64"], GENERIC_X86_ARM: ["amd64", "arm64"] }[
      shape as string
    ];
    if (!wanted?.every((architecture) => platforms.includes(`linux/${architecture}`))) {
      const message = `Function's image architecture '${platforms}' is incompatible with the application's shape type '${shape}'.`;
      throw new ApiError(400, "InvalidParameter", message);
    }
    return { imageDigest: digest, shape };
  }

  const port = await listen(server, 0, "");
  const url = `http://127.0.0.1:${port}`;
  const cloud: Cloud = {
    url,
    store,
    registry,
    domain,
    platform,
    compartmentId,
    env: { ...user.env, OCI_CLI_ENDPOINT: url, OCIR_REGISTRY: `127.0.0.1:${port}` },
    requests: [],
    secret: platform.postgres.credentials,
    fault(method, path, status, code, times = Number.POSITIVE_INFINITY) {
      faults.push({ method, path, status, code, message: `The local cloud was told to answer ${status}.`, times });
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      for (const { functions } of running.values()) functions.stop();
      user.remove();
      await platform.stop();
    },
    [Symbol.asyncDispose]: () => cloud.stop(),
  };
  return cloud;
}

/** A user with an API key. */
function createUser() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const folder = mkdtempSync("/tmp/inserter-cloud-");
  const keyFile = join(folder, "key.pem");
  writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const user = "ocid1.user.oc1..local";
  const fingerprint = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
  return {
    publicKey,
    keyId: `${TENANCY}/${user}/${fingerprint}`,
    env: {
      OCI_CLI_USER: user,
      OCI_CLI_TENANCY: TENANCY,
      OCI_CLI_FINGERPRINT: fingerprint,
      OCI_CLI_KEY_FILE: keyFile,
      OCI_CLI_REGION: REGION,
    },
    remove: cleanUp(() => remove(folder)),
  };
}
