import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, sendJson } from "../platform/api.ts";
import type { Store } from "./store.ts";

const INDEX = /manifest\.list|image\.index/;

export interface Image {
  digest: string;
  /** Such as "linux/amd64". */
  platforms: string[];
  /** The bundle that the image runs, which stands in for its layers. */
  bundle: string;
}

/** OCI's container registry: one namespace, whose repositories are resources of the cloud's. */
export class Registry {
  readonly namespace = "axlocal";
  /** What `docker login` may use in place of a bearer token. */
  readonly login = { username: `${this.namespace}/ci`, password: randomBytes(12).toString("hex") };
  /** A push to a repository that is not there makes one in the root compartment, as a tenancy may have it. */
  createOnPush: string | undefined;
  readonly #tokens = new Set<string>();
  /** By repository and tag, or by repository and digest. */
  readonly #manifests = new Map<string, { type: string; bytes: Buffer }>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A bearer token, for a caller whose signature was checked. */
  issueToken(): string {
    const token = randomBytes(24).toString("base64url");
    this.#tokens.add(token);
    return token;
  }

  repository(name: string) {
    return this.#store.all("containerrepo").find((repository) => repository.displayName === name);
  }

  async handle(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    this.#authenticate(request.headers.authorization ?? "");
    const [, namespace, name = "", kind, reference = ""] =
      /^\/v2\/([^/]+)\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? "") ?? [];
    if (namespace !== this.namespace) throw new ApiError(404, "NAME_UNKNOWN", "The repository is unknown.");
    if (request.method === "PUT") return this.#put(name, String(kind), reference, request, body, response);
    const found =
      kind === "manifests"
        ? this.#manifests.get(`${name}@${reference}`)
        : { type: "application/octet-stream", bytes: this.#blobs.get(reference) };
    if (!found?.bytes) throw new ApiError(404, "MANIFEST_UNKNOWN", "There is none of that name.");
    const digest = digestOf(found.bytes);
    response.writeHead(200, { "content-type": found.type, "docker-content-digest": digest }).end(found.bytes);
  }

  /** What a function would run. @throws {ApiError} 404, as the Functions service words it */
  find(reference: string): Image {
    const [, namespace, name, tag] = /^[^/]+\/([^/]+)\/([^:@]+)[:@](.+)$/.exec(reference) ?? [];
    const manifest = this.#manifests.get(`${name}@${tag}`);
    if (namespace !== this.namespace || !manifest) {
      throw new ApiError(
        404,
        "NotAuthorizedOrNotFound",
        `Image ${reference} does not exist or you do not have access to use it.`,
      );
    }
    const { manifests, config } = JSON.parse(manifest.bytes.toString());
    if (INDEX.test(manifest.type)) {
      const [first] = manifests.map(({ digest }: { digest: string }) => this.find(`x/${namespace}/${name}@${digest}`));
      const platforms = manifests.map(({ platform }: { platform: { os: string; architecture: string } }) => {
        return `${platform.os}/${platform.architecture}`;
      });
      return { ...first, digest: digestOf(manifest.bytes), platforms };
    }
    const { os, architecture, bundle } = JSON.parse(String(this.#blobs.get(config.digest)));
    return { digest: digestOf(manifest.bytes), platforms: [`${os}/${architecture}`], bundle };
  }

  #authenticate(authorization: string): void {
    const [scheme, credentials = ""] = authorization.split(" ");
    if (scheme === "Bearer" && this.#tokens.has(credentials)) return;
    if (scheme === "Basic") {
      const [username, ...rest] = Buffer.from(credentials, "base64").toString().split(":");
      const password = rest.join(":");
      if (username === "BEARER_TOKEN" && this.#tokens.has(password)) return;
      if (username === this.login.username && password === this.login.password) return;
    }
    throw new ApiError(401, "UNAUTHORIZED", "The registry knows no such login.");
  }

  #put(
    name: string,
    kind: string,
    reference: string,
    { headers }: IncomingMessage,
    bytes: Buffer,
    response: ServerResponse,
  ) {
    let repository = this.repository(name);
    if (!repository) {
      if (!this.createOnPush)
        throw new ApiError(403, "DENIED", "The repository does not exist, and you may not create it.");
      const fields = { compartmentId: this.createOnPush, displayName: name, lifecycleState: "AVAILABLE" };
      repository = this.#store.add("containerrepo", fields);
    }
    const digest = digestOf(bytes);
    if (kind === "blobs") this.#blobs.set(digest, bytes);
    else {
      const manifest = { type: String(headers["content-type"]), bytes };
      for (const key of [reference, digest]) this.#manifests.set(`${name}@${key}`, manifest);
    }
    sendJson(response, 201, {}, { "docker-content-digest": digest });
  }
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
