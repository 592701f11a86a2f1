import { ApiError } from "../platform/api.ts";
import type { Collector } from "../platform/collector.ts";
import { type Functions, startFunctions } from "../platform/functions.ts";
import type { Platform } from "../platform/platform.ts";
import { byDigest } from "./definition.ts";
import type { Registry } from "./registry.ts";
import type { Resource, Store } from "./store.ts";

/** Runs what is deployed, each function in containers of its own. */
export class Deployed {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #platform: Platform;
  readonly #collector: Collector;
  readonly #onLog: (line: string) => void;
  readonly #running = new Map<string, { of: string; functions: Functions }>();

  constructor(
    store: Store,
    registry: Registry,
    platform: Platform,
    collector: Collector,
    onLog: (line: string) => void,
  ) {
    this.#store = store;
    this.#registry = registry;
    this.#platform = platform;
    this.#collector = collector;
    this.#onLog = onLog;
  }

  /** The containers of a function as it is deployed now. @throws {ApiError} where there can be none */
  functions(id: string): Functions {
    const deployed = this.#store.get("fnfunc", id);
    const { displayName, lifecycleState, sourceDetails, memoryInMBs, timeoutInSeconds } = deployed;
    if (!["ACTIVE", "UPDATING"].includes(lifecycleState))
      throw new ApiError(409, "Conflict", `The function is ${lifecycleState}.`);
    const application = this.#store.get("fnapp", deployed.applicationId);
    this.#checkPull(application);
    const { image, imageDigest } = sourceDetails;
    const bundle = this.#registry.bundleOf(byDigest(image, imageDigest));
    const config = { ...application.config, ...deployed.config };
    // By both switches; whether the service asks for rights to the domain then is not known.
    const isTraced = [application, deployed].every(({ traceConfig }) => traceConfig?.isEnabled === true);
    const of = JSON.stringify([config, memoryInMBs, timeoutInSeconds, bundle, imageDigest, isTraced]);
    const former = this.#running.get(id);
    if (former?.of === of) return former.functions;
    former?.functions.stop();
    const functions = startFunctions({
      id,
      name: displayName,
      config,
      memory: memoryInMBs,
      timeoutSeconds: timeoutInSeconds,
      principal: this.#platform.principal,
      command: [process.execPath, bundle],
      ...(isTraced && { tracing: { collectorUrl: this.#collector.url } }),
      onLog: this.#onLog,
    });
    this.#running.set(id, { of, functions });
    return functions;
  }

  stop(): void {
    for (const { functions } of this.#running.values()) functions.stop();
  }

  /**
   * An image is pulled through the application's own subnets: each needs a route to Oracle's services, and egress to them.
   *
   * @throws {ApiError} 502 FunctionInvokeImageNotAvailable, which is all that a caller of the real one learns
   */
  #checkPull(application: Resource): void {
    for (const id of application.subnetIds) {
      const subnet = this.#store.get("subnet", id);
      const routed = this.#store.get("routetable", subnet.routeTableId).routeRules.some(leadsToServices);
      const rules = subnet.securityListIds.flatMap(
        (list: string) => this.#store.get("securitylist", list).egressSecurityRules,
      );
      if (!routed || !rules.some(leadsToServices))
        throw new ApiError(502, "FunctionInvokeImageNotAvailable", "Failed to pull function image");
    }
  }
}

function leadsToServices({ destination, destinationType }: Record<string, string>): boolean {
  return (
    destination === "0.0.0.0/0" ||
    (destinationType === "SERVICE_CIDR_BLOCK" && destination?.startsWith("all-") === true)
  );
}
