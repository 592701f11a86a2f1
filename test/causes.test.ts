import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, suite, test } from "node:test";
import type { Context } from "@fnproject/fdk";
import { answer } from "../src/answer.ts";
import { skipWithout } from "./deployment.ts";
import { closingLine, platformForTests } from "./fixture.ts";
import { startFunctions } from "./platform/functions.ts";
import { startPgBouncer } from "./platform/pgbouncer.ts";
import { error, fail, message, type Part, READY, refuse, startPlayer, WELCOME } from "./platform/player.ts";
import { listen } from "./platform/port.ts";

/** For what waiting cannot mend: far below the deadline, on a busy machine. Milliseconds. */
const AT_ONCE = 12_000;
const FAR = 50_000;

/** The deadline of what is waited for. Milliseconds. */
const SHORT = 3_500;

const platform = await platformForTests();
const { functions, postgres, vault } = platform;
const { credentials } = postgres;
const player = await startPlayer();
after(() => player.stop());
const played = { port: player.port };

interface Cause {
  /** In the secret. */
  secret?: object;
  part?: Part;
  /** What is broken before, with what undoes it. */
  broken?: [sql: string, undo: string];
  status?: number;
  /** Whether it is waited for. */
  waits?: true;
  code: string | RegExp;
  remedy: RegExp;
  /** Of the server, as far as it may be told. */
  says?: RegExp;
}

async function told(secret: object, time: number, options = functions.options) {
  vault.put({ ...credentials, ...secret });
  const own = startFunctions(options);
  const started = performance.now();
  try {
    const headers = { "Fn-Deadline": new Date(Date.now() + time).toISOString() };
    const gateway = { method: "POST", url: "/items", headers: {} };
    const { body, callId } = await own.invoke({ body: '{"name":"hunter2"}', headers, gateway });
    const milliseconds = performance.now() - started;
    const line = await closingLine({ functions: own }, callId);
    return { status: JSON.parse(body.toString()).status, milliseconds, line, log: own.logs.join("\n") };
  } finally {
    own.stop();
    vault.put(credentials);
  }
}

/** On a busy machine the last try may run out of time, or the first not come as far as the cause; then there is more. */
async function toldWaiting(secret: object, status: number, time = SHORT): ReturnType<typeof told> {
  const found = await told(secret, time);
  const late = found.status === 504 && status !== 504;
  return late && time < FAR ? toldWaiting(secret, status, 2 * time) : found;
}

function row(what: string, cause: Cause): void {
  test(what, async (t) => {
    const { secret = played, part, broken, status = 503, waits, code, remedy, says } = cause;
    if (part) player.play(part);
    if (broken) {
      const [sql, undo] = broken;
      await postgres.query(sql);
      t.after(() => postgres.query(undo));
    }
    const { line, milliseconds, log, ...got } = await (waits ? toldWaiting(secret, status) : told(secret, FAR));
    assert.equal(got.status, status, JSON.stringify(line));
    assert.match(line.code, code instanceof RegExp ? code : RegExp(`^${code}$`));
    assert.match(line.remedy, remedy);
    if (says) assert.match(line.message ?? "", says);
    if (waits) assert(milliseconds > 1_500, `told after ${milliseconds} ms, though it may pass`);
    else assert(milliseconds < AT_ONCE, `told after ${milliseconds} ms, though it cannot pass`);
    assert(!log.includes("hunter2"), "what was sent, or is secret, is in the log");
  });
}

