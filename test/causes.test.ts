import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Context } from "@fnproject/fdk";
import { answer } from "../src/answer.ts";
import { causesForTests } from "./causes.ts";

const { functions, credentials, isTold, tell } = await causesForTests();

suite("PostgreSQL", () => {
  const role = "CREATE ROLE other LOGIN PASSWORD 'other'";
  const other = { username: "other", password: "other" };
  const dropped = "DROP ROLE other";
  isTold("a wrong password", {
    secret: { password: "hunter2" },
    code: "28P01",
    remedy: /present password/,
    says: /^password authentication failed for user "…"$/,
  });
  isTold("a password and a user that changed places", {
    secret: { username: "hunter2", password: "x" },
    code: "28P01",
    remedy: /present password/,
  });
  isTold("an unknown database", {
    secret: { dbname: "hunter2" },
    code: "3D000",
    remedy: /dbname/,
    says: /^database "…" does not exist$/,
  });
  isTold("a user that may not log in", {
    secret: { username: "pg_monitor" },
    code: "28P01|28000",
    remedy: /password|LOGIN/,
  });
  isTold("no right to connect", {
    broken: ["REVOKE CONNECT ON DATABASE librarian_db FROM public", "GRANT CONNECT ON DATABASE librarian_db TO public"],
    secret: {},
    code: "42501",
    remedy: /^GRANT CONNECT ON DATABASE/,
  });
  isTold("a database that takes no connections", {
    broken: ["ALTER DATABASE postgres ALLOW_CONNECTIONS false", "ALTER DATABASE postgres ALLOW_CONNECTIONS true"],
    secret: { dbname: "postgres" },
    code: "55000",
    remedy: /ALLOW_CONNECTIONS true/,
  });
  isTold("the user's own limit", {
    broken: [`${role} CONNECTION LIMIT 0`, dropped],
    secret: other,
    waits: true,
    code: "53300",
    remedy: /ALTER ROLE … CONNECTION LIMIT/,
  });
  isTold("the database's own limit", {
    broken: ["ALTER DATABASE librarian_db CONNECTION LIMIT 0", "ALTER DATABASE librarian_db CONNECTION LIMIT -1"],
    secret: {},
    waits: true,
    code: "53300",
    remedy: /ALTER DATABASE … CONNECTION LIMIT/,
  });
  isTold("no right to insert", {
    broken: [role, dropped],
    secret: other,
    code: "42501",
    remedy: /src\/schema.sql/,
    says: /permission denied for table items/,
  });
  isTold("no table", {
    secret: { dbname: "postgres" },
    code: "42P01",
    remedy: /schema.sql.*search_path/,
    says: /relation/,
  });
  isTold("a password hashed more often than the driver hashes", {
    broken: [`SET scram_iterations = 200000; ${role}`, dropped],
    secret: other,
    code: "SCRAM_ITERATIONS",
    remedy: /scram_iterations to 100000/,
  });
  isTold("a database that is read-only", {
    broken: [
      `ALTER ROLE ${credentials.username} SET default_transaction_read_only = on`,
      `ALTER ROLE ${credentials.username} RESET default_transaction_read_only`,
    ],
    secret: {},
    waits: true,
    code: "25006",
    remedy: /primary.*default_transaction_read_only/,
  });
  isTold("a statement_timeout", {
    broken: [
      `ALTER ROLE ${credentials.username} SET statement_timeout = 1; CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'; CREATE TRIGGER slow BEFORE INSERT ON items EXECUTE FUNCTION slow()`,
      `ALTER ROLE ${credentials.username} RESET statement_timeout; DROP FUNCTION slow CASCADE`,
    ],
    secret: {},
    code: "57014",
    remedy: /statement_timeout/,
  });
  isTold("a trigger that may not do its part", {
    broken: [
      "CREATE TABLE audit (x int); CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (1); RETURN NEW; END'; CREATE TRIGGER audited BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION audited()",
      "DROP FUNCTION audited CASCADE; DROP TABLE audit",
    ],
    secret: {},
    code: "42501",
    remedy: /triggers.*SECURITY DEFINER/,
  });
  isTold("another port of the machine", {
    secret: { port: 1 },
    waits: true,
    code: "ECONNREFUSED",
    remedy: /host and port/,
  });
  isTold("a host that is none", {
    secret: { host: "hunter2.invalid" },
    code: "ENOTFOUND|EAI_AGAIN",
    remedy: /DNS resolver/,
  });
});

suite("Vault", () => {
  for (const [what, endpoint, region, code, remedy] of [
    ["a host that is none", "https://hunter2.invalid", undefined, /ENOTFOUND|EAI_AGAIN/, /OCI_SECRETS_ENDPOINT|lasts/],
    ["a region that is none", "", "xx-nowhere-1", /ENOTFOUND|EAI_AGAIN/, /REGION|lasts/],
  ] as const) {
    test(`Vault at ${what} is told as a name that is not found`, async () => {
      const env = { ...functions.options.principal.env, ...(region && { OCI_RESOURCE_PRINCIPAL_REGION: region }) };
      const config = { ...functions.options.config, OCI_SECRETS_ENDPOINT: endpoint };
      const options = { ...functions.options, principal: { env }, config };
      const { line, status } = await tell({}, 8_000, options);
      assert([503, 504].includes(status), JSON.stringify(line));
      assert.match(line.code, code);
      assert.match(line.remedy, remedy);
    });
  }
});

test("a defect's reason has its causes, and no field of theirs", async (t) => {
  const written = t.mock.method(process.stdout, "write", () => true);
  const cause = Object.assign(new Error("inner"), { detail: "hunter2" });
  const context = { callID: "1", deadline: null, getHeader: () => null, httpGateway: {} } as unknown as Context;
  const handler = answer(() => Promise.reject(new TypeError("outer", { cause })));
  await assert.rejects(async () => handler(Buffer.of(), context), /^Error: 500/);
  const line = written.mock.calls.map(({ arguments: [text] }) => String(text)).join("");
  written.mock.restore();
  assert.match(line, /"reason":"TypeError: outer.*caused by Error: inner/);
  assert(!line.includes("hunter2"));
});
