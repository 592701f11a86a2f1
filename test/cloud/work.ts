import { type Call, notImplemented, type Reply } from "./call.ts";
import { VERSIONS } from "./kind.ts";
import type { Resource, Store } from "./store.ts";

type Verb = "CREATE" | "UPDATE" | "DELETE";
export type Operation =
  | `${Verb}_${"FUNCTION" | "APPLICATION" | "GATEWAY" | "DEPLOYMENT" | "SERVICE_CONNECTOR"}`
  | `${"ACTIVATE" | "DEACTIVATE"}_SERVICE_CONNECTOR`;

/** A change that goes on after its answer. */
interface Change {
  operation: Operation;
  resource: Resource;
  /** The state in which it shows meanwhile, once it has begun. */
  passing: string;
  succeed(): void;
  fail(): void;
}

interface Work extends Change {
  record: Resource;
  error: { code: string; message: string } | undefined;
}

/** By kind: its service, and what a work request calls it. */
const NAMES: Readonly<Record<string, [service: string, type: string, path: string]>> = {
  fnfunc: ["functions", "function", "functions"],
  fnapp: ["functions", "application", "applications"],
  apigateway: ["apigateway", "gateway", "gateways"],
  apideployment: ["apigateway", "deployment", "deployments"],
  serviceconnector: ["sch", "serviceconnector", "serviceConnectors"],
};

/**
 * Work requests, as each service has its own: ACCEPTED, IN_PROGRESS, then SUCCEEDED or FAILED. Each reading, of the work request or of
 * what it changes, is answered first and then takes it one state further.
 */
export class WorkRequests {
  readonly #works: Work[] = [];
  readonly #orders: { operation: Operation; code: string; message: string }[] = [];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The next change of this sort fails, for this reason. */
  failNext(operation: Operation, code: string, message: string): void {
    this.#orders.push({ operation, code, message });
  }

  /** Starts a change. Returns the headers that tell of it. */
  begin(change: Change): Record<string, string> {
    const { operation, resource } = change;
    const ordered = this.#orders.findIndex((order) => order.operation === operation);
    const [error] = ordered < 0 ? [] : this.#orders.splice(ordered, 1);
    const [service = "", entityType, path] = NAMES[resource.kind] ?? [];
    const affected = { entityType, identifier: resource.id, entityUri: `/${VERSIONS[service]}/${path}/${resource.id}` };
    const record = this.#store.add(kindOfWork(VERSIONS[service]), {
      operationType: operation,
      status: "ACCEPTED",
      compartmentId: resource.compartmentId,
      resourceId: resource.id,
      resources: [{ ...affected, actionType: "IN_PROGRESS" }],
      percentComplete: 0,
      timeAccepted: new Date(),
    });
    this.#works.push({ ...change, record, error });
    resource.etag++;
    return { "opc-work-request-id": record.id, etag: String(resource.etag) };
  }

  isPending(resource: Resource): boolean {
    return this.#pending(resource.id) !== undefined;
  }

  /** For a reading of a resource, after its answer. */
  advance(resourceId: string): void {
    const work = this.#pending(resourceId);
    if (work) step(work);
  }

  /**
   * What `oci fn work-request`, `work-request-error` and `work-request-log-entry` ask for, and those of other services.
   *
   * @param version of the API, which tells the service
   * @throws {ApiError}
   */
  answer(call: Call, version: string | undefined): Reply {
    const kind = kindOfWork(version);
    const [, , id, part] = call.path.split("/");
    if (call.method !== "GET") throw notImplemented(call);
    if (!id) return { status: 200, body: { items: this.#store.list(kind, call.query).page } };
    const record = this.#store.get(kind, id);
    const work = this.#works.find((known) => known.record === record);
    if (part === "errors") {
      const timestamp = record.timeFinished;
      const shown = work?.error && record.status === "FAILED" ? [{ ...work.error, timestamp }] : [];
      return { status: 200, body: { items: shown } };
    }
    if (part === "logs") {
      const message = `${record.operationType} is ${record.status}`;
      return { status: 200, body: { items: [{ message, timestamp: record.timeUpdated ?? record.timeAccepted }] } };
    }
    const body = structuredClone(record);
    if (work && isPending(work)) step(work);
    return { status: 200, body, headers: { etag: String(body.etag), "retry-after": "1" } };
  }

  #pending(resourceId: string): Work | undefined {
    return this.#works.find((work) => work.resource.id === resourceId && isPending(work));
  }
}

function kindOfWork(version: string | undefined): string {
  return `workrequest${version}`;
}

function isPending({ record }: Work): boolean {
  return record.timeFinished === undefined;
}

function step(work: Work): void {
  const { record, resource, operation, error } = work;
  const now = new Date();
  record.timeUpdated = now;
  record.etag++;
  resource.etag++;
  if (record.status === "ACCEPTED") {
    Object.assign(record, { status: "IN_PROGRESS", percentComplete: 50, timeStarted: now });
    resource.lifecycleState = work.passing;
    return;
  }
  const actionType = error ? "FAILED" : `${/^(?:CREATE|DELETE)/.exec(operation)?.[0] ?? "UPDATE"}D`;
  const resources = record.resources.map((affected: object) => ({ ...affected, actionType }));
  Object.assign(record, { status: error ? "FAILED" : "SUCCEEDED", percentComplete: 100, timeFinished: now, resources });
  if (error) work.fail();
  else work.succeed();
}
