import * as z from "zod";
import { codeOf } from "../oci/fetch-error.ts";
import { Refusal, warn } from "../report.ts";
import type { Tokens } from "../settings/specification.ts";

/** For one answer, milliseconds. */
const LIMIT_MS = 10_000;

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const keySet = z.object({ keys: z.array(z.unknown()) });

/** A gateway takes RS256, RS384 and RS512, and finds a token's key by its `kid`. */
const usable = z.object({ kty: z.literal("RSA"), kid: z.string().min(1) });

/**
 * Where an issuer has its public keys: where it says so itself, unless that is set. A gateway reads them without logging in.
 * https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 *
 * @throws {Refusal} when that cannot be found out
 */
export async function findKeys(tokens: Tokens): Promise<Tokens & { keys: string }> {
  const keys = tokens.keys ?? (await discover(tokens.issuer));
  // Keys may be for the gateway's network alone, so this need not be a fault.
  const why = await read(keys, keySet).then(
    (set) =>
      set.keys.some((key) => usable.safeParse(key).success)
        ? undefined
        : `${keys} has no RSA key with a kid, and by no other a token can be checked`,
    (error: Error) => error.message,
  );
  if (why)
    warn(
      `From here no keys of ${tokens.issuer} can be read: ${why}. If the gateway finds none either, it answers 401 to all; an identity domain shows its keys where "Access signing certificate" is on (Settings).`,
    );
  return { ...tokens, keys };
}

async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const mend = "Or set GATEWAY_JWT_KEYS_URL to where its keys (JWKS) are";
  const found = await read(url, discovery).catch((error: Error) => {
    throw new Refusal(`GATEWAY_JWT_ISSUER does not tell its keys: ${error.message}. Check it. ${mend}`);
  });
  if (found.issuer !== issuer)
    throw new Refusal(
      `GATEWAY_JWT_ISSUER is ${issuer}, and calls itself ${found.issuer}, in its tokens too: set it to that. ${mend}`,
    );
  return found.jwks_uri;
}

async function read<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  } catch (error) {
    throw new Error(`${url} gives no answer (${codeOf(error)})`);
  }
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const { data } = schema.safeParse(await response.json().catch(() => undefined));
  if (!data) throw new Error(`${url} answers something else`);
  return data;
}
