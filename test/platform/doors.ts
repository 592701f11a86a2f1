import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { ApiError, createApi, type Handle, sendJson } from "./api.ts";
import { cleanUp, remove } from "./cleanup.ts";
import { BUNDLE, type Functions } from "./functions.ts";
import { listen } from "./port.ts";
import { checkSignature } from "./signature.ts";
import type { Stream } from "./stream.ts";
import { answerPut } from "./streaming.ts";

/** The API's first version, and the one that clients of 2026 ask for. */
const API = /^\/(?:20181201|20260325)\/functions\/([^/]+)(?:\/(.+))?$/;

const STREAMING = /^\/20180418\/streams\/([^/]+)\/messages$/;

export interface Doors {
  url: string;
  /** For `oci --config-file`: a user of the local API. */
  ociConfigFile: string;
  stop(): void;
}

/**
 * The ways in, on one port: the APIs of OCI Functions and Streaming, signed by a user, and API Gateway.
 *
 * @param gateway answers what is not for the APIs
 */
export async function openDoors(
  functions: Functions,
  stream: Stream,
  region: string,
  port: number,
  gateway: Handle,
): Promise<Doors> {
  const user = createUser(region);
  const server = createApi(async (request, body, response) => {
    const { method = "", url = "", headers } = request;
    const [, id, action] = API.exec(url) ?? [];
    const [, streamId] = STREAMING.exec(url) ?? [];
    if (id === undefined && streamId === undefined) return gateway(request, body, response);
    checkSignature({ method, url, headers, body }, (keyId) => (keyId === user.keyId ? user.publicKey : undefined));
    if (streamId === stream.id && method === "POST") return answerPut(stream, body, response);
    if (id !== functions.options.id)
      throw new ApiError(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.");
    if (method === "GET" && action === undefined) sendJson(response, 200, describe(functions, door.url), { etag: "1" });
    else if (method === "POST" && action === "actions/invoke") await answerInvoke(functions, request, body, response);
    else throw new ApiError(501, "NotImplemented", `The local platform has no ${method} ${url}`);
  });
  const bound = await listen(server, port, "Choose another: PORT=8081 npm start");
  const door: Doors = {
    url: `http://127.0.0.1:${bound}`,
    ociConfigFile: user.configFile,
    stop() {
      server.close();
      server.closeAllConnections();
      user.remove();
    },
  };
  return door;
}

/** `InvokeFunction` of the OCI API, for a request whose signature was checked. */
export async function answerInvoke(
  functions: Functions,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
) {
  if (request.headers["is-dry-run"] === "true") return void response.writeHead(204).end();
  const intent = request.headers["fn-intent"];
  const running = functions.invoke({ body, ...(intent !== undefined && { headers: { "Fn-Intent": intent } }) });
  if (request.headers["fn-invoke-type"] === "detached")
    return void response.writeHead(202, { "content-length": 0 }).end();
  const { status, code, callId, headers, body: answer } = await running;
  const type = (code === undefined && headers["content-type"]) || "application/json";
  response.writeHead(status, { "content-type": type, "fn-call-id": callId, "opc-request-id": callId }).end(answer);
}

function describe({ options }: Functions, invokeEndpoint: string): object {
  const now = new Date().toISOString();
  const digest = `sha256:${createHash("sha256").update(readFileSync(BUNDLE)).digest("hex")}`;
  return {
    id: options.id,
    displayName: options.name,
    lifecycleState: "ACTIVE",
    applicationId: "ocid1.fnapp.oc1..local",
    compartmentId: "ocid1.compartment.oc1..local",
    sourceDetails: { sourceType: "CONTAINER_IMAGE", image: "local/postgres-inserter:dist", imageDigest: digest },
    shape: process.arch === "arm64" ? "GENERIC_ARM" : "GENERIC_X86",
    memoryInMBs: options.memory,
    timeoutInSeconds: options.timeoutSeconds,
    config: options.config,
    invokeEndpoint,
    freeformTags: {},
    definedTags: {},
    timeCreated: now,
    timeUpdated: now,
  };
}

/** An API key and the configuration file that an OCI client needs to use it. */
function createUser(region: string) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const folder = mkdtempSync("/tmp/inserter-oci-");
  const keyFile = join(folder, "key.pem");
  const configFile = join(folder, "config");
  const [tenancy, user] = ["ocid1.tenancy.oc1..local", "ocid1.user.oc1..local"];
  const fingerprint = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
  const config = { user, fingerprint, key_file: keyFile, tenancy, region };
  const lines = Object.entries(config).map(([key, value]) => `${key}=${value}`);
  // The last line spares its user a warning of the OCI CLI.
  writeFileSync(keyFile, `${privateKey.export({ type: "pkcs8", format: "pem" })}OCI_API_KEY\n`, { mode: 0o600 });
  writeFileSync(configFile, `[DEFAULT]\n${lines.join("\n")}\n`, { mode: 0o600 });
  return { publicKey, keyId: `${tenancy}/${user}/${fingerprint}`, configFile, remove: cleanUp(() => remove(folder)) };
}
