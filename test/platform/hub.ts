import { setTimeout as sleep } from "node:timers/promises";

/*
 * OCI Connector Hub between a source and a function, as far as it is known. Nothing here was tried against Oracle's.
 *
 * From the source and tests of Oracle's FDKs for Java and Go (fn-events): the body is a JSON array; of Streaming messages
 * as `Message` has them; of a queue's contents verbatim, so that one that is not JSON spoils the body.
 *
 * From Oracle's pages (queue-to-function.htm, deadletterqueues.htm, and the Functions target of the API): a batch ends by
 * `batchSizeInNum` or `batchSizeInKbs`, one of them, or by `batchTimeInSec`; calls are one after the other; no part of a
 * batch is ever taken for done, and it comes again until the function succeeds; a queue's messages go back all, and to the
 * dead letters after so many deliveries; without a key a stream's message goes to a partition of the service's choice.
 *
 * Believed: that the platform's 200 is success whatever the body says; that a stream's batch that failed comes again as it
 * was, and a queue's is made anew; that a restart begins at a cursor older than the last delivery; that a key that was not
 * given stays null; that kilobytes are of the body; that a message above them goes alone; that the wait between two tries
 * grows; that nothing is sent where there is nothing; that the partition of a key is a hash of it.
 *
 * Not played: a connector that is deactivated after it failed for long, and a hub for some partitions alone, which
 * `follow` offers for the sake of tests, is none of the service's settings.
 */

/** Between two looks at a source. Milliseconds. */
const POLL = 10;

/** A message as it stands in the body, and since when it waits, in milliseconds since 1970. */
export interface Waiting {
  text: string;
  since: number;
}

export interface Batch {
  /** Its messages as they stand in the body. */
  texts: readonly string[];
  /** The function succeeded. */
  delivered(): void;
  /** It did not: the same batch comes again, or its messages went back, and are batched anew. */
  failed(): "again" | "anew";
}

/** Where a hub takes messages from. */
export interface Source {
  /** What a batch would be made of now, in its order. */
  waiting(): Iterable<Waiting>;
  /** The first of these. */
  take(count: number): Batch;
  /** Forgets what no cursor knows of. */
  restart(): void;
  /** How many messages are not delivered yet. */
  readonly left: number;
}

/** `Functions`, as far as a hub sees it. */
export interface Target {
  invoke(invocation: { body: Buffer }): Promise<{ code?: string }>;
}

/** A call of the function. */
export interface Delivery {
  messages: number;
  /** Which try of its batch it is, from 1. */
  attempt: number;
  /** The platform's, where it was no success. */
  code: string | undefined;
  milliseconds: number;
}

type Size = { batchSizeInNum: number } | { batchSizeInKbs: number };

export type HubOptions = Size & {
  source: Source;
  target: Target;
  batchTimeInSec: number;
  /** Before the first repetition, doubled for each that follows, and at most. Milliseconds. */
  backoff?: { first: number; most: number };
  onDelivery?: (delivery: Delivery) => void;
};

export interface Hub {
  /** As when the service moves it: it forgets the call that it is at, and goes back to where its source knows that it was. */
  restart(): void;
  /** Resolves when the last call is answered. */
  stop(): Promise<void>;
}

/** Delivers one batch at a time, in order, until it is stopped. */
export function startHub(options: HubOptions): Hub {
  const { source, target, backoff = { first: 1_000, most: 30_000 }, onDelivery } = options;
  let failuresInARow = 0;

  async function run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) await deliver(await collect(options, signal), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async function deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const body = Buffer.from(`[${batch.texts.join(",")}]`);
    for (let attempt = 1; ; attempt++) {
      const started = performance.now();
      const { code } = await target.invoke({ body });
      signal.throwIfAborted();
      onDelivery?.({ messages: batch.texts.length, attempt, code, milliseconds: performance.now() - started });
      if (code === undefined) {
        failuresInARow = 0;
        return batch.delivered();
      }
      const next = batch.failed();
      await sleep(Math.min(backoff.first * 2 ** failuresInARow++, backoff.most), undefined, { signal });
      if (next === "anew") return;
    }
  }

  let life = new AbortController();
  let runs: Promise<unknown> = run(life.signal);
  return {
    restart() {
      life.abort();
      life = new AbortController();
      source.restart();
      runs = Promise.all([runs, run(life.signal)]);
    },
    async stop() {
      life.abort();
      await runs;
    },
  };
}

/** Waits until there are enough messages for a batch, or the oldest has waited long enough, and takes them. */
async function collect({ source, batchTimeInSec, ...size }: HubOptions, signal: AbortSignal): Promise<Batch> {
  const most = {
    messages: "batchSizeInNum" in size ? size.batchSizeInNum : Number.POSITIVE_INFINITY,
    bytes: "batchSizeInKbs" in size ? size.batchSizeInKbs * 1_024 : Number.POSITIVE_INFINITY,
  };
  for (;;) {
    const { count, full, since } = fill(source.waiting(), most);
    if (full || since + batchTimeInSec * 1_000 <= Date.now()) return source.take(count);
    await sleep(POLL, undefined, { signal });
  }
}

/** How many fit into a batch, whether no more would, and since when the oldest waits. */
function fill(waiting: Iterable<Waiting>, most: { messages: number; bytes: number }) {
  let count = 0;
  let bytes = "[]".length;
  let oldest = Number.POSITIVE_INFINITY;
  for (const { text, since } of waiting) {
    bytes += Buffer.byteLength(text) + (count > 0 ? ",".length : 0);
    if (count > 0 && bytes > most.bytes) return { count, full: true, since: oldest };
    count++;
    oldest = Math.min(oldest, since);
    if (count === most.messages || bytes >= most.bytes) return { count, full: true, since: oldest };
  }
  return { count, full: false, since: oldest };
}
