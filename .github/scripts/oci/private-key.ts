import { createPrivateKey, type KeyObject } from "node:crypto";

/**
 * A user's private key, from whatever people paste.
 *
 * @param name of the variable
 * @param faults takes what is wrong with it
 */
export function readKey(
  text: string | undefined,
  passphrase: string | undefined,
  name: string,
  faults: string[],
): KeyObject | undefined {
  if (text === undefined) return undefined;
  const pem = toPem(text);
  const encrypted = pem?.includes("ENCRYPTED");
  if (!pem) faults.push(`${name} ${faultOfKey(text)}`);
  else if (encrypted && !passphrase) faults.push(`${name} is encrypted: set OCI_CLI_PASSPHRASE`);
  else
    try {
      return createPrivateKey({ key: pem, ...(encrypted && { passphrase }) });
    } catch {
      const mend = encrypted
        ? "check OCI_CLI_PASSPHRASE, and that the key is whole"
        : "paste it anew, from -----BEGIN to the end";
      faults.push(`${name} cannot be read as a private key: ${mend}`);
    }
  return undefined;
}

/** What a text is that is no private key. Nothing of it is repeated. */
function faultOfKey(text: string): string {
  if (/BEGIN [A-Z ]*PUBLIC KEY|^(ssh|ecdsa)-/.test(text))
    return "is the public key: it must be the private one, which begins with -----BEGIN PRIVATE KEY-----";
  if (/^(~|\.{0,2}\/|[A-Z]:\\)\S|^\S+\.pem$/i.test(text))
    return "is the path of a file: it must be what that holds, or set OCI_CLI_KEY_FILE to it";
  return "is no private key in PEM: it must begin with -----BEGIN, or be that in base64";
}

/** A key as it comes out of a file, a form or a shell: in base64, in one line, with \n spelt out, with text around it. */
function toPem(text: string): string | undefined {
  const plain = text.includes("-----BEGIN") ? text : Buffer.from(text, "base64").toString();
  const lines = plain.replaceAll(/\\r|\r/g, "").replaceAll("\\n", "\n");
  const [pem, kind, body = ""] = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----([\s\S]+?)-----END \1-----/.exec(lines) ?? [];
  // The older form of encryption has header lines, whose ends cannot be guessed.
  if (pem?.includes("Proc-Type")) return pem;
  return (
    pem &&
    `-----BEGIN ${kind}-----\n${body.replaceAll(/\s/g, "").replaceAll(/.{64}/g, "$&\n")}\n-----END ${kind}-----\n`
  );
}
