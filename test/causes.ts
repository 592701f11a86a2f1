import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closingLine, platformForTests } from "./fixture.ts";
import { startFunctions } from "./platform/functions.ts";
import { type Part, startPlayer } from "./platform/player.ts";

/** For what waiting cannot mend: far below the deadline, on a busy machine. Milliseconds. */
const AT_ONCE = 12_000;
export const FAR = 50_000;

/** The deadline of what is waited for. Milliseconds. */
const SHORT = 3_500;

/** Why no item can be stored, and what the log says of it. */
export interface Cause {
  /** In the secret; where absent, what leads to the player. */
  secret?: object;
  part?: Part;
  /** What is broken before, with what undoes it. */
  broken?: [sql: string, undo: string];
  status?: number;
  /** Whether it is waited for. */
  waits?: true;
  code: string;
  remedy: RegExp;
  /** Of the server, as far as it may be told. */
  says?: RegExp;
}

/** A platform on which causes come to pass, beside a server that plays a part. */
export async function causesForTests() {
  const { functions, postgres, vault } = await platformForTests();
  const { credentials } = postgres;
  const player = await startPlayer();
  after(() => player.stop());
  const played = { port: player.port };

  /** What a new container tells of an insert. */
  async function tell(secret: object, time: number, options = functions.options) {
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
  async function tellWaiting(secret: object, status: number, time = SHORT): ReturnType<typeof tell> {
    const found = await tell(secret, time);
    const late = found.status === 504 && status !== 504;
    return late && time < FAR ? tellWaiting(secret, status, 2 * time) : found;
  }

  function isTold(what: string, cause: Cause): void {
    const { secret = played, part, broken, status = 503, waits, code, remedy, says } = cause;
    test(`${what} is ${waits ? "waited for, and then told" : "told at once"}, as ${code}`, async (t) => {
      if (part) player.play(part);
      if (broken) {
        const [sql, undo] = broken;
        await postgres.query(sql);
        t.after(() => postgres.query(undo));
      }
      const { line, milliseconds, log, ...got } = await (waits ? tellWaiting(secret, status) : tell(secret, FAR));
      assert.equal(got.status, status, JSON.stringify(line));
      assert.match(line.code, RegExp(`^(${code})$`));
      assert.match(line.remedy, remedy);
      if (says) assert.match(line.message ?? "", says);
      if (waits) assert(milliseconds > 1_500, `told after ${milliseconds} ms, though it may pass`);
      else assert(milliseconds < AT_ONCE, `told after ${milliseconds} ms, though it cannot pass`);
      assert(!log.includes("hunter2"), "what was sent, or is secret, is in the log");
    });
  }

  return { functions, postgres, vault, credentials, player, played, tell, isTold };
}
