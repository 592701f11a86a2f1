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
  /** By an action's name, the state that it leads to. */
  actions?: Readonly<Record<string, string>>;
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
  const action = /\/actions\/(\w+)$/.exec(call.path)?.[1] ?? "";
  const lasting = rules.actions?.[action];
  if (!id || !(method === "POST" ? lasting : ["PUT", "DELETE"].includes(method))) throw notImplemented(call);
  const resource = store.get(kind, id);
  if (works.isPending(resource)) throw new ApiError(409, "Conflict", `${model} is being changed already.`);
  checkEtag(call, resource);
  const { lifecycleState } = resource;
  const restore = () => Object.assign(resource, { lifecycleState });
  if (method === "DELETE") {
    rules.release?.(resource);
    return { status: 202, headers: begin("DELETE", resource, "DELETING", () => store.remove(id), restore) };
  }
  if (!lasting) checkModel(String(service), `Update${model}Details`, details);
  if (lifecycleState === "FAILED") throw new ApiError(409, "Conflict", `${model} is FAILED.`);
  if (lasting) {
    const settle = () => Object.assign(resource, { lifecycleState: lasting, lifecycleDetails: null });
    return { status: 202, headers: begin(action.toUpperCase(), resource, "UPDATING", settle, restore) };
  }
  const fields = { ...details, ...rules.complete(details, resource), lifecycleState, timeUpdated: new Date() };
  return {
    status: 202,
    headers: begin("UPDATE", resource, "UPDATING", () => Object.assign(resource, fields), restore),
  };
}
