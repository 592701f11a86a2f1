import type { Feed } from "../settings/feed.ts";

/** Who may do what where, to be granted. */
export interface Rights {
  /** The function's name, with which the names of all that is made begin. */
  name: string;
  tenancy: string;
  compartment: string;
  secretCompartment: string;
  networkCompartment: string;
  secret: string;
  ciGroup: string;
  repository: string;
  /** Whether an API gateway calls the function. */
  gateway: boolean;
  /** What Connector Hub reads for the function. */
  feeds: readonly Feed[];
  feedCompartment: string;
  /** Whether an APM domain takes traces, and its compartment. */
  traced: boolean;
  traceCompartment: string;
  /** Options that send a change to the tenancy's home region, the only one that takes changes of rights. */
  home: readonly string[];
}

/** A policy to be made. */
export interface Policy {
  /** The compartment that it is attached to. */
  at: string;
  name: string;
  description: string;
  statements: string[];
}
