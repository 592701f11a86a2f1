import { ApiError } from "../platform/api.ts";
import type { Rules } from "./asynchronous.ts";
import type { Store } from "./store.ts";

/** Connectors of Connector Hub, from a stream or a queue to a function; nothing is delivered by them here. */
export function connectorRules(store: Store): Rules {
  return {
    operation: "SERVICE_CONNECTOR",
    answersCreation: false,
    complete({ source, target }) {
      if (source?.kind === "streaming") store.get("stream", source.streamId);
      else if (source?.kind === "plugin" && source.pluginName === "QueueSource")
        store.get("queue", source.configMap.queueId);
      else if (source) throw new ApiError(501, "NotImplemented", `The local cloud has no source ${source.kind}`);
      if (!target) return {};
      if (target.kind !== "functions")
        throw new ApiError(501, "NotImplemented", `The local cloud has no target ${target.kind}`);
      store.get("fnfunc", target.functionId);
      if (target.batchSizeInKbs && target.batchSizeInNum)
        throw new ApiError(400, "InvalidParameter", "Only one of batchSizeInKbs and batchSizeInNum can be specified.");
      return {};
    },
  };
}
