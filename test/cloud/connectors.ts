import { ApiError } from "../platform/api.ts";
import type { Functions } from "../platform/functions.ts";
import { type Delivery, type Hub, type Source, startHub } from "../platform/hub.ts";
import { drain } from "../platform/queue.ts";
import { follow } from "../platform/stream.ts";
import type { Rules } from "./asynchronous.ts";
import { feedOf, queueOf, streamOf } from "./feeds.ts";
import { isGranted } from "./grant.ts";
import type { Resource, Store } from "./store.ts";

/** Connectors of Connector Hub, from a stream, from its beginning on, or from a queue to a function. */
export class Connectors {
  readonly #store: Store;
  readonly #functionsOf: (id: string) => Functions;
  readonly #onDelivery: (connector: string, delivery: Delivery) => void;
  /** By a connector and what it reads, the place that it has come to. */
  readonly #places = new Map<string, Source>();
  readonly #hubs = new Map<string, { of: string; hub: Hub }>();
  #isStopped = false;

  constructor(
    store: Store,
    functionsOf: (id: string) => Functions,
    onDelivery: (connector: string, delivery: Delivery) => void,
  ) {
    this.#store = store;
    this.#functionsOf = functionsOf;
    this.#onDelivery = onDelivery;
  }

  readonly rules: Rules = {
    operation: "SERVICE_CONNECTOR",
    answersCreation: false,
    actions: { activate: "ACTIVE", deactivate: "INACTIVE" },
    complete: ({ source, target }) => {
      if (source) {
        const { kind, id } = feedOf(source);
        this.#store.get(kind, id);
        const { kind: cursor = "TRIM_HORIZON" } = source.cursor ?? {};
        if (cursor !== "TRIM_HORIZON")
          throw new ApiError(501, "NotImplemented", `The local cloud has no cursor ${cursor}`);
      }
      if (!target) return {};
      if (target.kind !== "functions")
        throw new ApiError(501, "NotImplemented", `The local cloud has no target ${target.kind}`);
      this.#store.get("fnfunc", target.functionId);
      if (target.batchSizeInKbs && target.batchSizeInNum)
        throw new ApiError(400, "InvalidParameter", "Only one of batchSizeInKbs and batchSizeInNum can be specified.");
      if (!(target.batchSizeInKbs || target.batchSizeInNum) || !target.batchTimeInSec)
        throw new ApiError(501, "NotImplemented", "The local cloud has no sizes and time of its own for a batch");
      return {};
    },
  };

  /** Lets those deliver that are active and may. It has to be called after whatever could change that: the API's calls. */
  follow(): void {
    if (this.#isStopped) return;
    const delivering = new Map(
      this.#store
        .all("serviceconnector")
        .filter((connector) => this.#delivers(connector))
        .map((connector) => [connector.id, connector]),
    );
    for (const [id, { of, hub }] of this.#hubs) {
      const connector = delivering.get(id);
      if (connector && versionOf(connector) === of) continue;
      void hub.stop();
      this.#hubs.delete(id);
    }
    for (const [id, connector] of delivering) {
      if (!this.#hubs.has(id)) this.#hubs.set(id, { of: versionOf(connector), hub: this.#start(connector) });
    }
  }

  /** Resolves when the last calls are answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#hubs.values()].map(({ hub }) => hub.stop()));
  }

  #start({ id, displayName, source, target }: Resource): Hub {
    const { functionId, batchSizeInNum, batchSizeInKbs, batchTimeInSec } = target;
    return startHub({
      source: this.#placeOf(id, source),
      target: { invoke: (invocation) => this.#invoke(functionId, invocation) },
      ...(batchSizeInNum ? { batchSizeInNum } : { batchSizeInKbs }),
      batchTimeInSec,
      onDelivery: (delivery) => this.#onDelivery(displayName, delivery),
    });
  }

  /** What the platform itself refuses is to a hub like a function that failed. */
  async #invoke(functionId: string, invocation: { body: Buffer }): Promise<{ code?: string }> {
    try {
      return await this.#functionsOf(functionId).invoke(invocation);
    } catch (error) {
      if (error instanceof ApiError) return { code: error.code };
      throw error;
    }
  }

  #placeOf(connector: string, source: Resource["source"]): Source {
    const { kind, id } = feedOf(source);
    const key = `${connector} ${id}`;
    const place =
      this.#places.get(key) ??
      (kind === "stream" ? follow(streamOf(this.#store, id)) : drain(queueOf(this.#store, id)));
    this.#places.set(key, place);
    return place;
  }

  #delivers({ lifecycleState, compartmentId, source, target }: Resource): boolean {
    if (lifecycleState !== "ACTIVE") return false;
    const { kind, id } = feedOf(source);
    const who = [
      "allow any-user to ",
      "request.principal.type = 'serviceconnector'",
      `request.principal.compartment.id = '${compartmentId}'`,
    ];
    const where = this.#store.all("fnfunc").find((fn) => fn.id === target.functionId)?.compartmentId;
    const calls = ["use fn-function ", "use fn-invocation "].every((what) =>
      isGranted(this.#store, what, `in compartment id ${where} `, ...who),
    );
    const at = `in compartment id ${this.#store.get(kind, id).compartmentId} `;
    return (
      calls && isGranted(this.#store, `${kind}_READ`, `${kind}_CONSUME`, at, `target.${kind}.id = '${id}'`, ...who)
    );
  }
}

/** Changes where it has to deliver otherwise. */
function versionOf({ source, target }: Resource): string {
  return JSON.stringify([source, target]);
}
