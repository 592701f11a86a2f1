import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithout } from "./deployment.ts";
import { platformForTests } from "./fixture.ts";
import { startPgBouncer } from "./platform/pgbouncer.ts";
import { randomOf } from "./random.ts";

/** SOAK_SECONDS=600 makes it longer; SEED replays the faults of a run, in their order. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 30);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const CONTAINERS = 20;

suite("soak", { skip: skipWithout("pgbouncer") }, () => {
  test(`${CONTAINERS} containers behind PgBouncer store each item once, through ${SECONDS} s of faults (SEED=${SEED})`, async (t) => {
    const platform = await platformForTests({ functions: { maxContainers: CONTAINERS, timeoutSeconds: 20 } });
    const { postgres, vault, functions } = platform;
    const bouncer = await startPgBouncer(postgres, 5);
    t.after(() => bouncer.stop());
    const { username } = postgres.credentials;
    let credentials = { ...postgres.credentials, port: bouncer.port };
    vault.put(credentials);

    const random = randomOf(SEED);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
    const faults: Record<string, () => Promise<unknown>> = {
      "backends terminated": () =>
        postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [username]),
      "PgBouncer restarted": () => bouncer.restart(),
      "PostgreSQL restarted": () => postgres.restart(),
      "password rotated": async () => {
        const password = `rotated-${random()}`;
        platform.secrets.push(password);
        credentials = { ...credentials, password };
        await postgres.query(`ALTER ROLE ${username} PASSWORD '${password}'`);
        bouncer.setPassword(password);
        await sleep(random() * 300);
        vault.put(credentials);
      },
      "Vault failed for a while": async () => {
        vault.answer(pick([{ status: 500 }, { status: 429 }, "reset", "hang"] as const));
        await sleep(500);
        vault.answer();
      },
      "a container paused in its work": async () => {
        const container = pick(functions.containers);
        if (!container) return;
        container.pause();
        await sleep(random() * 500);
        container.resume();
      },
      "containers replaced": async () => functions.replace(),
    };

    const until = Date.now() + SECONDS * 1_000;
    const done = new Map<string, number>();
    const monkey = (async () => {
      while (Date.now() < until) {
        await sleep(300 + random() * 700);
        const what = pick(Object.keys(faults));
        await faults[what]?.();
        done.set(what, (done.get(what) ?? 0) + 1);
      }
    })();

    const calls: { names: string[]; code: string | undefined; ids: number[] }[] = [];
    await Promise.all(
      Array.from({ length: CONTAINERS }, async (_, worker) => {
        for (let n = 0; Date.now() < until; n++) {
          const names = Array.from({ length: n % 3 === 0 ? 3 : 1 }, (_, index) => `${worker} ${n} ${index}`);
          const { code, body } = await functions.invoke({ body: JSON.stringify(names.map((name) => ({ name }))) });
          calls.push({ names, code, ids: code === undefined ? JSON.parse(body.toString()).ids : [] });
          await sleep((worker * 37 + n * 61) % 150);
        }
      }),
    );
    await monkey;

    const rows = await postgres.query<{ id: number; name: string }>("SELECT id, name FROM items");
    const found = Map.groupBy(rows, ({ name }) => name);
    for (const { names, code, ids } of calls) {
      const of = names.map((name) => (found.get(name) ?? []).map(({ id }) => id));
      for (const name of names) found.delete(name);
      if (code === undefined) {
        const expected = ids.map((id) => [id]);
        assert.deepEqual(of, expected, `answered as stored: ${names}`);
      } else {
        const each = of.map(({ length }) => length);
        assert(
          each.every((count) => count === each[0] && count <= 1),
          `failed with ${code}, and is there ${each} times`,
        );
      }
    }
    assert.equal(found.size, 0, "there are rows that nobody sent");
    const stored = calls.filter(({ code }) => code === undefined);
    t.diagnostic(
      `${calls.length} invokes, ${stored.length} stored, ${calls.length - stored.length} refused; ${rows.length} rows, 0 lost, 0 doubled`,
    );
    t.diagnostic([...done].map(([what, times]) => `${what}: ${times}`).join(", "));
    assert(stored.length > calls.length / 2, `${stored.length} of ${calls.length} were stored`);
  });
});
