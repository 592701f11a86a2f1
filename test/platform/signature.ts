import { createHash, type KeyObject, verify } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** How far a request's date may lie from the server's, milliseconds: OCI's five minutes. */
const CLOCK_SKEW = 5 * 60_000;

export interface SignedRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export class SignatureError extends Error {
  override readonly name = "SignatureError";
}

/**
 * Checks a request as the OCI API does: HTTP signatures, draft 8, with RSA-SHA256.
 * https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
 *
 * @param keyOf finds the public key for a keyId; may throw a SignatureError itself
 * @returns the keyId
 * @throws {SignatureError} saying what is wrong
 */
export function checkSignature(request: SignedRequest, keyOf: (keyId: string) => KeyObject | undefined): string {
  const { headers, body } = request;
  const authorization = headers.authorization ?? "";
  if (!authorization.startsWith("Signature ")) throw new SignatureError("there is no Signature in Authorization");
  const fields = new Map([...authorization.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const field = (name: string) => fields.get(name) ?? fail(`the Authorization header has no ${name}`);
  if (field("algorithm") !== "rsa-sha256") fail("the algorithm is not rsa-sha256");

  const signed = field("headers").toLowerCase().split(" ");
  for (const name of ["(request-target)", "host"]) if (!signed.includes(name)) fail(`${name} is not signed`);
  const date = ["x-date", "date"].find((name) => signed.includes(name)) ?? fail("no date is signed");
  if (!(Math.abs(Date.parse(String(headers[date])) - Date.now()) < CLOCK_SKEW))
    fail("the date is off by over 5 minutes");
  if (signed.includes("x-content-sha256")) {
    const digest = createHash("sha256").update(body).digest("base64");
    if (headers["x-content-sha256"] !== digest) fail("x-content-sha256 does not fit the body");
  }

  const text = signed.map((name) => {
    if (name === "(request-target)") return `${name}: ${request.method.toLowerCase()} ${request.url}`;
    return `${name}: ${headers[name] ?? fail(`${name} is signed and not sent`)}`;
  });
  const keyId = field("keyId");
  const key = keyOf(keyId) ?? fail("the keyId is unknown");
  const signature = Buffer.from(field("signature"), "base64");
  if (!verify("sha256", Buffer.from(text.join("\n")), key, signature)) fail("the signature does not fit the request");
  return keyId;
}

function fail(message: string): never {
  throw new SignatureError(message);
}
