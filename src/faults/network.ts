import type { Waited } from "../deadline.ts";
import { ProtocolError } from "./errors.ts";
import type { CodedFault, Fault } from "./fault.ts";

/* What is wrong between the function and the database, where no server's answer says it. */

export const LOST: Fault = {
  detail: "The connection to the database was lost.",
  remedy: "no action unless it is frequent: then check the database's restarts and the network's idle timeouts",
  again: true,
};

/** Accepted, and closed before it was one. */
const CLOSED: Fault = {
  detail: "The connection to the database was closed before it was made.",
  remedy:
    "no action unless it lasts: then check that host and port in the secret are PostgreSQL's, and what stands before it (a load balancer without a database behind it closes so)",
  again: true,
};

const UNREACHABLE: Fault = {
  detail: "The database cannot be reached.",
  remedy: "check host and port in the secret, the routes between the subnets, and ingress on the database's port",
  again: true,
  reread: "always",
};

const UNKNOWN_HOST: Fault = {
  detail: "The database's host is not known.",
  remedy: "check host in the secret, and the DNS resolver of the function's subnet",
  reread: "always",
};

const UNTRUSTED: Fault = {
  detail: "The database's TLS certificate is not trusted.",
  remedy: 'put the certificate of the authority that signed it into the secret as "sslrootcert"',
  reread: "always",
};

const NO_HANDSHAKE: Fault = {
  detail: "TLS with the database cannot be agreed upon.",
  remedy: "look at the database's ssl_min_protocol_version and ssl_ciphers, and let it ask for no client certificate",
  reread: "always",
};

const NOT_POSTGRES: CodedFault = {
  code: "NOT_POSTGRES",
  detail: "What answers at the database's address is not PostgreSQL.",
  remedy: "check host and port in the secret: something else listens there",
  reread: "always",
};

/** By the code that Node.js gives to an error of a socket or of TLS. */
const BY_CODE: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ENOTFOUND: UNKNOWN_HOST,
  EAI_AGAIN: { ...UNREACHABLE, remedy: "check the DNS resolver of the function's subnet" },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  INVALID_CA: UNTRUSTED,
  CERT_HAS_EXPIRED: { ...UNTRUSTED, remedy: "renew the database's certificate" },
  CERT_NOT_YET_VALID: { ...UNTRUSTED, remedy: "certificate not yet valid: check the clocks of both sides" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...UNTRUSTED,
    remedy: "write the host in the secret as the certificate has it, or issue one for that host",
  },
};

/** By what pg says, which has no codes for it. */
const BY_MESSAGE: readonly [words: RegExp, fault: CodedFault][] = [
  [
    /^The server does not support SSL/,
    {
      code: "NO_TLS",
      detail: "The database does not offer TLS.",
      remedy: 'turn TLS on in the database, or put "sslmode": "disable" into the secret if the way to it is private',
      reread: "always",
    },
  ],
  [/^There was an error establishing an SSL/, NOT_POSTGRES],
  [
    /Unknown authenticationOk|^SASL: Only mechanism/,
    {
      code: "AUTHENTICATION",
      detail: "The database asks for a way of authentication that the function does not have.",
      remedy: "let pg_hba.conf ask the function's user for scram-sha-256 (or md5), not gss, sspi or cert",
      reread: "always",
    },
  ],
  [
    /^SASL: .*iteration count/,
    {
      code: "SCRAM_ITERATIONS",
      detail: "The database asks for more work on the password than the function does.",
      remedy: "set scram_iterations to 100000 at most, and then the user's password again",
      reread: "always",
    },
  ],
  [
    /^SASL/,
    {
      code: "SASL",
      detail: "The database does not prove that it knows the function's password.",
      remedy: "check host in the secret: what answers there is not the database, or something reads along",
      reread: "always",
    },
  ],
];

/** By what was waited for. */
export const TIMEOUTS: Readonly<Record<Waited, Fault>> = {
  Vault: {
    detail: "Vault did not answer in time.",
    remedy: "check the subnet's service gateway, its route and egress on 443",
  },
  address: {
    detail: "The database did not answer in time.",
    remedy: UNREACHABLE.remedy,
    reread: "always",
  },
  greeting: {
    detail: "The database did not answer in time.",
    remedy:
      "what listens at host and port accepts connections and says nothing: check that it is PostgreSQL, its load, and what stands before it",
    reread: "always",
  },
  statement: {
    detail: "There was no answer in time.",
    remedy: "check the database for locks and load, and the network to it",
    reread: "always",
  },
};

export function isUntrusted(code: string): boolean {
  return BY_CODE[code]?.detail === UNTRUSTED.detail;
}

/** Of an error that is no server's answer. */
export function faultOfNetwork(cause: Error & { code?: unknown }, connecting: boolean): CodedFault {
  const { code, message = "" } = cause;
  if (typeof code === "string" && BY_CODE[code]) return { code, ...BY_CODE[code] };
  const known = BY_MESSAGE.find(([words]) => words.test(message))?.[1];
  if (known) return known;
  if (cause instanceof ProtocolError) return connecting ? NOT_POSTGRES : { ...LOST, code: "PROTOCOL" };
  // OpenSSL's codes; but an end without notice is a connection that was lost.
  if (connecting && typeof code === "string" && /^ERR_SSL_(?!UNEXPECTED_EOF)/.test(code))
    return { code, ...NO_HANDSHAKE };
  return { ...(connecting ? CLOSED : LOST), code: typeof code === "string" ? code : connecting ? "CLOSED" : "LOST" };
}
