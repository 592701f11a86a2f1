import type { Batch, Source } from "./hub.ts";

/** A message that was taken; it is nobody else's until its visibility timeout is over. */
export interface Received {
  content: string;
  /** This one included. */
  deliveryCount: number;
  /** Good until the message is taken again. */
  receipt: string;
}

/** OCI Queue. */
export interface Queue {
  /** Returns the number of each. */
  put(...contents: string[]): number[];
  /** Those that may be taken now, the oldest first. */
  visible(): Iterable<{ content: string; since: number }>;
  take(count: number): Received[];
  delete(receipts: readonly string[]): void;
  /** Lets them be taken again at once. */
  release(receipts: readonly string[]): void;
  /** The contents that were taken too often. */
  readonly deadLetters: readonly string[];
  /** Messages, taken or not, dead letters left out. */
  readonly length: number;
}

interface Kept {
  content: string;
  since: number;
  deliveryCount: number;
  visibleFrom: number;
}

/** @param maxDeliveries a message that was taken so often goes to the dead letters instead of being taken again */
export function createQueue({ visibilitySeconds = 30, maxDeliveries = 5 } = {}): Queue {
  const kept = new Map<number, Kept>();
  const deadLetters: string[] = [];
  let lastId = 0;

  const receiptOf = (id: number, { deliveryCount }: Kept) => `${id}.${deliveryCount}`;

  function* visible(): Generator<[number, Kept]> {
    const now = Date.now();
    for (const [id, message] of kept) {
      if (message.visibleFrom > now) continue;
      if (message.deliveryCount < maxDeliveries) {
        yield [id, message];
        continue;
      }
      kept.delete(id);
      deadLetters.push(message.content);
    }
  }

  /** A receipt from before a message was taken again is good for nothing. */
  function* taken(receipts: readonly string[]): Generator<[number, Kept]> {
    for (const receipt of receipts) {
      const id = Number.parseInt(receipt, 10);
      const message = kept.get(id);
      if (message && receiptOf(id, message) === receipt) yield [id, message];
    }
  }

  return {
    put(...contents) {
      const since = Date.now();
      return contents.map((content) => {
        kept.set(++lastId, { content, since, deliveryCount: 0, visibleFrom: since });
        return lastId;
      });
    },
    *visible() {
      for (const [, message] of visible()) yield message;
    },
    take(count) {
      const received: Received[] = [];
      for (const [id, message] of visible()) {
        if (received.length === count) break;
        message.deliveryCount++;
        message.visibleFrom = Date.now() + visibilitySeconds * 1_000;
        const { content, deliveryCount } = message;
        received.push({ content, deliveryCount, receipt: receiptOf(id, message) });
      }
      return received;
    },
    delete(receipts) {
      for (const [id] of taken(receipts)) kept.delete(id);
    },
    release(receipts) {
      for (const [, message] of taken(receipts)) message.visibleFrom = 0;
    },
    deadLetters,
    get length() {
      return kept.size;
    },
  };
}

/** A hub's way to empty a queue; several hubs may share one. */
export function drain(queue: Queue): Source {
  return {
    *waiting() {
      for (const { content, since } of queue.visible()) yield { text: content, since };
    },
    take(count): Batch {
      const messages = queue.take(count);
      const receipts = messages.map(({ receipt }) => receipt);
      return {
        texts: messages.map(({ content }) => content),
        delivered: () => queue.delete(receipts),
        failed() {
          queue.release(receipts);
          return "anew";
        },
      };
    },
    // What was taken comes back by its visibility timeout.
    restart: () => undefined,
    get left() {
      return queue.length;
    },
  };
}
