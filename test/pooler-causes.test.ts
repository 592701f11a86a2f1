import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { causesForTests, FAR } from "./causes.ts";
import { skipWithout } from "./deployment.ts";
import { startPgBouncer } from "./platform/pgbouncer.ts";
import { error, fail, message, READY, refuse, WELCOME } from "./platform/player.ts";

const { postgres, vault, credentials, player, played, isTold, tell } = await causesForTests();

const skip = skipWithout("pgbouncer");
const bouncer = skip ? undefined : await startPgBouncer(postgres, 3);
// Not of the suite, whose end nobody hears of where all its tests are left out.
after(() => bouncer?.stop());

suite("PgBouncer", { skip }, () => {
  const port = bouncer?.port;
  isTold("a wrong password, through PgBouncer", {
    secret: { port, password: "hunter2" },
    code: "08P01",
    remedy: /present password/,
    says: /^SASL authentication failed$/,
  });
  isTold("an unknown user, through PgBouncer", {
    secret: { port, username: "hunter2" },
    code: "08P01",
    remedy: /password/,
  });
  isTold("an unknown database, through PgBouncer", {
    secret: { port, dbname: "hunter2" },
    code: "08P01",
    remedy: /dbname.*\[databases\]/,
    says: /^no such database/,
  });
  isTold("TLS that PgBouncer does not offer", {
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
    isTold(`"${words}" of a pooler`, {
      secret,
      part: refuse("08P01", words),
      code: "08P01",
      remedy,
      says: RegExp(`^${words.slice(0, 7)}`),
      ...(waits && { waits }),
    });
  }
  isTold('"Tenant or user not found" of a pooler', {
    part: refuse("XX000", "Tenant or user not found"),
    code: "XX000",
    remedy: /user\.project/,
  });
  isTold('"(ENOTFOUND) tenant/user a.b not found" of a pooler', {
    part: refuse("XX000", "(ENOTFOUND) tenant/user a.b not found"),
    code: "XX000",
    remedy: /user\.project/,
  });
  isTold('"max clients reached" of a pooler', {
    part: refuse("XX000", "(EMAXCONNSESSION) max clients reached in session mode"),
    waits: true,
    code: "XX000",
    remedy: /max_client_conn/,
  });
  isTold("a refusal of the login in answer to the first statement", {
    part: fail("08P01", 'server login has been failing, cached error: no pg_hba.conf entry for host "hunter2"'),
    code: "08P01",
    remedy: /auth_file/,
    says: /^server login has been failing.*pg_hba$/,
  });
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
  const { line, milliseconds } = await tell(former, FAR);
  assert.deepEqual([line.code, refusals >= 3], ["XX000", true], JSON.stringify(line));
  assert(milliseconds > 2_000, `${milliseconds} ms`);
});
