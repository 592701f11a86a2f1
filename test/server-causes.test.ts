import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, suite, test } from "node:test";
import { causesForTests, FAR } from "./causes.ts";
import { fail, message, type Part } from "./platform/player.ts";
import { listen } from "./platform/port.ts";

const { player, played, isTold, tell } = await causesForTests();

const web = createServer((_request, response) => response.end("web"));
const http = { port: await listen(web, 0, "") };
after(() => web.close());

suite("what is no PostgreSQL", () => {
  const R = (code: number, more = "") => message("R", [0, 0, 0, code], more);
  const once =
    (bytes: Buffer): Part =>
    (socket, turn) =>
      turn === 0 && void socket.write(bytes);
  for (const sslmode of ["disable", "require"]) {
    isTold(`a web server, sslmode ${sslmode}`, {
      secret: { ...http, sslmode },
      code: "NOT_POSTGRES",
      remedy: /host and port.*something else/,
    });
  }
  isTold("bytes of another protocol", {
    part: once(Buffer.from("SSH-2.0-x\r\n")),
    code: "NOT_POSTGRES",
    remedy: /something else/,
  });
  isTold("a server that asks for GSS", { part: once(R(7)), code: "AUTHENTICATION", remedy: /scram-sha-256/ });
  isTold("a server that asks for SSPI", { part: once(R(9)), code: "AUTHENTICATION", remedy: /scram-sha-256/ });
  isTold("a server that takes SCRAM with channel binding alone", {
    part: once(R(10, "SCRAM-SHA-256-PLUS\0\0")),
    code: "AUTHENTICATION",
    remedy: /scram-sha-256/,
  });
  isTold("a server that does not know the password", {
    part: (socket, turn) => void socket.write(turn === 0 ? R(10, "SCRAM-SHA-256\0\0") : R(11, "r=x,s=AAAA,i=1")),
    code: "SASL",
    remedy: /check host/,
  });
  isTold("a server that is silent", {
    part: () => undefined,
    status: 504,
    waits: true,
    code: "TIMEOUT",
    remedy: /accepts connections and says nothing/,
  });
  isTold("a server that closes connections", {
    part: (socket) => socket.end(),
    waits: true,
    code: "CLOSED",
    remedy: /load balancer/,
  });
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
    isTold(`a statement that is refused with ${code}`, {
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
      assert.equal((await tell(played, FAR)).log.includes("hunter2"), false);
      player.play(fail("57014", "hunter2", { W: "PL/pgSQL function f() line 1 at RAISE" }));
      assert.equal((await tell(played, FAR)).log.includes("hunter2"), false);
    });
  }
});
