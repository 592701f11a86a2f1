import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "../platform/api.ts";

/**
 * Who turns GitHub's word for a run into a session: GitHub's OIDC provider, and an identity domain that trusts it.
 * https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/json_web_token_exchange.htm
 */
export class Domain {
  readonly client = { id: "client", secret: randomBytes(12).toString("hex") };
  /** What GitHub gives a job that may ask for a token. */
  readonly requestToken = randomBytes(12).toString("hex");
  readonly #words = new Set<string>();
  readonly #sessions = new Map<string, KeyObject>();

  /** GitHub's token for an audience. @throws {ApiError} 401 */
  word(headers: IncomingHttpHeaders, audience: string | null): { value: string } {
    if (headers.authorization !== `bearer ${this.requestToken}` || !audience)
      throw new ApiError(401, "Unauthorized", "The job may not ask for a token.");
    const value = randomBytes(24).toString("base64url");
    this.#words.add(value);
    return { value };
  }

  /** A session for the holder of a key. @throws {ApiError} 400 or 401 naming what is wrong */
  exchange(headers: IncomingHttpHeaders, form: URLSearchParams): { token: string } {
    const { id, secret } = this.client;
    if (headers.authorization !== `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`)
      throw new ApiError(401, "invalid_client", "Client authentication failed.");
    const wanted = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:oci:token-type:oci-upst",
      subject_token_type: "jwt",
    };
    for (const [name, value] of Object.entries(wanted)) {
      if (form.get(name) !== value) throw new ApiError(400, "invalid_request", `${name} must be ${value}`);
    }
    if (!this.#words.delete(form.get("subject_token") ?? ""))
      throw new ApiError(401, "invalid_grant", "The subject token is not valid.");
    const key = Buffer.from(form.get("public_key") ?? "", "base64");
    const claims = { sub: "ci", exp: Math.floor(Date.now() / 1000) + 3600, jti: randomBytes(8).toString("hex") };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.${randomBytes(32).toString("base64url")}`;
    this.#sessions.set(`ST$${token}`, createPublicKey({ key, format: "der", type: "spki" }));
    return { token };
  }

  /** The key of a session, by the keyId of a signed request. */
  keyOf(keyId: string): KeyObject | undefined {
    return this.#sessions.get(keyId);
  }
}
