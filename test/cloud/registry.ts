import { randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { ApiError, sendJson } from "../platform/api.ts";
import { cleanUp, remove } from "../platform/cleanup.ts";
import { BUNDLE } from "../platform/functions.ts";
import { type Content, Distribution } from "./distribution.ts";
import { digestOf, isIndex, type Manifest, readFileOf } from "./image.ts";
import type { Resource, Store } from "./store.ts";

/** OCI's container registry: one namespace, whose repositories are resources of the cloud's. */
export class Registry {
  readonly namespace = "axlocal";
  /** What `docker login` may use in place of a bearer token. */
  readonly login = { username: `${this.namespace}/ci`, password: randomBytes(12).toString("hex") };
  /** A push to a repository that is not there makes one in this compartment, as a tenancy may have it. */
  createOnPush: string | undefined;
  readonly #store: Store;
  readonly #tokens = new Set<string>();
  readonly #content: Content = { blobs: new Map(), manifests: new Map() };
  readonly #distribution = new Distribution(this.namespace, this.#content, (name) => this.#requireRepository(name));
  /** By a manifest's digest, the bundle that its image runs. */
  readonly #bundles = new Map<string, string>();
  readonly #folder = mkdtempSync("/tmp/inserter-registry-");
  readonly stop = cleanUp(() => remove(this.#folder));

  constructor(store: Store) {
    this.#store = store;
  }

  /** A bearer token, for a caller whose signature was checked. */
  issueToken(): string {
    const token = randomBytes(24).toString("base64url");
    this.#tokens.add(token);
    return token;
  }

  repository(name: string): Resource | undefined {
    return this.#store.all("containerrepo").find(({ displayName }) => displayName === name);
  }

  handle({ method = "", url = "", headers }: IncomingMessage, body: Buffer, response: ServerResponse): void {
    try {
      this.#authenticate(headers.authorization ?? "");
      const answer = this.#distribution.answer(method, new URL(url, "http://registry"), headers, body);
      const { status, bytes = Buffer.alloc(0) } = answer;
      response.writeHead(status, { "content-length": bytes.length, ...answer.headers }).end(bytes);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, code, message } = error;
      const challenge = status === 401 ? { "www-authenticate": 'Basic realm="The local registry"' } : {};
      sendJson(response, status, { errors: [{ code, message }] }, challenge);
    }
  }

  /** What a function would be made from: its digest, and platforms such as "linux/amd64". @throws {ApiError} as Functions words it */
  find(reference: string): { digest: string; platforms: string[] } {
    const { type, bytes, manifest } = this.#read(reference);
    const listed = isIndex(type) ? manifest.manifests?.map(({ platform }) => platform) : [this.#configOf(manifest)];
    const platforms = listed?.map((platform) => `${platform?.os}/${platform?.architecture}`) ?? [];
    return { digest: digestOf(bytes), platforms };
  }

  /**
   * The bundle that an image runs, as a file: the one that the stand-in for Docker names, or /function/func.js of the layers
   * that a real Docker pushed, or for want of both the working tree's. Nothing else of an image is run here.
   */
  bundleOf(reference: string): string {
    const { bytes, manifest } = this.#read(reference);
    const digest = digestOf(bytes);
    const [first] = manifest.manifests ?? [];
    if (first) return this.bundleOf(reference.replace(/@.+$/, `@${first.digest}`));
    const bundle =
      this.#bundles.get(digest) ?? this.#configOf(manifest).bundle ?? this.#extract(digest, manifest) ?? BUNDLE;
    this.#bundles.set(digest, bundle);
    return bundle;
  }

  #read(reference: string): { type: string; bytes: Buffer; manifest: Manifest } {
    const [, namespace, name, tag] = /^[^/]+\/([^/]+)\/([^:@]+)[:@](.+)$/.exec(reference) ?? [];
    const found = this.#content.manifests.get(`${name}@${tag}`);
    if (namespace === this.namespace && found) return { ...found, manifest: JSON.parse(found.bytes.toString()) };
    const message = `Image ${reference} does not exist or you do not have access to use it.`;
    throw new ApiError(404, "NotAuthorizedOrNotFound", message);
  }

  #configOf({ config }: Manifest): { os: string; architecture: string; bundle?: string } {
    return JSON.parse(String(this.#content.blobs.get(config?.digest ?? "")));
  }

  #extract(digest: string, { layers = [] }: Manifest): string | undefined {
    const bundle = readFileOf(
      layers.map((layer) => this.#content.blobs.get(layer.digest) ?? Buffer.alloc(0)),
      "function/func.js",
    );
    if (!bundle) return undefined;
    const file = join(this.#folder, `${digest.slice("sha256:".length)}.cjs`);
    writeFileSync(file, bundle);
    return file;
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

  #requireRepository(name: string): void {
    if (this.repository(name)) return;
    if (!this.createOnPush)
      throw new ApiError(403, "DENIED", "The repository does not exist, and you may not create it.");
    const fields = { compartmentId: this.createOnPush, displayName: name, lifecycleState: "AVAILABLE" };
    this.#store.add("containerrepo", fields);
  }
}
