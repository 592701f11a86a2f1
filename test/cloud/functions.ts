import { ApiError } from "../platform/api.ts";
import { type Call, checkEtag, notImplemented, type Reply } from "./call.ts";
import { checkLimits, pinSource } from "./definition.ts";
import type { Kind } from "./kind.ts";
import { checkModel } from "./model.ts";
import type { Registry } from "./registry.ts";
import type { Resource, Store } from "./store.ts";
import type { Operation, WorkRequests } from "./work.ts";

/**
 * Management in OCI Functions, API 20260325: applications and functions are created, updated and deleted by work requests,
 * and an answer tells of the state before.
 */
export class Management {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #works: WorkRequests;
  readonly #url: () => string;

  /** @param url where functions are invoked */
  constructor(store: Store, registry: Registry, works: WorkRequests, url: () => string) {
    this.#store = store;
    this.#registry = registry;
    this.#works = works;
    this.#url = url;
  }

  /** @throws {ApiError} as the service words it */
  change(kind: Kind, id: string | undefined, call: Call): Reply {
    if (call.method === "POST" && !id) return this.#create(kind, call);
    if (call.method === "PUT" && id) return this.#update(kind, this.#changeable(kind, id, call), call);
    if (call.method === "DELETE" && id) return this.#delete(kind, this.#changeable(kind, id, call));
    throw notImplemented(call);
  }

  #create({ kind, model = "" }: Kind, { details }: Call): Reply {
    checkModel("functions", `Create${model}Details`, details);
    const fields = kind === "fnapp" ? this.#applicationOf(details) : this.#functionOf(details);
    const scope = kind === "fnapp" ? "compartmentId" : "applicationId";
    const sameName = this.#store
      .all(kind)
      .find(({ displayName, [scope]: within }) => displayName === details.displayName && within === details[scope]);
    if (sameName)
      throw new ApiError(
        409,
        "Conflict",
        `${model} ${details.displayName} exists already, and is ${sameName.lifecycleState}.`,
      );
    const resource = this.#store.add(kind, { ...fields, lifecycleState: "CREATING" });
    const headers = this.#begin("CREATE", resource, model, {
      passing: "CREATING",
      succeed: () => (resource.lifecycleState = "ACTIVE"),
      fail: () => (resource.lifecycleState = "FAILED"),
    });
    return { status: 200, body: { ...resource }, headers };
  }

  #update({ kind, model = "" }: Kind, resource: Resource, { details }: Call): Reply {
    checkModel("functions", `Update${model}Details`, details);
    const state = this.#store.stateOf(resource);
    if (state !== "ACTIVE") throw new ApiError(409, "Conflict", `${model} is ${state}.`);
    const fields = { ...details };
    if (kind === "fnfunc") {
      checkLimits(details);
      const application = this.#store.get("fnapp", resource.applicationId);
      const { sourceDetails = {} } = details;
      // An image without a digest is the one that its tag is on now, and neither leaves it as it is.
      const named = { ...(sourceDetails.image ? {} : resource.sourceDetails), ...sourceDetails };
      fields.sourceDetails = pinSource(this.#registry, named, application.shape);
    }
    const headers = this.#begin("UPDATE", resource, model, {
      passing: "UPDATING",
      succeed: () => Object.assign(resource, fields, { lifecycleState: "ACTIVE", timeUpdated: new Date() }),
      fail: () => (resource.lifecycleState = "ACTIVE"),
    });
    return { status: 202, headers };
  }

  #delete({ kind, model = "" }: Kind, resource: Resource): Reply {
    const former = resource.lifecycleState;
    const holds = ({ applicationId }: Resource) => applicationId === resource.id;
    if (kind === "fnapp" && this.#store.all("fnfunc").some(holds))
      throw new ApiError(409, "Conflict", "The application has functions, and cannot be deleted.");
    const headers = this.#begin("DELETE", resource, model, {
      passing: "DELETING",
      succeed: () => this.#store.remove(resource.id),
      fail: () => (resource.lifecycleState = former),
    });
    return { status: 202, headers };
  }

  #begin(
    verb: "CREATE" | "UPDATE" | "DELETE",
    resource: Resource,
    model: string,
    change: { passing: string; succeed(): unknown; fail(): unknown },
  ): Record<string, string> {
    const operation = `${verb}_${model.toUpperCase()}` as Operation;
    return this.#works.begin({ operation, resource, ...change });
  }

  /** One that no change is under way for, even if it shows none yet. */
  #changeable({ kind, model }: Kind, id: string, call: Call): Resource {
    const resource = this.#store.get(kind, id);
    if (this.#works.isPending(resource))
      throw new ApiError(409, "Conflict", `${model} is currently being modified by another request.`);
    checkEtag(call, resource);
    return resource;
  }

  #applicationOf(details: Record<string, unknown>): object {
    for (const subnet of details.subnetIds as string[]) this.#store.get("subnet", subnet);
    return { shape: "GENERIC_X86", config: {}, networkSecurityGroupIds: [], ...details };
  }

  // biome-ignore lint/suspicious/noExplicitAny: a body that was checked against the SDK's models
  #functionOf(details: Record<string, any>): object {
    checkLimits(details);
    const { id, compartmentId, shape, lifecycleState } = this.#store.get("fnapp", details.applicationId);
    if (lifecycleState !== "ACTIVE") throw new ApiError(409, "Conflict", `Application ${id} is ${lifecycleState}.`);
    const sourceDetails = pinSource(this.#registry, details.sourceDetails, shape);
    const given = { compartmentId, shape, config: {}, timeoutInSeconds: 30, invokeEndpoint: this.#url() };
    return { ...given, ...details, sourceDetails };
  }
}
