import { isIPv6 } from "node:net";
import * as z from "zod/mini";
import { ConfigError } from "../config.ts";
import { faultInPem, mendPem } from "./pem.ts";

/** Anything beyond ASCII passes, for international names: to ask for letters (\p{L}) would take a twentieth of a cold start. */
const HOST = /^(?![.-])[\w.\u0080-\uffff-]*[\w.\u0080-\uffff]$/;

/** What others call the fields. */
const MISNAMED: Readonly<Record<string, readonly string[]>> = {
  host: ["hostname", "hostaddr", "server", "address", "endpoint", "url", "uri", "connectionString"],
  dbname: ["database", "db", "db_name", "dbName", "databaseName", "database_name", "name"],
  username: ["user", "userName", "user_name", "usr", "login", "role"],
  password: ["pass", "pwd", "passwd", "secret"],
};

const text = z.string("must be a string").check(z.minLength(1, "must not be empty"));
const checked = (fault: (value: string) => string | undefined) =>
  text.check(
    z.refine((value) => value === "" || fault(value) === undefined, {
      error: ({ input }) => fault(String(input)) ?? "",
    }),
  );

const credentialsSchema = z.object(
  {
    host: checked(faultInHost),
    port: z.pipe(
      z.transform((port) => (/^\d+$/.test(String(port)) ? Number(port) : (port ?? 5432))),
      z
        .int("must be a whole number")
        .check(z.minimum(1, "must be at least 1"), z.maximum(65_535, "must be at most 65535")),
    ),
    dbname: text,
    username: text,
    password: text,
    sslmode: z._default(
      z.enum(["disable", "require", "verify-full"], "must be disable, require or verify-full"),
      "verify-full",
    ),
    sslrootcert: z.optional(z.pipe(checked(faultInPem), z.transform(mendPem))),
  },
  "must be an object",
);

/** The database's credentials, the content of the secret. */
export type Credentials = z.infer<typeof credentialsSchema>;

/** @throws {ConfigError} naming each field that is wrong, and no value */
export function parseSecret(base64: string): Credentials {
  let content: unknown;
  try {
    content = JSON.parse(
      Buffer.from(base64, "base64")
        .toString()
        .replace(/^\uFEFF/, ""),
    );
  } catch {
    throw new ConfigError(
      'the secret is not JSON: it must be like {"host": "…", "dbname": "…", "username": "…", "password": "…"}',
    );
  }
  const { data, error } = credentialsSchema.safeParse(content);
  if (data) return data;
  const told = error.issues.map(({ path, message }) => {
    const field = path.join(".");
    const other = misnamed(content, field);
    return `${field || "the JSON"}: ${other === undefined ? message : `is missing; "${other}" must be called "${field}"`}`;
  });
  throw new ConfigError(`the secret is malformed: ${told.join("; ")}`);
}

/** A text without the secret's values. */
export function redact({ password, username, dbname, host }: Credentials, text: string): string {
  return [password, username, dbname, host].reduce((rest, value) => rest.replaceAll(value, "…"), text);
}

/** What a field that is not there is called. */
function misnamed(content: unknown, field: string): string | undefined {
  const fields = Object.keys(Object(content));
  return fields.includes(field) ? undefined : MISNAMED[field]?.find((name) => fields.includes(name));
}

/** Why a text is no host's name or address. */
function faultInHost(host: string): string | undefined {
  const instead = 'must be a name or an address alone, like "10.0.0.146"';
  if (isIPv6(host)) return undefined;
  if (/\s/.test(host)) return `${instead}: there are blanks in it`;
  if (host.includes("://")) return `${instead}, not a URL: its parts are fields of their own`;
  if (host.startsWith("/")) return `${instead}, not a socket's path`;
  if (host.includes(",")) return `${instead}, not a list`;
  if (/^\[.*\]/.test(host)) return `${instead}, without brackets`;
  if (/:\d*$/.test(host)) return `${instead}: the port belongs into "port"`;
  return HOST.test(host) ? undefined : `${instead}: a character in it is of neither`;
}
