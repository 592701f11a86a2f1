import * as z from "zod/mini";
import { ConfigError } from "./config.ts";

const text = z.string("must be a string").check(z.minLength(1, "must not be empty"));

const credentialsSchema = z.object(
  {
    host: text,
    port: z._default(
      z.pipe(
        z.transform((port) => (/^\d+$/.test(String(port)) ? Number(port) : port)),
        z
          .int("must be a port's number")
          .check(z.minimum(1, "must be at least 1"), z.maximum(65_535, "must be at most 65535")),
      ),
      5432,
    ),
    dbname: text,
    username: text,
    password: text,
    sslmode: z._default(
      z.enum(["disable", "require", "verify-full"], "must be disable, require or verify-full"),
      "verify-full",
    ),
    sslrootcert: z.optional(text.check(z.includes("-----BEGIN CERTIFICATE-----", "must be a PEM certificate"))),
  },
  "must be an object",
);

/** The database's credentials, the content of the secret. */
export type Credentials = z.infer<typeof credentialsSchema>;

/** @throws {ConfigError} naming each field that is wrong, and no value */
export function parseSecret(base64: string): Credentials {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(base64, "base64").toString());
  } catch {
    throw new ConfigError(
      'the secret is not JSON: it must be like {"host": "…", "dbname": "…", "username": "…", "password": "…"}',
    );
  }
  const { data, error } = credentialsSchema.safeParse(content);
  if (data) return data;
  const errors = error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
  throw new ConfigError(`the secret is malformed: ${errors.join("; ")}`);
}
