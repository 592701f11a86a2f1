import type { Items } from "./delivery/items.ts";
import type { Key } from "./delivery/keys.ts";
import type { Reject } from "./delivery/rejects.ts";
import type { Pointed } from "./problem.ts";

/** What an invocation brings. */
export interface Delivery extends Items {
  /** In their order: inserts that take the same keys then wait for each other, and never in a circle. */
  keys: readonly Key[];
  /** For each message that is an item, which one; absent where each is its own, since none comes twice with its key. */
  order?: readonly number[];
  feed?: Feed;
}

/** What a delivery has whose source reads no answer. */
export interface Feed {
  /** Of messages that are no items. */
  rejects: readonly Reject[];
  /** Of an item that the database refuses. */
  rejectOf(item: number, errors: readonly Pointed[]): Reject;
}
