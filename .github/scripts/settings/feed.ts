import type { Variables } from "./variables.ts";

const KINDS = ["stream", "queue"] as const;

/** What Connector Hub reads for the function. */
export interface Feed {
  kind: (typeof KINDS)[number];
  id: string;
  compartment: string;
}

/** The variable that names each. */
export const FEEDS: Readonly<Record<Feed["kind"], string>> = { stream: "STREAM_OCID", queue: "QUEUE_OCID" };

/** @param compartment where they are */
export function readFeeds(variables: Variables, compartment: string): Feed[] {
  return KINDS.flatMap((kind) => {
    const id = variables.ocid(FEEDS[kind], [kind]);
    return id ? [{ kind, id, compartment }] : [];
  });
}

/** Those that no variable asks for. */
export function otherKinds(feeds: readonly Feed[]): Feed["kind"][] {
  return KINDS.filter((kind) => !feeds.some((feed) => feed.kind === kind));
}

/** Connector Hub reads no answer: what a function refuses is taken for delivered, and lost. */
export function refusesInvalid({ ON_INVALID = "" }: Record<string, string>): boolean {
  return ["", "refuse"].includes(ON_INVALID);
}

export function checkInvalid(feeds: readonly Feed[], config: Record<string, string>, faults: string[]): void {
  if (feeds.length === 0 || !refusesInvalid(config)) return;
  const names = feeds.map(({ kind }) => FEEDS[kind]).join(" and ");
  faults.push(
    `ON_INVALID is ${config.ON_INVALID || "missing, which is refuse"}, and Connector Hub is to deliver (${names}): it reads no answer, so that what is refused would be lost. Set it to set-aside (to the table items_rejected) or fail (the connector sends again)`,
  );
}
