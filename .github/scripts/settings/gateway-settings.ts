import { isSafeUrl } from "../safe-url.ts";
import { type Access, readSpecification, SPECIFICATION, type Specification, type Tokens } from "./specification.ts";
import type { Variables } from "./variables.ts";

/** The API gateway before the function. */
export interface GatewaySettings extends Access {
  subnet: string;
  endpointType: "PRIVATE" | "PUBLIC";
  /** Not yet filled in. */
  specification: Specification;
}

const OF_TOKENS = ["GATEWAY_JWT_ISSUER", "GATEWAY_JWT_AUDIENCE", "GATEWAY_JWT_KEYS_URL"] as const;

/** What says nothing without GATEWAY_SUBNET_OCID. */
const OF_GATEWAY = ["GATEWAY_AUTH", "GATEWAY_TYPE", "GATEWAY_CORS_ORIGINS", ...OF_TOKENS] as const;

/** Undefined where no gateway is asked for. @param faults takes what is wrong */
export function readGateway(variables: Variables, faults: string[]): GatewaySettings | undefined {
  const subnet = variables.ocid("GATEWAY_SUBNET_OCID", ["subnet"]);
  if (!subnet) {
    const set = OF_GATEWAY.filter((name) => variables.optional(name));
    if (set.length > 0 && !variables.optional("GATEWAY_SUBNET_OCID"))
      faults.push(
        `${tell(set, "is", "are")} set, and GATEWAY_SUBNET_OCID is not: no gateway is asked for. Set it too, or unset ${set.length > 1 ? "them" : "the other"}`,
      );
    return undefined;
  }
  const type = (variables.optional("GATEWAY_TYPE") ?? "PRIVATE").toUpperCase();
  if (type !== "PRIVATE" && type !== "PUBLIC")
    faults.push(`GATEWAY_TYPE is "${type}", and must be PRIVATE, which is the default, or PUBLIC`);
  const auth = readAuth(variables, faults);
  const origins = readOrigins(variables, faults);
  const specification = readSpecification(faults);
  if (!specification) return undefined;
  if (auth !== "none" && !specification.requestPolicies?.authentication)
    faults.push(
      `${SPECIFICATION} has no requestPolicies.authentication, so that everybody could call: put it back, or say so with GATEWAY_AUTH=none`,
    );
  if (origins.length > 0 && !specification.requestPolicies?.cors)
    faults.push(`${SPECIFICATION} has no requestPolicies.cors: put it back, or unset GATEWAY_CORS_ORIGINS`);
  return { subnet, endpointType: type as "PRIVATE" | "PUBLIC", auth, origins, specification };
}

/** Nothing is open to the world by default: that has to be said. */
function readAuth({ optional }: Variables, faults: string[]): Tokens | "none" {
  const said = optional("GATEWAY_AUTH");
  const [issuer, audience, keys] = OF_TOKENS.map(optional);
  const set = OF_TOKENS.filter(optional);
  if (said !== undefined && said !== "none") faults.push(`GATEWAY_AUTH is "${said}", and must be none, or unset`);
  else if (said === "none" && set.length > 0)
    faults.push(`GATEWAY_AUTH is none, and ${tell(set, "asks", "ask")} for tokens: unset it, or what asks`);
  else if (said === undefined && !issuer && !audience)
    faults.push(
      "GATEWAY_SUBNET_OCID asks for an API gateway, and nothing says who may call it: set GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE, and callers need a token, or GATEWAY_AUTH=none, and everybody may call",
    );
  else if (said === undefined && !(issuer && audience))
    faults.push(
      `GATEWAY_JWT_${issuer ? "AUDIENCE" : "ISSUER"} is missing: GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE go together`,
    );
  if (!issuer || !audience) return "none";
  if (keys && !isSafeUrl(keys)) faults.push(`GATEWAY_JWT_KEYS_URL is "${keys}", and must be an https URL`);
  if (!keys && !isSafeUrl(issuer))
    faults.push(
      `GATEWAY_JWT_KEYS_URL is missing: GATEWAY_JWT_ISSUER is "${issuer}", and no https URL to look its keys up at`,
    );
  return { issuer, audience, keys };
}

/** Names and their verb. */
function tell(names: readonly string[], one: string, several: string): string {
  return `${names.join(" and ")} ${names.length > 1 ? several : one}`;
}

function readOrigins({ optional }: Variables, faults: string[]): string[] {
  const origins = (optional("GATEWAY_CORS_ORIGINS") ?? "").split(/[\s,]+/).filter(Boolean);
  for (const origin of origins) {
    if (origin !== "*" && !(URL.canParse(origin) && new URL(origin).origin === origin))
      faults.push(
        `GATEWAY_CORS_ORIGINS has "${origin}", and each must be scheme, host and port, such as https://app.example.com, or *`,
      );
  }
  return origins;
}
