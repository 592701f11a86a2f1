import type { Items } from "./delivery/items.ts";
import type { Key } from "./delivery/keys.ts";
import type { Reject } from "./delivery/rejects.ts";
import type { Pointed } from "./problem.ts";

/** What an invocation brings. */
export interface Delivery extends Items {
  /** In their order: inserts that take the same keys then wait for each other, and never in a circle. */
  keys: readonly Key[];
  /** For each message that is an item, its index in `items`; absent where no key comes twice, since it is then its own index. */
  order?: readonly number[];
  feed?: Feed;
}

/** How to set messages aside: in a delivery whose source reads no answer, so that nothing can be refused. */
export interface Feed {
  /** Of messages that are no items. */
  rejects: readonly Reject[];
  /** Of an item that the database refuses. */
  rejectOf(item: number, errors: readonly Pointed[]): Reject;
}
