import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, remove } from "../platform/cleanup.ts";

/** A user of the cloud, with an API key. */
export interface User {
  /** What a request signed with the key calls itself. */
  keyId: string;
  publicKey: KeyObject;
  /** The private key, PEM; with a passphrase, encrypted. */
  pem(passphrase?: string): string;
  keyFile: string;
  /** What the OCI CLI takes: all of it in variables, the key's content too. */
  env: Record<string, string>;
  remove(): void;
}

export function createUser(tenancy: string, region: string): User {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const user = "ocid1.user.oc1..local";
  const fingerprint = fingerprintOf(publicKey);
  const folder = mkdtempSync("/tmp/inserter-cloud-");
  const keyFile = join(folder, "key.pem");
  const pem = (passphrase?: string) =>
    privateKey.export({
      type: "pkcs8",
      format: "pem",
      ...(passphrase && { cipher: "aes-256-cbc", passphrase }),
    }) as string;
  writeFileSync(keyFile, pem(), { mode: 0o600 });
  return {
    keyId: `${tenancy}/${user}/${fingerprint}`,
    publicKey,
    pem,
    keyFile,
    env: {
      OCI_CLI_TENANCY: tenancy,
      OCI_CLI_REGION: region,
      OCI_CLI_USER: user,
      OCI_CLI_FINGERPRINT: fingerprint,
      OCI_CLI_KEY_CONTENT: pem(),
    },
    remove: cleanUp(() => remove(folder)),
  };
}

/** https://docs.oracle.com/en-us/iaas/Content/API/Concepts/apisigningkey.htm */
function fingerprintOf(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" });
  return createHash("md5").update(der).digest("hex").match(/../g)?.join(":") ?? "";
}
