import { randomBytes } from "node:crypto";
import { ApiError } from "../platform/api.ts";

// biome-ignore lint/suspicious/noExplicitAny: a resource has the fields of its kind
export type Resource = { id: string; kind: string; etag: number } & Record<string, any>;

/** As many times is a new state read as it was before, so that clients have to wait for it. */
const READS_UNTIL_SETTLED = 1;

/** The largest page of a list. */
const PAGE = 50;

const NO_FILTER = new Set(["limit", "page", "sortBy", "sortOrder", "compartmentIdInSubtree", "accessLevel"]);

/** The cloud's resources. Their states settle with time, as the real one's do. */
export class Store {
  readonly #resources = new Map<string, Resource>();
  readonly #unsettled = new Map<string, { from: string; reads: number }>();
  readonly #region: string;

  constructor(region: string) {
    this.#region = region;
  }

  ocid(kind: string): string {
    return `ocid1.${kind}.oc1.${this.#region}.${randomBytes(12).toString("hex")}`;
  }

  /** Puts a resource there; `passing` is the state it is in at first. */
  add(kind: string, fields: object, passing?: string): Resource {
    const id = this.ocid(kind);
    const resource: Resource = { id, kind, etag: 1, lifecycleState: "ACTIVE", timeCreated: new Date(), ...fields };
    this.#resources.set(resource.id, resource);
    if (passing) this.#unsettled.set(resource.id, { from: passing, reads: READS_UNTIL_SETTLED });
    return resource;
  }

  update(resource: Resource, fields: object, passing?: string): Resource {
    Object.assign(resource, fields, { etag: resource.etag + 1 });
    if (passing) this.#unsettled.set(resource.id, { from: passing, reads: READS_UNTIL_SETTLED });
    return resource;
  }

  remove(id: string): void {
    this.#resources.delete(id);
  }

  stateOf(resource: Resource): string {
    return this.#unsettled.get(resource.id)?.from ?? resource.lifecycleState;
  }

  /** As a client reads it: each reading brings it nearer to its lasting state. @throws {ApiError} 404 */
  read(kind: string, id: string): Resource {
    const resource = this.get(kind, id);
    const shown = { ...resource, lifecycleState: this.stateOf(resource) };
    const unsettled = this.#unsettled.get(id);
    if (unsettled && unsettled.reads-- === 0) this.#unsettled.delete(id);
    return shown;
  }

  /** @throws {ApiError} 404 */
  get(kind: string, id: string): Resource {
    const resource = this.#resources.get(id);
    if (resource?.kind !== kind) {
      throw new ApiError(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.");
    }
    return resource;
  }

  all(kind: string): Resource[] {
    return [...this.#resources.values()].filter((resource) => resource.kind === kind);
  }

  /** A page of those that fit the query, and where the next one begins. @throws {ApiError} 400 for an unknown filter */
  list(kind: string, query: URLSearchParams): { page: Resource[]; next: string | undefined } {
    const everywhere = query.get("compartmentIdInSubtree") === "true";
    const fitting = this.all(kind).filter((resource) =>
      [...query].every(([name, value]) => {
        if (NO_FILTER.has(name) || (name === "compartmentId" && everywhere)) return true;
        if (name === "lifecycleState") return this.stateOf(resource) === value;
        if (!(name in resource)) throw new ApiError(400, "InvalidParameter", `${name} is no filter of ${kind}`);
        return String(resource[name]) === value;
      }),
    );
    const from = Number(query.get("page") ?? 0);
    const to = from + Math.min(Number(query.get("limit") ?? PAGE), PAGE);
    return { page: fitting.slice(from, to), next: to < fitting.length ? String(to) : undefined };
  }
}
