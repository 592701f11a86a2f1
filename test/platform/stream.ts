import { createHash, randomBytes } from "node:crypto";
import type { Batch, Source } from "./hub.ts";

/** As Connector Hub hands it to a function. */
export interface Message {
  /** The stream's name. */
  stream: string;
  partition: string;
  /** Base64. */
  key: string | null;
  /** Base64. */
  value: string;
  offset: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** What a producer puts. */
export interface Entry {
  /** Those with the same key come into the same partition; those without one are spread. */
  key?: Uint8Array | null;
  value: Uint8Array;
}

/** OCI Streaming: what was put is kept in its order, by partition, for as long as this lives. */
export interface Stream {
  id: string;
  name: string;
  partitions: readonly string[];
  put(entries: readonly Entry[]): Message[];
  read(partition: string, offset: number): Message | undefined;
  /** Where the next one of a partition comes. */
  end(partition: string): number;
}

export function createStream({ name = "items", partitions = 1 } = {}): Stream {
  const kept = Array.from({ length: partitions }, (): Message[] => []);
  let spread = 0;

  function partitionFor(key: Uint8Array | null): number {
    return (key === null ? spread++ : createHash("sha256").update(key).digest().readUInt32BE()) % partitions;
  }

  return {
    id: `ocid1.stream.oc1.eu-frankfurt-1.${randomBytes(8).toString("hex")}`,
    name,
    partitions: [...kept.keys()].map(String),
    put: (entries) =>
      entries.map(({ key = null, value }) => {
        const partition = partitionFor(key);
        const messages = kept[partition] as Message[];
        const message: Message = {
          stream: name,
          partition: String(partition),
          key: key && Buffer.from(key).toString("base64"),
          value: Buffer.from(value).toString("base64"),
          offset: messages.length,
          timestamp: Date.now(),
        };
        messages.push(message);
        return message;
      }),
    read: (partition, offset) => kept[Number(partition)]?.[offset],
    end: (partition) => kept[Number(partition)]?.length ?? 0,
  };
}

export interface FollowOptions {
  /** All when absent. */
  partitions?: readonly string[];
  /** The cursor is committed after so many delivered batches; a restart goes back to it. */
  commitEvery?: number;
}

/** A hub's place in a stream, from its oldest message on. */
export function follow(
  stream: Stream,
  { partitions = stream.partitions, commitEvery = 1 }: FollowOptions = {},
): Source {
  let committed = new Map(partitions.map((partition) => [partition, 0]));
  let position = new Map(committed);
  let uncommitted = 0;

  /** In turn from each partition. */
  function* ahead(): Generator<Message> {
    const places = new Map(position);
    for (let found = true; found; ) {
      found = false;
      for (const [partition, offset] of places) {
        const message = stream.read(partition, offset);
        if (!message) continue;
        found = true;
        places.set(partition, offset + 1);
        yield message;
      }
    }
  }

  return {
    *waiting() {
      for (const message of ahead()) yield { text: JSON.stringify(message), since: message.timestamp };
    },
    take(count): Batch {
      const next = new Map(position);
      const texts: string[] = [];
      for (const message of ahead()) {
        if (texts.length === count) break;
        texts.push(JSON.stringify(message));
        next.set(message.partition, message.offset + 1);
      }
      return {
        texts,
        delivered() {
          position = next;
          if (++uncommitted < commitEvery) return;
          committed = new Map(position);
          uncommitted = 0;
        },
        failed: () => "again",
      };
    },
    restart() {
      position = new Map(committed);
      uncommitted = 0;
    },
    get left() {
      return partitions.reduce((sum, partition) => sum + stream.end(partition) - (position.get(partition) ?? 0), 0);
    },
  };
}
