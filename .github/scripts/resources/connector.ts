import { get } from "../oci/cli.ts";
import { awaitSettled, changeAndWait } from "../oci/work.ts";
import { Refusal, report, warn } from "../report.ts";
import { type Connector, connector, connectorSummary, list } from "../resources.ts";
import { FEEDS, type Feed } from "../settings/feed.ts";
import type { Settings } from "../settings.ts";
import { differences } from "./difference.ts";
import { requireNamed } from "./named.ts";

/**
 * How much a delivery holds. What the size counts is not documented; it is taken for that of the messages as they were put
 * there. A function takes a body of 6 MB. A stream's messages come in base64, each with its stream, partition, offset and time
 * (some 150 bytes): the smallest item grows to 15 times its size, and a delivery that is too large would be sent for ever. A
 * queue's messages come as they are, and should all be stored before they are visible again, by default after 30 s.
 */
const BATCH_KB = { stream: 400, queue: 1_000 };

/** A delivery comes after this at the latest, as it does for others. Seconds. */
const BATCH_SECONDS = 60;

/** What gets a feed, before its OCID. */
const GET = {
  stream: ["streaming", "admin", "stream", "get", "--stream-id"],
  queue: ["queue", "queue-admin", "queue", "get", "--queue-id"],
};

/** A feed, and its connector where that is there. */
export interface Delivery {
  feed: Feed;
  found: Connector | undefined;
}

/** Looks, and makes nothing. @throws {Refusal} where a feed is not there, or its connector cannot be changed */
export async function openDeliveries(settings: Settings): Promise<Delivery[]> {
  return Promise.all(
    settings.feeds.map(async (feed) => {
      const [found] = await Promise.all([
        findConnector(settings, feed),
        requireNamed(FEEDS[feed.kind], [...GET[feed.kind], feed.id]),
      ]);
      if (found?.lifecycleState === "FAILED")
        throw new Refusal(
          `The connector ${found.displayName} is FAILED, and cannot be changed: ${found.lifecycleDetails ?? "OCI gives no reason"}. Delete it, and start again:
  ${removeConnector(found.id)}`,
        );
      return { feed, found };
    }),
  );
}

/** Makes the connector of a feed, or sets what of it is not as it should be. @throws {Refusal} */
export async function applyDelivery({ feed, found }: Delivery, functionId: string, settings: Settings): Promise<void> {
  const { compartment } = settings;
  const name = connectorName(settings, feed.kind);
  const { source, target } = connectorFor(feed, functionId);
  if (!found) {
    // Whatever is in the stream already; a queue has no such choice.
    const from = feed.kind === "stream" ? { ...source, cursor: { kind: "TRIM_HORIZON" } } : source;
    await changeAndWait(`Creating the connector ${name}`, [
      ...["sch", "service-connector", "create", "--compartment-id", compartment, "--display-name", name],
      ...["--source", JSON.stringify(from), "--target", JSON.stringify(target)],
    ]);
    // Its creation answers no data.
    report(`Connector \`${name}\` created, from ${feed.kind} ${feed.id}`);
    return tellState(await findConnector(settings, feed), name);
  }
  const changes = differencesOf(found, feed, functionId);
  if (changes.length === 0) report(`Connector \`${name}\` left as it is`);
  else {
    // A source that is set anew may be read from its beginning.
    const from = changes.some((change) => change.startsWith("source")) ? ["--source", JSON.stringify(source)] : [];
    await changeAndWait(`Changing the connector ${name}`, [
      ...["sch", "service-connector", "update", "--service-connector-id", found.id, "--force"],
      ...[...from, "--target", JSON.stringify(target)],
    ]);
    report(`Connector \`${name}\` changed: ${changes.join(", ")}`);
  }
  tellState(await settled(found.id), name);
}

/** What of a connector is not as it should be. */
export function differencesOf({ source, target }: Connector, feed: Feed, functionId: string): string[] {
  return differences({ source, target }, connectorFor(feed, functionId));
}

export function connectorName({ manifest }: Settings, kind: Feed["kind"]): string {
  return `${manifest.name}-${kind}`;
}

export function listConnectors({ compartment }: Settings, name: string): string[] {
  return ["sch", "service-connector", "list", "--compartment-id", compartment, "--display-name", name, "--all"];
}

export function getConnector(id: string): string[] {
  return ["sch", "service-connector", "get", "--service-connector-id", id];
}

/** One that is INACTIVE is there, unlike other resources. */
export function isThere({ lifecycleState }: Pick<Connector, "lifecycleState">): boolean {
  return !["DELETING", "DELETED"].includes(lifecycleState);
}

/** Whether one that is there delivers, or will once it is settled. */
export function delivers({ lifecycleState }: Pick<Connector, "lifecycleState">): boolean {
  return !["INACTIVE", "FAILED"].includes(lifecycleState);
}

export function removeConnector(id: string): string {
  return `oci sch service-connector delete --service-connector-id ${id}`;
}

export function activate(id: string): string {
  return `oci sch service-connector activate --service-connector-id ${id}`;
}

function connectorFor({ kind, id }: Feed, functionId: string): Pick<Connector, "source" | "target"> {
  const source =
    kind === "stream"
      ? { kind: "streaming", streamId: id }
      : { kind: "plugin", pluginName: "QueueSource", configMap: { queueId: id } };
  return {
    source,
    target: { kind: "functions", functionId, batchSizeInKbs: BATCH_KB[kind], batchTimeInSec: BATCH_SECONDS },
  };
}

async function findConnector(settings: Settings, feed: Feed): Promise<Connector | undefined> {
  const all = await get(listConnectors(settings, connectorName(settings, feed.kind)), list(connectorSummary));
  const found = all.find(isThere);
  return found && settled(found.id);
}

function settled(id: string): Promise<Connector> {
  return awaitSettled("The connector", () => get(getConnector(id), connector));
}

/** Who made it rest may have had a reason. */
function tellState(found: Connector | undefined, name: string): void {
  const { id = "", lifecycleState, lifecycleDetails } = found ?? {};
  if (lifecycleState !== "ACTIVE")
    warn(
      `The connector ${name} is ${lifecycleState ?? "gone"}, and delivers nothing${lifecycleDetails ? `: ${lifecycleDetails}` : ""}. When the reason is gone: ${activate(id)}`,
    );
}
