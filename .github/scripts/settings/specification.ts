import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";
import { ROOT } from "../root.ts";

export const SPECIFICATION = ".github/gateway.yaml";

const authorization = z.looseObject({ type: z.string() });
const route = z.looseObject({
  path: z.string(),
  methods: z.array(z.string()).nullish(),
  requestPolicies: z.looseObject({ authorization: authorization.nullish() }).nullish(),
  backend: z.looseObject({ type: z.string() }),
});

/** The tokens that a gateway takes. */
export interface Tokens {
  issuer: string;
  audience: string;
  /** Where the issuer's public keys are (JWKS); undefined where they have yet to be looked up. */
  keys: string | undefined;
}

/** Who may call, and from which pages. */
export interface Access {
  /** "none" lets everybody in. */
  auth: Tokens | "none";
  /** For CORS. */
  origins: string[];
}

/** Of an API deployment. What no script looks at is carried over as it is. */
export const specification = z.looseObject({
  requestPolicies: z.looseObject({ authentication: z.unknown(), cors: z.unknown() }).partial().nullish(),
  routes: z.array(route).min(1),
});
export type Specification = z.infer<typeof specification>;

/** Reads the specification, its `${…}` not yet filled in. @param faults takes what is wrong */
export function readSpecification(faults: string[]): Specification | undefined {
  let content: unknown;
  try {
    content = parse(readFileSync(`${ROOT}/${SPECIFICATION}`, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "is missing" : `is not YAML: ${message.split("\n")[0]}`;
    faults.push(`${SPECIFICATION} ${why}: git checkout ${SPECIFICATION} gets it back`);
    return undefined;
  }
  const { data, error } = z.safeParse(specification, content);
  for (const { path, message } of error?.issues ?? [])
    faults.push(`${SPECIFICATION}: ${path.join(".") || "it"}: ${message}`);
  return data;
}

/** The specification for a function and its callers: each `${…}` filled in, and left out what they do not ask for. */
export function fillSpecification(
  { requestPolicies, routes, ...rest }: Specification,
  functionId: string,
  { auth, origins }: Pick<Access, "auth" | "origins">,
): Specification {
  const { authentication, cors, ...policies } = requestPolicies ?? {};
  const values: Record<string, unknown> = {
    FUNCTION_OCID: functionId,
    GATEWAY_CORS_ORIGINS: origins,
    ...(auth !== "none" && {
      GATEWAY_JWT_ISSUER: auth.issuer,
      GATEWAY_JWT_AUDIENCE: auth.audience,
      GATEWAY_JWT_KEYS_URL: auth.keys,
    }),
  };
  const given = {
    ...rest,
    requestPolicies: {
      ...policies,
      ...(auth !== "none" && { authentication }),
      ...(origins.length > 0 && { cors }),
    },
    routes: auth === "none" ? routes.map(withoutAuthorization) : routes,
  };
  return specification.parse(fill(given, values));
}

/** The routes that take calls without a token, such as "GET, HEAD /health". */
export function openRoutes({ requestPolicies, routes }: Specification): string[] {
  const open = ({ requestPolicies: own }: Specification["routes"][number]) =>
    !requestPolicies?.authentication || own?.authorization?.type === "ANONYMOUS";
  return routes.filter(open).map(({ methods, path }) => `${methods?.join(", ") ?? "ANY"} ${path}`);
}

/** OCI takes no authorization of a route where nobody is authenticated. */
function withoutAuthorization({ requestPolicies, ...rest }: Specification["routes"][number]) {
  const { authorization: _, ...others } = requestPolicies ?? {};
  return { ...rest, ...(Object.keys(others).length > 0 && { requestPolicies: others }) };
}

/** A text that is nothing but `${NAME}` becomes the value, of whatever type. */
function fill(node: unknown, values: Record<string, unknown>): unknown {
  if (typeof node === "string") {
    const name = /^\$\{(\w+)\}$/.exec(node)?.[1];
    return name !== undefined && name in values ? values[name] : node;
  }
  if (Array.isArray(node)) return node.map((each) => fill(each, values));
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, each]) => [key, fill(each, values)]));
}
