import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "../platform/api.ts";
import { digestOf, type Manifest } from "./image.ts";

export interface Answer {
  status: number;
  headers: Record<string, string | number>;
  bytes?: Buffer;
}

/** What was pushed. */
export interface Content {
  /** By digest. */
  blobs: Map<string, Buffer>;
  /** By repository and tag, or by repository and digest: "name@tag". */
  manifests: Map<string, { type: string; bytes: Buffer }>;
}

/**
 * The HTTP API of container registries, as Docker and others speak it: pushes, whole or in parts, and pulls.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export class Distribution {
  readonly #namespace: string;
  readonly #content: Content;
  readonly #requireRepository: (name: string) => void;
  readonly #uploads = new Map<string, Buffer[]>();

  /** @param requireRepository throws where a push to this repository is refused */
  constructor(namespace: string, content: Content, requireRepository: (name: string) => void) {
    this.#namespace = namespace;
    this.#content = content;
    this.#requireRepository = requireRepository;
  }

  /** For a caller whose login was checked. @throws {ApiError} in the codes of the API */
  answer(method: string, url: URL, headers: IncomingHttpHeaders, body: Buffer): Answer {
    if (url.pathname === "/v2/") return { status: 200, headers: {}, bytes: Buffer.from("{}") };
    const [, folder = "", namespace, name = "", kind, reference = ""] =
      /^(\/v2\/([^/]+)\/(.+?))\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (namespace !== this.#namespace) throw new ApiError(404, "NAME_UNKNOWN", "The repository is unknown.");
    if (method === "GET" || method === "HEAD") return this.#get(kind === "manifests", name, reference);
    this.#requireRepository(name);
    if (kind === "manifests" && method === "PUT")
      return this.#putManifest(folder, name, reference, String(headers["content-type"]), body);
    const digest = url.searchParams.get("digest") ?? "";
    if (kind === "blobs/uploads") {
      if (method === "POST") return this.#post(folder, digest, url.searchParams.get("mount") ?? "", body);
      if (method === "PATCH") return this.#patch(folder, reference, body);
      if (method === "PUT") return this.#close(folder, reference, digest, body);
    }
    throw new ApiError(405, "UNSUPPORTED", `The local registry has no ${method} ${url.pathname}`);
  }

  #get(isManifest: boolean, name: string, reference: string): Answer {
    const { blobs, manifests } = this.#content;
    const blob = { type: "application/octet-stream", bytes: blobs.get(reference) };
    const { type, bytes } = (isManifest ? manifests.get(`${name}@${reference}`) : blob) ?? blob;
    const code = isManifest ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN";
    if (!bytes) throw new ApiError(404, code, "There is none of that name.");
    return { status: 200, headers: { "content-type": type, "docker-content-digest": digestOf(bytes) }, bytes };
  }

  /** A blob that is there already, one that comes whole, or one whose parts are to follow. */
  #post(folder: string, digest: string, mount: string, body: Buffer): Answer {
    if (this.#content.blobs.has(mount)) return created(`${folder}/blobs`, mount);
    const id = randomUUID();
    this.#uploads.set(id, []);
    return digest ? this.#close(folder, id, digest, body) : this.#patch(folder, id, Buffer.alloc(0));
  }

  #patch(folder: string, id: string, body: Buffer): Answer {
    const parts = this.#upload(id);
    parts.push(body);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const location = `${folder}/blobs/uploads/${id}`;
    return { status: 202, headers: { location, "docker-upload-uuid": id, range: `0-${Math.max(0, size - 1)}` } };
  }

  #close(folder: string, id: string, digest: string, body: Buffer): Answer {
    const bytes = Buffer.concat([...this.#upload(id), body]);
    this.#uploads.delete(id);
    requireDigest(bytes, digest);
    this.#content.blobs.set(digest, bytes);
    return created(`${folder}/blobs`, digest);
  }

  #upload(id: string): Buffer[] {
    const parts = this.#uploads.get(id);
    if (!parts) throw new ApiError(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload.");
    return parts;
  }

  #putManifest(folder: string, name: string, reference: string, type: string, bytes: Buffer): Answer {
    const { blobs, manifests: known } = this.#content;
    const { config, layers = [], manifests = [] }: Manifest = JSON.parse(bytes.toString());
    const missing =
      [config ?? [], layers].flat().find(({ digest }) => !blobs.has(digest)) ??
      manifests.find(({ digest }) => !known.has(`${name}@${digest}`));
    if (missing) throw new ApiError(400, "MANIFEST_BLOB_UNKNOWN", `${missing.digest} was not pushed before.`);
    const digest = digestOf(bytes);
    if (reference.startsWith("sha256:")) requireDigest(bytes, reference);
    for (const key of [reference, digest]) known.set(`${name}@${key}`, { type, bytes });
    return created(`${folder}/manifests`, digest);
  }
}

function created(folder: string, digest: string): Answer {
  return { status: 201, headers: { location: `${folder}/${digest}`, "docker-content-digest": digest } };
}

function requireDigest(bytes: Buffer, digest: string): void {
  if (digestOf(bytes) !== digest)
    throw new ApiError(400, "DIGEST_INVALID", `What came has the digest ${digestOf(bytes)}.`);
}
