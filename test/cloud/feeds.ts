import { ApiError } from "../platform/api.ts";
import { createQueue, type Queue } from "../platform/queue.ts";
import { createStream, type Stream } from "../platform/stream.ts";
import type { Call, Reply } from "./call.ts";
import { checkModel } from "./model.ts";
import type { Resource, Store } from "./store.ts";

/** What a connector reads. @throws {ApiError} 501 */
export function feedOf(source: Resource["source"]): { kind: "stream" | "queue"; id: string } {
  if (source.kind === "streaming") return { kind: "stream", id: source.streamId };
  if (source.pluginName === "QueueSource") return { kind: "queue", id: source.configMap.queueId };
  throw new ApiError(501, "NotImplemented", `The local cloud has no source ${source.pluginName ?? source.kind}`);
}

/** What is in a stream of the store. @throws {ApiError} 404 */
export function streamOf(store: Store, id: string): Stream {
  const stream = store.get("stream", id);
  stream.messages ??= createStream({ name: stream.name });
  return stream.messages;
}

/** What is in a queue of the store. @throws {ApiError} 404 */
export function queueOf(store: Store, id: string): Queue {
  const queue = store.get("queue", id);
  queue.messages ??= createQueue();
  return queue.messages;
}

/** `PutMessages` of Queue, whose limits are not played. @throws {ApiError} 400 */
export function putIntoQueue(queue: Queue, { details }: Call): Reply {
  checkModel("queue", "PutMessagesDetails", details);
  const ids = queue.put(...details.messages.map(({ content }: { content: string }) => content));
  return { status: 200, body: { messages: ids.map((id) => ({ id })) } };
}
