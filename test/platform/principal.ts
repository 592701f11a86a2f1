import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, sign, verify } from "node:crypto";
import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, remove } from "./cleanup.ts";
import { SignatureError } from "./signature.ts";

/** A function's resource principal: a session key, and a token in which the platform vouches for it. */
export interface Principal {
  /** What the platform puts into the container's environment. */
  env: Record<string, string>;
  /** What may never show anywhere; grows as token and key are renewed. */
  secrets: string[];
  /** Finds the key of a request signed with the token, as services do. @throws {SignatureError} for a bad token */
  keyOf(keyId: string): KeyObject;
  stop(): void;
}

/** Of a token, seconds. */
const LIFETIME = 15 * 60;

/** Between two looks at the clock, milliseconds. */
const LOOK = 1_000;

/** Its token and key are renewed in their files at half of the token's lifetime, for as long as this process lives. */
export function createPrincipal(functionId: string, region: string, lifetime = LIFETIME): Principal {
  const platform = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const folder = mkdtempSync("/tmp/inserter-rp-");
  const files = { rpst: join(folder, "rpst"), pem: join(folder, "private.pem") };
  const secrets: string[] = [];
  let renewAt = 0;

  function issue(): void {
    const session = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const now = Math.floor(Date.now() / 1000);
    const token = signToken(platform.privateKey, {
      sub: functionId,
      iss: "authService.oracle.com",
      iat: now,
      exp: now + lifetime,
      ttype: "res",
      res_type: "fnfunc",
      res_id: functionId,
      res_tenant: "ocid1.tenancy.oc1..local",
      res_compartment: "ocid1.compartment.oc1..local",
      jwk: JSON.stringify(session.publicKey.export({ format: "jwk" })),
    });
    const pem = session.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    secrets.push(token, pem.split("\n")[1] as string);
    writeFileSync(`${files.rpst}.new`, token, { mode: 0o600 });
    writeFileSync(`${files.pem}.new`, pem, { mode: 0o600 });
    // Together as far as that goes, since a reader takes the one after the other.
    for (const file of Object.values(files)) renameSync(`${file}.new`, file);
    renewAt = 1_000 * (now + lifetime / 2);
  }
  issue();
  // By the wall clock, which goes on while a laptop sleeps and timers stand still.
  const renewing = setInterval(() => {
    if (Date.now() >= renewAt) issue();
  }, LOOK).unref();
  const removeFiles = cleanUp(() => remove(folder));

  return {
    env: {
      OCI_RESOURCE_PRINCIPAL_VERSION: "2.2",
      OCI_RESOURCE_PRINCIPAL_RPST: files.rpst,
      OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: files.pem,
      OCI_RESOURCE_PRINCIPAL_REGION: region,
    },
    secrets,
    keyOf(keyId) {
      if (!keyId.startsWith("ST$")) throw new SignatureError("the keyId is not a resource principal's token");
      const claims = readToken(platform.publicKey, keyId.slice(3));
      if (Number(claims.exp) < Date.now() / 1000) throw new SignatureError("the token has expired");
      return createPublicKey({ key: JSON.parse(String(claims.jwk)) as JsonWebKey, format: "jwk" });
    },
    stop() {
      clearInterval(renewing);
      removeFiles();
    },
  };
}

function signToken(key: KeyObject, claims: object): string {
  const parts = [{ alg: "RS256", typ: "JWT", kid: "asw" }, claims];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

function readToken(key: KeyObject, token: string): Record<string, unknown> {
  const [head = "", claims = "", signature = ""] = token.split(".");
  if (!verify("sha256", Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"))) {
    throw new SignatureError("the token was not issued here");
  }
  return JSON.parse(Buffer.from(claims, "base64url").toString());
}
