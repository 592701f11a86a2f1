import * as z from "zod";
import { ApiError } from "./api.ts";

const tokens = z.strictObject({
  type: z.literal("TOKEN_AUTHENTICATION"),
  tokenHeader: z.string(),
  tokenAuthScheme: z.string(),
  maxClockSkewInSeconds: z.number().default(0),
  isAnonymousAccessAllowed: z.boolean().default(false),
  validationPolicy: z.strictObject({
    type: z.literal("REMOTE_JWKS"),
    uri: z.url(),
    maxCacheDurationInHours: z.number().default(1),
    additionalValidationPolicy: z.strictObject({ issuers: z.array(z.string()), audiences: z.array(z.string()) }),
  }),
});
export type TokenPolicy = z.infer<typeof tokens>;

const rate = z.strictObject({ rateInRequestsPerSecond: z.int().positive(), rateKey: z.enum(["CLIENT_IP", "TOTAL"]) });
export type RatePolicy = z.infer<typeof rate>;

const cors = z.strictObject({
  allowedOrigins: z.array(z.string()).min(1),
  allowedMethods: z.array(z.string()),
  allowedHeaders: z.array(z.string()),
  exposedHeaders: z.array(z.string()),
  maxAgeInSeconds: z.number(),
});
export type CorsPolicy = z.infer<typeof cors>;

const route = z
  .strictObject({
    path: z.string(),
    methods: z.array(z.string()),
    requestPolicies: z
      .strictObject({ authorization: z.strictObject({ type: z.enum(["ANONYMOUS", "AUTHENTICATION_ONLY"]) }) })
      .optional(),
    backend: z.strictObject({ type: z.literal("ORACLE_FUNCTIONS_BACKEND"), functionId: z.string() }),
  })
  .transform(({ path, methods, requestPolicies, backend }) => ({
    path,
    methods,
    authorization: requestPolicies?.authorization.type,
    functionId: backend.functionId,
  }));
export type Route = z.infer<typeof route>;

const log = z.strictObject({ isEnabled: z.boolean(), logLevel: z.string().optional() });

const specification = z
  .strictObject({
    requestPolicies: z.strictObject({ authentication: tokens, rateLimiting: rate, cors }).partial().default({}),
    loggingPolicies: z
      .strictObject({ accessLog: log, executionLog: log })
      .partial()
      .default({})
      .transform(({ accessLog }) => ({ accessLog: accessLog?.isEnabled ?? false })),
    routes: z.array(route).min(1),
  })
  .superRefine(({ requestPolicies: { authentication }, routes }, context) => {
    for (const { path, authorization } of routes) {
      // As the service refuses them: a rule for tokens that nobody reads, and callers without one that the whole forbids.
      if (authorization && !authentication) context.addIssue(`${path} has an authorization, and nobody authenticates`);
      if (authorization === "ANONYMOUS" && authentication?.isAnonymousAccessAllowed === false)
        context.addIssue(`${path} is ANONYMOUS, and isAnonymousAccessAllowed is false`);
    }
  });

/** What of a specification the local gateway plays, which must be all of it. @throws {ApiError} 400 naming what is not */
export function playable(given: unknown): z.infer<typeof specification> {
  const { data, error } = specification.safeParse(given);
  if (data) return data;
  const [issue] = error.issues;
  const at = issue?.path.join(".") || "the specification";
  throw new ApiError(400, "InvalidParameter", `The local gateway does not play ${at}: ${issue?.message}`);
}
