import type { IncomingMessage, ServerResponse } from "node:http";
import type { Specification } from "../../.github/scripts/settings/specification.ts";
import { ApiError, type Handle } from "../platform/api.ts";
import type { Functions } from "../platform/functions.ts";
import { openGateway } from "../platform/gateway.ts";
import type { Rules } from "./asynchronous.ts";
import { isGranted } from "./grant.ts";
import type { Resource, Store } from "./store.ts";

/** API gateways and their deployments. One port stands for the addresses of all of them. */
export class Gateways {
  readonly #store: Store;
  readonly #functionsOf: (id: string) => Functions;
  readonly #onAccess: (line: string) => void;
  readonly #open = new Map<string, { of: string; handle: Handle }>();
  /** Where they are called. */
  url = "";

  constructor(store: Store, functionsOf: (id: string) => Functions, onAccess: (line: string) => void) {
    this.#store = store;
    this.#functionsOf = functionsOf;
    this.#onAccess = onAccess;
  }

  rulesOf(kind: string): Rules {
    return kind === "apigateway" ? this.#gateways : this.#deployments;
  }

  readonly #gateways: Rules = {
    operation: "GATEWAY",
    answersCreation: true,
    complete: ({ subnetId, endpointType }, resource) => {
      if (resource) return {};
      const subnet = this.#store.get("subnet", subnetId);
      if (endpointType === "PUBLIC" && subnet.prohibitPublicIpOnVnic)
        throw new ApiError(400, "InvalidParameter", "A public gateway needs a public subnet.");
      return { hostname: new URL(this.url).host };
    },
    release: ({ id }) => {
      if (this.#store.all("apideployment").some(({ gatewayId }) => gatewayId === id))
        throw new ApiError(409, "Conflict", "The gateway has deployments, and cannot be deleted.");
    },
  };

  readonly #deployments: Rules = {
    operation: "DEPLOYMENT",
    answersCreation: true,
    complete: ({ gatewayId, pathPrefix, specification }, resource) => {
      // What it does not play, it does not take.
      if (specification) openGateway(specification, this.#functionsOf);
      if (resource) return {};
      const { lifecycleState } = this.#store.get("apigateway", gatewayId);
      if (lifecycleState !== "ACTIVE") throw new ApiError(409, "Conflict", `The gateway is ${lifecycleState}.`);
      if (this.#store.all("apideployment").some((one) => one.gatewayId === gatewayId && one.pathPrefix === pathPrefix))
        throw new ApiError(409, "Conflict", `The gateway has a deployment at ${pathPrefix} already.`);
      return { endpoint: `${this.url}${pathPrefix}` };
    },
  };

  /** A caller's request. Of several gateways, the last one made that can answer. */
  async handle(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const deployment = this.#store.all("apideployment").findLast(({ lifecycleState, gatewayId }) => {
      const states = [lifecycleState, this.#store.get("apigateway", gatewayId).lifecycleState];
      return states.every((state) => ["ACTIVE", "UPDATING"].includes(state));
    });
    if (!deployment) throw new ApiError(404, "NotFound", "Not Found");
    return this.#handleOf(deployment)(request, body, response);
  }

  #handleOf({ id, specification, compartmentId }: Resource): Handle {
    const of = JSON.stringify(specification);
    const open = this.#open.get(id);
    if (open?.of === of) return open.handle;
    const functionsOf = (functionId: string) => {
      this.#checkPolicy(functionId, compartmentId);
      return this.#functionsOf(functionId);
    };
    const handle = openGateway(specification as Specification, functionsOf, this.#onAccess);
    this.#open.set(id, { of, handle });
    return handle;
  }

  /** A policy that names gateways of this compartment must let them call. @throws {ApiError} 500, which is all a caller learns */
  #checkPolicy(functionId: string, compartmentId: string): void {
    const where = this.#store.get("fnfunc", functionId).compartmentId;
    const words = [
      "allow any-user to use functions-family ",
      `in compartment id ${where} `,
      "request.principal.type = 'ApiGateway'",
      `request.resource.compartment.id = '${compartmentId}'`,
    ];
    if (!isGranted(this.#store, ...words)) throw new ApiError(500, "InternalServerError", "Internal Server Error");
  }
}
