import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import { parseJson } from "../../.github/scripts/json.ts";
import type { TokenPolicy } from "./playable.ts";

/** The algorithms that API Gateway takes. */
const DIGESTS = { RS256: "sha256", RS384: "sha384", RS512: "sha512" } as const;

const head = z.looseObject({ alg: z.enum(["RS256", "RS384", "RS512"]), kid: z.string() });
const claims = z.looseObject({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]).transform((aud) => [aud].flat()),
  exp: z.number(),
  nbf: z.number().default(0),
});
const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) });

/** Whether a request brings a token that was signed by a key of the issuer, for this audience and this time. */
export function createVerifier(policy: TokenPolicy): (headers: IncomingHttpHeaders) => Promise<boolean> {
  const { tokenHeader, tokenAuthScheme, maxClockSkewInSeconds: skew, validationPolicy } = policy;
  const { issuers, audiences } = validationPolicy.additionalValidationPolicy;
  let cached: { until: number; keys: z.infer<typeof keySet>["keys"] } | undefined;

  async function readKeys() {
    if (!cached || cached.until < Date.now()) {
      const response = await fetch(validationPolicy.uri, { signal: AbortSignal.timeout(10_000) });
      const until = Date.now() + validationPolicy.maxCacheDurationInHours * 3_600_000;
      cached = { until, keys: keySet.parse(await response.json()).keys };
    }
    return cached.keys;
  }

  return async (headers) => {
    const [scheme, token = ""] = String(headers[tokenHeader.toLowerCase()]).split(" ");
    const [first = "", second = "", third = ""] = token.split(".");
    const { data: header } = head.safeParse(decode(first));
    const { data } = claims.safeParse(decode(second));
    if (scheme?.toLowerCase() !== tokenAuthScheme.toLowerCase() || !header || !data) return false;
    const key = (await readKeys().catch(() => [])).find(({ kid }) => kid === header.kid);
    if (!key) return false;
    const signed = Buffer.from(`${first}.${second}`);
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: "jwk" });
    if (!verify(DIGESTS[header.alg], signed, publicKey, Buffer.from(third, "base64url"))) return false;
    const now = Date.now() / 1_000;
    return (
      issuers.includes(data.iss) &&
      data.aud.some((audience) => audiences.includes(audience)) &&
      data.exp > now - skew &&
      data.nbf < now + skew
    );
  };
}

function decode(part: string): unknown {
  return parseJson(Buffer.from(part, "base64url").toString());
}