suite("PostgreSQL", () => {
  const role = "CREATE ROLE other LOGIN PASSWORD 'other'";
  const other = { username: "other", password: "other" };
  const dropped = "DROP ROLE other";
  row("a wrong password", {
    secret: { password: "hunter2" },
    code: "28P01",
    remedy: /present password/,
    says: /^password authentication failed for user "…"$/,
  });
  row("a password and a user that changed places", {
    secret: { username: "hunter2", password: "x" },
    code: "28P01",
    remedy: /present password/,
  });
  row("an unknown database", {
    secret: { dbname: "hunter2" },
    code: "3D000",
    remedy: /dbname/,
    says: /^database "…" does not exist$/,
  });
  row("a user that may not log in", {
    secret: { username: "pg_monitor" },
    code: "28P01|28000",
    remedy: /password|LOGIN/,
  });
  row("no right to connect", {
    broken: ["REVOKE CONNECT ON DATABASE librarian_db FROM public", "GRANT CONNECT ON DATABASE librarian_db TO public"],
    secret: {},
    code: "42501",
    remedy: /^GRANT CONNECT ON DATABASE/,
  });
  row("a database that takes no connections", {
    broken: ["ALTER DATABASE postgres ALLOW_CONNECTIONS false", "ALTER DATABASE postgres ALLOW_CONNECTIONS true"],
    secret: { dbname: "postgres" },
    code: "55000",
    remedy: /ALLOW_CONNECTIONS true/,
  });
  row("the user's own limit", {
    broken: [`${role} CONNECTION LIMIT 0`, dropped],
    secret: other,
    waits: true,
    code: "53300",
    remedy: /ALTER ROLE … CONNECTION LIMIT/,
  });
  row("the database's own limit", {
    broken: ["ALTER DATABASE librarian_db CONNECTION LIMIT 0", "ALTER DATABASE librarian_db CONNECTION LIMIT -1"],
    secret: {},
    waits: true,
    code: "53300",
    remedy: /ALTER DATABASE … CONNECTION LIMIT/,
  });
  row("no right to insert", {
    broken: [role, dropped],
    secret: other,
    code: "42501",
    remedy: /src\/schema.sql/,
    says: /permission denied for table items/,
  });
  row("no table", {
    secret: { dbname: "postgres" },
    code: "42P01",
    remedy: /schema.sql.*search_path/,
    says: /relation/,
  });
  row("a password hashed more often than the driver hashes", {
    broken: [`SET scram_iterations = 200000; ${role}`, dropped],
    secret: other,
    code: "SCRAM_ITERATIONS",
    remedy: /scram_iterations to 100000/,
  });
  row("a database that is read-only", {
    broken: [
      `ALTER ROLE ${credentials.username} SET default_transaction_read_only = on`,
      `ALTER ROLE ${credentials.username} RESET default_transaction_read_only`,
    ],
    secret: {},
    waits: true,
    code: "25006",
    remedy: /primary.*default_transaction_read_only/,
  });
  row("a statement_timeout", {
    broken: [
      `ALTER ROLE ${credentials.username} SET statement_timeout = 1; CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'; CREATE TRIGGER slow BEFORE INSERT ON items EXECUTE FUNCTION slow()`,
      `ALTER ROLE ${credentials.username} RESET statement_timeout; DROP FUNCTION slow CASCADE`,
    ],
    secret: {},
    code: "57014",
    remedy: /statement_timeout/,
  });
  row("a trigger that may not do its part", {
    broken: [
      "CREATE TABLE audit (x int); CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (1); RETURN NEW; END'; CREATE TRIGGER audited BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION audited()",
      "DROP FUNCTION audited CASCADE; DROP TABLE audit",
    ],
    secret: {},
    code: "42501",
    remedy: /triggers.*SECURITY DEFINER/,
  });
  row("another port of the machine", {
    secret: { port: 1 },
    waits: true,
    code: "ECONNREFUSED",
    remedy: /host and port/,
  });
  row("a host that is none", {
    secret: { host: "hunter2.invalid" },
    code: "ENOTFOUND|EAI_AGAIN",
    remedy: /DNS resolver/,
  });
});

