import type { CodedFault, Fault } from "./fault.ts";
import { isUntrusted } from "./network.ts";

const BY_STATUS: Readonly<Record<number, Fault>> = {
  401: {
    detail: "Vault refused the function.",
    remedy: "check the container's clock and the resource principal's files",
  },
  404: {
    detail: "Vault did not give the secret.",
    remedy:
      "check DB_SECRET_OCID, the function's dynamic group and its policy to read secret-bundles (after a change allow 15 minutes)",
  },
};

const REFUSED: Fault = {
  detail: "Vault refused the request.",
  remedy: "look up the code of this line in the API errors of OCI",
};

const BUSY: Fault = {
  detail: "Vault is unavailable.",
  remedy: "no action unless it lasts: then check the subnet's service gateway, its route and egress on 443",
  again: true,
};

const UNTRUSTED: Fault = {
  detail: "Vault's TLS certificate is not trusted.",
  remedy:
    "check OCI_SECRETS_ENDPOINT, and what opens TLS on the way; NODE_EXTRA_CA_CERTS in the configuration names the file of a private authority",
};

const UNKNOWN_HOST: Fault = {
  detail: "Vault's host is not known.",
  remedy:
    "check OCI_SECRETS_ENDPOINT; without it, the region (OCI_RESOURCE_PRINCIPAL_REGION) and the DNS resolver of the function's subnet",
};

/** Of what the SDK throws. */
export function faultOfVault({ code: given, statusCode }: { code?: unknown; statusCode?: unknown }): CodedFault {
  // Absent or negative where no answer came.
  if (typeof statusCode === "number" && statusCode >= 0) {
    const busy = statusCode === 429 || statusCode >= 500;
    return { code: String(statusCode), ...(busy ? BUSY : (BY_STATUS[statusCode] ?? REFUSED)) };
  }
  const code = String(given ?? "UNREACHABLE");
  if (isUntrusted(code)) return { code, ...UNTRUSTED };
  return { code, ...(code === "ENOTFOUND" ? UNKNOWN_HOST : BUSY) };
}
