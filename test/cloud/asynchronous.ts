import { ApiError } from "../platform/api.ts";
import { type Call, checkEtag, notImplemented, type Reply } from "./call.ts";
import type { Kind } from "./kind.ts";
import { checkModel } from "./model.ts";
import type { Resource, Store } from "./store.ts";
import type { Operation, WorkRequests } from "./work.ts";

/** What one kind of resource is, to a service that creates, updates and deletes by work requests. */
export interface Rules {
  /** As its work requests call it. */
  operation: "GATEWAY" | "DEPLOYMENT" | "SERVICE_CONNECTOR";
  /** Whether a creation is answered with what is being created. */
  answersCreation: boolean;
  /** What it has beside the details. @throws {ApiError} where they cannot be */
  complete(details: Call["details"], resource?: Resource): object;
  /** @throws {ApiError} where something else needs it */
  release?(resource: Resource): void;
}

/** @throws {ApiError} as the service words it */
export function changeByWork(
  store: Store,
  works: WorkRequests,
  { kind, service, model }: Kind,
  rules: Rules,
  id: string | undefined,
  call: Call,
): Reply {
  const begin = (verb: string, resource: Resource, passing: string, succeed: () => unknown, fail: () => unknown) =>
    works.begin({ operation: `${verb}_${rules.operation}` as Operation, resource, passing, succeed, fail });
  const { method, details } = call;
  if (method === "POST" && !id) {
    checkModel(String(service), `Create${model}Details`, details);
    const fields = { ...details, ...rules.complete(details), lifecycleState: "CREATING", lifecycleDetails: null };
    const resource = store.add(kind, fields);
    const settle = (lifecycleState: string) => () => Object.assign(resource, { lifecycleState });
    const headers = begin("CREATE", resource, "CREATING", settle("ACTIVE"), settle("FAILED"));
    return { status: 200, ...(rules.answersCreation && { body: { ...resource } }), headers };
  }
  if (!id || !["PUT", "DELETE"].includes(method)) throw notImplemented(call);
  const resource = store.get(kind, id);
  if (works.isPending(resource)) throw new ApiError(409, "Conflict", `${model} is being changed already.`);
  checkEtag(call, resource);
  const { lifecycleState } = resource;
  const restore = () => Object.assign(resource, { lifecycleState });
  if (method === "DELETE") {
    rules.release?.(resource);
    return { status: 202, headers: begin("DELETE", resource, "DELETING", () => store.remove(id), restore) };
  }
  checkModel(String(service), `Update${model}Details`, details);
  if (lifecycleState === "FAILED") throw new ApiError(409, "Conflict", `${model} is FAILED.`);
  const fields = { ...details, ...rules.complete(details, resource), lifecycleState, timeUpdated: new Date() };
  return {
    status: 202,
    headers: begin("UPDATE", resource, "UPDATING", () => Object.assign(resource, fields), restore),
  };
}
