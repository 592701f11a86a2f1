import { ApiError } from "../platform/api.ts";
import { type Call, checkEtag, notImplemented, type Reply } from "./call.ts";
import type { Kind } from "./kind.ts";
import { checkModel } from "./model.ts";
import type { Store } from "./store.ts";

/** Reads a resource, a list of them, or a part of one, such as the rules of a network security group. */
export function readResources(
  store: Store,
  { kind, collection }: Kind,
  id: string | undefined,
  part: string | undefined,
  call: Call,
): Reply {
  if (id && part) return { status: 200, body: store.get(kind, id)[part] ?? [] };
  if (id) {
    const body = store.read(kind, id);
    return { status: 200, body, headers: { etag: String(body.etag) } };
  }
  const { page, next } = store.list(kind, call.query);
  const body = collection ? { items: page, remainingItemsCount: 0 } : page;
  return { status: 200, body, headers: next ? { "opc-next-page": next } : {} };
}

/** Creates or updates a resource of a service that does so at once. @throws {ApiError} as the services word it */
export function changeResource(store: Store, kind: Kind, id: string | undefined, call: Call): Reply {
  const { method, details } = call;
  const { service, model, settled = "ACTIVE" } = kind;
  if (!service) throw notImplemented(call);
  if (method === "POST" && !id) {
    checkModel(service, `Create${model}Details`, details);
    const fields = { ...defaultsOf(store, kind.kind, details), ...details, lifecycleState: settled };
    const made = store.add(kind.kind, fields, service === "identity" ? undefined : "PROVISIONING");
    return { status: 200, body: { ...made, lifecycleState: store.stateOf(made) }, headers: { etag: "1" } };
  }
  if (method === "PUT" && id) {
    checkModel(service, `Update${model}Details`, details);
    const resource = store.get(kind.kind, id);
    checkEtag(call, resource);
    const updated = store.update(resource, details);
    const body = { ...updated, lifecycleState: store.stateOf(updated) };
    return { status: 200, body, headers: { etag: String(updated.etag) } };
  }
  throw notImplemented(call);
}

function defaultsOf(store: Store, kind: string, details: Record<string, string>): object {
  switch (kind) {
    case "containerrepo":
      if (store.all(kind).some(({ displayName }) => displayName === details.displayName))
        throw new ApiError(409, "Conflict", "A repository of that name exists in the tenancy already.");
      if (details.displayName !== details.displayName?.toLowerCase())
        throw new ApiError(400, "InvalidParameter", "displayName must be lower case");
      return {};
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
