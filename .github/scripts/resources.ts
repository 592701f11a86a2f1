/** What the OCI CLI answers with, as far as a deployment looks at it. */
import * as z from "zod";

const text = z.string();
const named = { id: text, displayName: text, compartmentId: text, lifecycleState: text };

/** For an empty list the CLI prints nothing; a collection has its items within. */
export function list<T>(element: z.ZodType<T>): z.ZodType<T[]> {
  const items = z.array(element);
  const collection = z.object({ items }).transform((value) => value.items);
  return z.preprocess((value) => value ?? [], z.union([items, collection]));
}

/** An answer whose data nobody looks at. */
export const anything = z.unknown();

export const application = z.object({
  ...named,
  shape: text,
  subnetIds: z.array(text),
  networkSecurityGroupIds: z.array(text).nullish(),
  /** Absent in a list. */
  config: z.record(text, text).nullish(),
  logging: z.object({ lineFormat: text.nullish() }).nullish(),
  traceConfig: z.object({ isEnabled: z.boolean().nullish(), domainId: text.nullish() }).nullish(),
});
export type Application = z.infer<typeof application>;

export const fn = z.object({
  ...named,
  applicationId: text,
  memoryInMbs: z.number(),
  timeoutInSeconds: z.number().nullish(),
  config: z.record(text, text).nullish(),
  /** Of a function that is not made from an image, the image is absent. */
  sourceDetails: z.object({ sourceType: text, image: text.nullish(), imageDigest: text.nullish() }).nullish(),
  invokeEndpoint: text.nullish(),
  traceConfig: z.object({ isEnabled: z.boolean().nullish() }).nullish(),
  definedTags: z.record(text, z.record(text, z.unknown())).nullish(),
});
export type Fn = z.infer<typeof fn>;

export const workRequest = z.object({ status: text, percentComplete: z.number().nullish() });
export const workRequestError = z.object({ code: text, message: text });

export const repository = z.object(named);
export type Repository = z.infer<typeof repository>;

export const gateway = z.object({
  ...named,
  endpointType: text,
  subnetId: text,
  networkSecurityGroupIds: z.array(text).nullish(),
  lifecycleDetails: text.nullish(),
});
export type Gateway = z.infer<typeof gateway>;

export const deployment = z.object({
  ...named,
  gatewayId: text,
  pathPrefix: text,
  /** Where it can be called. */
  endpoint: text,
  lifecycleDetails: text.nullish(),
  /** Absent in a list. */
  specification: z.unknown().optional(),
});
export type Deployment = z.infer<typeof deployment>;

/** A list has no more of a connector. */
export const connectorSummary = z.object({ id: text, lifecycleState: text });
export const connector = z.object({
  ...named,
  lifecycleDetails: text.nullish(),
  source: z.object({
    kind: text,
    streamId: text.nullish(),
    pluginName: text.nullish(),
    configMap: z.unknown().optional(),
  }),
  target: z.object({
    kind: text,
    functionId: text.nullish(),
    batchSizeInKbs: z.number().nullish(),
    batchSizeInNum: z.number().nullish(),
    batchTimeInSec: z.number().nullish(),
  }),
});
export type Connector = z.infer<typeof connector>;

export const policy = z.object({ id: text, name: text, lifecycleState: text, statements: z.array(text) });
export const dynamicGroup = z.object({ id: text, name: text, lifecycleState: text, matchingRule: text });

/** A list of those on their way out too: the one in use. */
export function inUse<T extends { lifecycleState: string }>(resources: readonly T[]): T | undefined {
  const gone = ["DELETING", "DELETED", "TERMINATING", "TERMINATED", "DETACHING", "DETACHED", "INACTIVE"];
  return resources.find(({ lifecycleState }) => !gone.includes(lifecycleState));
}
