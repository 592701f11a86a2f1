const CERTIFICATE = /-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----/gs;
const BEGIN = "-----BEGIN CERTIFICATE-----";

/** Certificates as PEM has them, also where the ends of their lines were lost on the way. */
export function mendPem(text: string): string {
  const certificates = Array.from(text.matchAll(CERTIFICATE), ([, body = ""]) => {
    const lines = body.replaceAll(/\\[nrt]|\s/g, "").match(/.{1,64}/g) ?? [];
    return [BEGIN, ...lines, "-----END CERTIFICATE-----", ""].join("\n");
  });
  return certificates.join("");
}

/** Why a text is not one or more certificates, each of which can be read. */
export function faultInPem(text: string): string | undefined {
  const found = mendPem(text).match(CERTIFICATE) ?? [];
  const begun = text.split(BEGIN).length - 1;
  if (begun === 0) return `must be PEM certificates (${BEGIN} …), not a file's name nor a key`;
  for (let index = 0; index < begun; index++) {
    const which = begun === 1 ? "" : `number ${index + 1} of ${begun} `;
    const one = found[index];
    if (one === undefined) return `${which}is cut: its -----END CERTIFICATE----- is missing`;
    if (!isCertificate(one)) return `${which}cannot be read: a part of it is missing or changed; copy it anew`;
  }
  return undefined;
}

/** Loaded at first use, since it takes a tenth of a start. */
function isCertificate(pem: string): boolean {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
