import assert from "node:assert/strict";
import { test } from "node:test";
import type { Call, Step } from "../src/call.ts";
import { openConnection } from "../src/database/connection.ts";
import { Deadline } from "../src/deadline.ts";
import { surroundingsOf, takeIds } from "../src/insert/ids.ts";
import { platformForTests } from "./fixture.ts";

const { postgres } = await platformForTests();

test("when the clock was set back, nothing counts as fresh that is not", async (t) => {
  const log = { warn: () => undefined } as unknown as Call["log"];
  const deadline = new Deadline(new Date(Date.now() + 3_600_000));
  let looks = 0;
  const timed = (_step: Step, work: () => Promise<unknown>) => {
    looks++;
    return work();
  };
  const call = { deadline, log, timed } as unknown as Call;
  const connection = await openConnection({ ...postgres.credentials, sslmode: "disable" }, call);
  t.after(() => connection.close());
  const taken = await takeIds(connection, 1, log);
  const surroundings = surroundingsOf(connection);
  assert(surroundings);
  // As the insert of a row leaves it behind.
  surroundings.reserved = taken;
  connection.release();
  assert.equal(await takeIds(connection, 1, log), taken);
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() - 1_800_000 });
  assert.notEqual(await takeIds(connection, 1, log), taken);
  looks = 0;
  assert(await connection.isUsable(call));
  assert.equal(looks, 1);
});
