import { randomUUID } from "node:crypto";
import type { Server, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, createApi, sendJson } from "./api.ts";
import { listen } from "./port.ts";
import type { Principal } from "./principal.ts";
import { checkSignature } from "./signature.ts";

/** How the Vault misbehaves; milliseconds. */
export type Misbehaviour = { status: number } | { delay: number } | "hang" | "drip" | "reset";

export interface Vault {
  endpoint: string;
  secretId: string;
  /** How often a secret was asked for. */
  requests: number;
  /** Makes a new version of the secret the current one. */
  put(content: object | string): void;
  /** Misbehaves so from now on; well again without an argument. */
  answer(how?: Misbehaviour): void;
  stop(): void;
}

const CODES: Readonly<Record<number, string>> = {
  401: "NotAuthenticated",
  404: "NotAuthorizedOrNotFound",
  429: "TooManyRequests",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

/** OCI's Secrets service (GetSecretBundle), open to one resource principal. */
export async function startVault(principal: Pick<Principal, "keyOf">): Promise<Vault> {
  const secretId = "ocid1.vaultsecret.oc1.eu-frankfurt-1.local";
  let content = "";
  let version = 0;
  let misbehaviour: Misbehaviour | undefined;

  const server: Server = createApi(async (request, body, response) => {
    const { method = "", url = "", headers } = request;
    const asked = /^\/20190301\/secretbundles\/([^/?]+)$/.exec(url)?.[1];
    if (method !== "GET" || !asked)
      throw new ApiError(501, "NotImplemented", `The local Vault has no ${method} ${url}`);
    vault.requests++;
    if (misbehaviour && (await misbehave(misbehaviour, response))) return;
    checkSignature({ method, url, headers, body }, principal.keyOf);
    if (asked !== secretId)
      throw new ApiError(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.");
    const stages = ["CURRENT", "LATEST"];
    const secretBundleContent = { contentType: "BASE64", content: Buffer.from(content).toString("base64") };
    const timeCreated = new Date().toISOString();
    sendJson(
      response,
      200,
      { secretId, timeCreated, versionNumber: version, stages, secretBundleContent },
      { etag: randomUUID() },
    );
  });
  const port = await listen(server, 0, "");

  const vault: Vault = {
    endpoint: `http://127.0.0.1:${port}`,
    secretId,
    requests: 0,
    put(next) {
      content = typeof next === "string" ? next : JSON.stringify(next);
      version++;
    },
    answer(how) {
      misbehaviour = how;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  return vault;
}

/** Resolves to whether that was the answer. */
async function misbehave(how: Misbehaviour, response: ServerResponse): Promise<boolean> {
  if (how === "reset") response.destroy();
  else if (how === "drip") {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), 1_000);
    response.on("close", () => clearInterval(timer));
  } else if (how !== "hang") {
    if ("status" in how)
      throw new ApiError(how.status, CODES[how.status] ?? "Unknown", "The local Vault was told to fail.");
    await sleep(how.delay);
    return false;
  }
  return true;
}
