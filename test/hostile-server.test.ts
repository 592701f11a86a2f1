import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import { platformForTests } from "./fixture.ts";
import { CASES, FLOODS } from "./hostile-words.ts";
import { startPlayer, WELCOME } from "./platform/player.ts";

/** What an invocation has, for as many attempts as come. Milliseconds. */
const TIME = 1_500;
const FLOOD_TIME = 3_000;

/** Above what a container has after a day of inserts, and far below a flood. Bytes. */
const MOST_MEMORY = 400_000_000;

const platform = await platformForTests({ functions: { maxContainers: 3, idleSeconds: 600, pauseAfter: 600_000 } });
const { functions, vault } = platform;
const player = await startPlayer();
after(() => player.stop());
vault.put({ ...platform.postgres.credentials, port: player.port });

const invoke = async (time: number) => {
  const headers = { "Fn-Deadline": new Date(Date.now() + time).toISOString() };
  const { code, coldStart } = await functions.invoke({ body: '{"name":"a"}', headers });
  // Anything else would be a process that ended, or hangs.
  assert.equal(code, "FunctionInvokeExecutionFailed");
  return coldStart;
};

test(`nothing that a server says ends the process (${CASES.length} cases)`, async () => {
  let next = 0;
  player.play((socket, turn) => {
    const mine = CASES[next];
    if (!mine) return void socket.end();
    if (turn < mine.turn) return void socket.write(WELCOME);
    if (turn > mine.turn) return;
    next++;
    // At once, and in pieces, and then nothing more: closed, so that the next case comes soon.
    const middle = Math.floor(mine.said.length / 2);
    if (next % 2)
      socket.write(mine.said.subarray(0, middle), () => setTimeout(() => socket.end(mine.said.subarray(middle)), 1));
    else socket.end(mine.said);
  });
  const starts: boolean[] = [];
  const worker = async () => {
    while (next < CASES.length) {
      const at = next;
      const invoked = invoke(TIME).catch((cause) => Promise.reject(new Error(`about ${CASES[at]?.what}`, { cause })));
      starts.push(await invoked);
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  assert.equal(starts.filter(Boolean).length, 3, "containers that were started");
});

for (const [what, turn, before, again] of FLOODS) {
  test(`a flood of ${what} does not fill the memory`, async () => {
    const flood = (socket: Socket): void => {
      while (socket.writable && socket.write(again));
      if (socket.writable) socket.once("drain", () => setImmediate(flood, socket));
    };
    player.play((socket, now) => {
      if (now < turn) socket.write(WELCOME);
      if (now !== turn) return;
      socket.write(before);
      flood(socket);
    });
    assert.equal(await invoke(FLOOD_TIME), false, "the container was another");
    const sizes = functions.containers.map(
      ({ pid }) => Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)])) * 1024,
    );
    assert(Math.max(...sizes) < MOST_MEMORY, `${sizes.map((size) => Math.round(size / 1e6))} MB`);
  });
}
