import type { Answer } from "../oci/cli.ts";
import {
  activate,
  connectorName,
  differencesOf,
  getConnector,
  isThere,
  listConnectors,
  removeConnector,
} from "../resources/connector.ts";
import { type Connector, connector, connectorSummary, type Fn, list } from "../resources.ts";
import { FEEDS, type Feed, refusesInvalid } from "../settings/feed.ts";
import type { Settings } from "../settings.ts";
import type { RightsFacts } from "./access.ts";
import { type Caller, INVOCATION, judgeCaller, type Need } from "./caller.ts";
import { bad, type Finding, look, ok, unknown } from "./finding.ts";
import { gatherPolicies, listCompartments } from "./policies.ts";
import type { Sources } from "./sources.ts";

/** What is there of the way from one feed to the function. */
export interface ConnectorFacts {
  feed: Feed;
  connector: Answer<Connector | undefined>;
  compartments: RightsFacts["compartments"];
  /** Of the function's compartment, and of the feed's. */
  policies: { ofFunction: RightsFacts["policies"]; ofFeed: RightsFacts["policies"] };
}

export function gatherConnectors(settings: Settings, sources: Sources): Promise<ConnectorFacts[]> {
  return Promise.all(settings.feeds.map((feed) => gatherConnector(feed, settings, sources)));
}

async function gatherConnector(feed: Feed, settings: Settings, { ask }: Sources): Promise<ConnectorFacts> {
  const { compartment, tenancy } = settings;
  const listed = await ask(listConnectors(settings, connectorName(settings, feed.kind)), list(connectorSummary));
  const found = "data" in listed ? listed.data.find(isThere) : undefined;
  const compartments = tenancy ? await listCompartments(tenancy, ask) : undefined;
  const policiesOf = async (of: string) => (tenancy ? gatherPolicies(of, tenancy, compartments, ask) : []);
  return {
    feed,
    // A list leaves source and target out.
    connector: "error" in listed ? listed : found ? await ask(getConnector(found.id), connector) : { data: undefined },
    compartments,
    policies: { ofFunction: await policiesOf(compartment), ofFeed: await policiesOf(feed.compartment) },
  };
}

/** @param fn that it should lead to, where that is known */
export function judgeConnectors(facts: readonly ConnectorFacts[], settings: Settings, fn: Fn | undefined): Finding[] {
  const functionId = fn?.id;
  const findings = facts.flatMap(({ feed, connector, compartments, policies }) => {
    const caller = {
      type: "serviceconnector",
      compartment: settings.compartment,
      mend: `npm run bootstrap, as an administrator, with ${FEEDS[feed.kind]} set`,
    };
    const reader: Caller = {
      ...caller,
      does: `the connector reads the ${feed.kind}`,
      target: feed.compartment,
      needs: READING[feed.kind],
      variables: { [`target.${feed.kind}.id`]: feed.id },
    };
    const invoker: Caller = {
      ...caller,
      does: "the connector calls the function",
      target: settings.compartment,
      needs: [INVOCATION, FUNCTION],
      variables: { "target.function.id": functionId },
    };
    return [
      ...look(`Connector of the ${feed.kind}`, connector, (found) => judgeConnector(found, feed, functionId)),
      judgeCaller(reader, { compartments, policies: policies.ofFeed }),
      judgeCaller(invoker, { compartments, policies: policies.ofFunction }),
    ];
  });
  if (facts.length === 0 || !fn || !refusesInvalid(fn.config ?? {})) return findings;
  const what =
    "The function refuses invalid input (ON_INVALID), and Connector Hub takes that for delivered: it is lost";
  return [...findings, bad(what, "set ON_INVALID to set-aside or fail; then npm run provision")];
}

function judgeConnector(found: Connector | undefined, feed: Feed, functionId: string | undefined): Finding[] {
  if (!found) return [bad(`There is no connector from the ${feed.kind} to the function`, "npm run provision")];
  const state = judgeState(found, feed);
  const drift = functionId === undefined ? [] : differencesOf(found, feed, functionId);
  if (drift.length === 0) return [state];
  return [
    state,
    bad(
      `The connector of the ${feed.kind} is not as it should be; provision would change: ${drift.join(", ")}`,
      "npm run provision",
    ),
  ];
}

/** The last error is in the details. */
function judgeState({ id, lifecycleState, lifecycleDetails }: Connector, { kind }: Feed): Finding {
  const what = `The connector of the ${kind}`;
  const why = lifecycleDetails ? `: ${lifecycleDetails}` : "";
  switch (lifecycleState) {
    case "ACTIVE":
      return ok(`${what} is ACTIVE${why}`);
    case "CREATING":
    case "UPDATING":
      return unknown(what, `it is ${lifecycleState}; look again in a minute`);
    case "INACTIVE":
      return bad(
        `${what} is INACTIVE, and delivers nothing${why}`,
        `when the reason is gone (the function's log has it, where deliveries failed): ${activate(id)}`,
      );
    case "FAILED":
      return bad(`${what} is FAILED${why}`, `${removeConnector(id)}; then npm run provision`);
    default:
      return bad(
        `${what} is ${lifecycleState}${why}`,
        "mend the reason, and look again; the function's log may say more",
      );
  }
}

const FUNCTION: Need = {
  verb: "use",
  resources: ["fn-function", "functions-family", "all-resources"],
  permissions: ["FN_FUNCTION_READ"],
};

/** https://docs.oracle.com/en-us/iaas/Content/connector-hub/overview.htm#Authenti */
const READING: Readonly<Record<Feed["kind"], Need[]>> = {
  stream: [
    {
      verb: "use",
      resources: ["streams", "stream-pull", "stream-family", "all-resources"],
      permissions: ["STREAM_READ", "STREAM_CONSUME"],
    },
  ],
  queue: [
    {
      verb: "use",
      resources: ["queues", "queue-pull", "all-resources"],
      permissions: ["QUEUE_READ", "QUEUE_CONSUME"],
    },
  ],
};