suite("PgBouncer", { skip: skipWithout("pgbouncer") }, async () => {
  const bouncer = await startPgBouncer(postgres, 3);
  after(() => bouncer.stop());
  const { port } = bouncer;
  row("a wrong password, through PgBouncer", {
    secret: { port, password: "hunter2" },
    code: "08P01",
    remedy: /present password/,
    says: /^SASL authentication failed$/,
  });
  row("an unknown user, through PgBouncer", {
    secret: { port, username: "hunter2" },
    code: "08P01",
    remedy: /password/,
  });
  row("an unknown database, through PgBouncer", {
    secret: { port, dbname: "hunter2" },
    code: "08P01",
    remedy: /dbname.*\[databases\]/,
    says: /^no such database/,
  });
  row("TLS that PgBouncer does not offer", {
    secret: { port, sslmode: "require" },
    code: "NO_TLS",
    remedy: /"sslmode": "disable"/,
  });
});

suite("what poolers say", () => {
  for (const [words, remedy, waits] of [
    ["password authentication failed", /present password/],
    ["SASL authentication failed", /present password/],
    ["no such user: hunter2", /username/],
    ["login rejected", /present password/],
    ["no such database: hunter2", /dbname/],
    ['database "hunter2" is disabled', /ENABLE/],
    ["SSL required", /verify-full/],
    ["bouncer config error", /pooler's log/],
    ["unsupported startup parameter: hunter2", /configuration/],
    ["server login failed: wrong password type", /auth_file/],
    [
      'server login has been failing, cached error: password authentication failed for user "hunter2" (server_login_retry)',
      /pooler the user's present password/,
    ],
    ["server login has been failing, try again later (server_login_retry)", /start the database behind/, true],
    ["client_login_timeout (server down)", /start the database behind/, true],
    ["query_wait_timeout", /default_pool_size.*RESUME/, true],
    ["no more connections allowed (max_client_conn)", /max_client_conn/, true],
    ["client connections exceeded (max_user_client_connections)", /limit of its user/, true],
    ["pooler is shutting down", /no action/, true],
    ["words of another pooler", /message says why/, true],
  ] as [string, RegExp, true?][]) {
    const secret = { ...played, username: "hunter2", dbname: "hunter2" };
    row(words, {
      secret,
      part: refuse("08P01", words),
      code: "08P01",
      remedy,
      says: RegExp(`^${words.slice(0, 7)}`),
      ...(waits && { waits }),
    });
  }
  row("Tenant or user not found", {
    part: refuse("XX000", "Tenant or user not found"),
    code: "XX000",
    remedy: /user\.project/,
  });
  row("(ENOTFOUND) tenant/user a.b not found", {
    part: refuse("XX000", "(ENOTFOUND) tenant/user a.b not found"),
    code: "XX000",
    remedy: /user\.project/,
  });
  row("max clients reached", {
    part: refuse("XX000", "(EMAXCONNSESSION) max clients reached in session mode"),
    waits: true,
    code: "XX000",
    remedy: /max_client_conn/,
  });
  row("a refusal of the login in answer to the first statement", {
    part: fail("08P01", 'server login has been failing, cached error: no pg_hba.conf entry for host "hunter2"'),
    code: "08P01",
    remedy: /auth_file/,
    says: /^server login has been failing.*pg_hba$/,
  });
});

suite("what is no PostgreSQL", async () => {
  const web = createServer((_request, response) => response.end("web"));
  const http = { port: await listen(web, 0, "") };
  after(() => web.close());
  const R = (code: number, more = "") => message("R", [0, 0, 0, code], more);
  const once =
    (bytes: Buffer): Part =>
    (socket, turn) =>
      turn === 0 && void socket.write(bytes);
  for (const sslmode of ["disable", "require"]) {
    row(`a web server, sslmode ${sslmode}`, {
      secret: { ...http, sslmode },
      code: "NOT_POSTGRES",
      remedy: /host and port.*something else/,
    });
  }
  row("bytes of another protocol", {
    part: once(Buffer.from("SSH-2.0-x\r\n")),
    code: "NOT_POSTGRES",
    remedy: /something else/,
  });
  row("GSS", { part: once(R(7)), code: "AUTHENTICATION", remedy: /scram-sha-256/ });
  row("SSPI", { part: once(R(9)), code: "AUTHENTICATION", remedy: /scram-sha-256/ });
  row("SCRAM with channel binding alone", {
    part: once(R(10, "SCRAM-SHA-256-PLUS\0\0")),
    code: "AUTHENTICATION",
    remedy: /scram-sha-256/,
  });
  row("a server that does not know the password", {
    part: (socket, turn) => void socket.write(turn === 0 ? R(10, "SCRAM-SHA-256\0\0") : R(11, "r=x,s=AAAA,i=1")),
    code: "SASL",
    remedy: /check host/,
  });
  row("silence", {
    part: () => undefined,
    status: 504,
    waits: true,
    code: "TIMEOUT",
    remedy: /accepts connections and says nothing/,
  });
  row("closing", { part: (socket) => socket.end(), waits: true, code: "CLOSED", remedy: /load balancer/ });
});

suite("what a statement is refused with", () => {
  for (const [code, remedy, waits] of [
    ["0A000", /rules/],
    ["25006", /primary/, true],
    ["25P04", /transaction_timeout/],
    ["3F000", /create the schema/],
    ["40001", /no action/, true],
    ["40P01", /no action/, true],
    ["42703", /column/],
    ["42883", /src\/table.ts/],
    ["53100", /free space/],
    ["53200", /memory/],
    ["53400", /limits/],
    ["55P03", /long transactions/, true],
    ["57014", /statement_timeout/],
    ["57P01", /no action/, true],
    ["57P03", /no action/, true],
    ["58030", /disk/],
    ["XX000", /its log/],
    ["XX001", /backup/],
    ["XX002", /REINDEX/],
    ["99999", /list of error codes/],
  ] as [string, RegExp, true?][]) {
    row(`a statement that is refused with ${code}`, {
      part: fail(code, "said so"),
      code,
      remedy,
      ...(waits && { waits }),
      ...(!/^(XX|99)/.test(code) && { says: /^said so$/ }),
    });
  }
  for (const code of ["22023", "XX000", "99999", "P0002"]) {
    test(`the message of ${code} is not told, since it may hold data, nor one of a trigger`, async () => {
      player.play(fail(code, "hunter2"));
      assert.equal((await told(played, FAR)).log.includes("hunter2"), false);
      player.play(fail("57014", "hunter2", { W: "PL/pgSQL function f() line 1 at RAISE" }));
      assert.equal((await told(played, FAR)).log.includes("hunter2"), false);
    });
  }
});

suite("Vault", () => {
  for (const [what, endpoint, region, code, remedy] of [
    ["a host that is none", "https://hunter2.invalid", undefined, /ENOTFOUND|EAI_AGAIN/, /OCI_SECRETS_ENDPOINT|lasts/],
    ["a region that is none", "", "xx-nowhere-1", /ENOTFOUND|EAI_AGAIN/, /REGION|lasts/],
  ] as const) {
    test(`Vault at ${what}`, async () => {
      const env = { ...functions.options.principal.env, ...(region && { OCI_RESOURCE_PRINCIPAL_REGION: region }) };
      const config = { ...functions.options.config, OCI_SECRETS_ENDPOINT: endpoint };
      const options = { ...functions.options, principal: { env }, config };
      const { line, status } = await told({}, 8_000, options);
      assert([503, 504].includes(status), JSON.stringify(line));
      assert.match(line.code, code);
      assert.match(line.remedy, remedy);
    });
  }
});

test("a right password that a pooler refuses yet is tried once more, about two seconds later", async () => {
  const former = { ...credentials, ...played, password: "former" };
  let refusals = 0;
  player.play((socket, turn) => {
    if (turn === 0) socket.write(message("R", [0, 0, 0, 3]));
    else if (refusals++ < 2) {
      vault.put({ ...credentials, ...played });
      socket.end(error("08P01", "password authentication failed"));
    } else socket.write(turn === 1 ? WELCOME : Buffer.concat([error("XX000", "in", { S: "ERROR" }), READY]));
  });
  const { line, milliseconds } = await told(former, FAR);
  assert.deepEqual([line.code, refusals >= 3], ["XX000", true], JSON.stringify(line));
  assert(milliseconds > 2_000, `${milliseconds} ms`);
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
