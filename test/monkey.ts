import { setTimeout as sleep } from "node:timers/promises";
import type { Lane } from "./fixture.ts";
import type { Hub } from "./platform/hub.ts";
import type { Postgres } from "./platform/postgres.ts";

/** Breaks what lies between a feed and its table, one thing after the other. */
export interface Monkey {
  /** Shortly breaks something on a lane that has begun a call. */
  bother(lane: Lane): void;
  /** How often what was broken. */
  done: ReadonlyMap<string, number>;
  /** Resolves when it is through. */
  rest(): Promise<unknown>;
}

/** @param random decides what is broken, and in which order */
export function createMonkey(postgres: Postgres, hubs: readonly Hub[], random: () => number): Monkey {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  const atWorkIn = ({ functions }: Lane) => functions.containers.filter(({ paused }) => !paused)[0];

  /** Those that answer false had nothing to break. */
  const faults: Record<string, (lane: Lane) => unknown> = {
    "connection cut in the middle": ({ wire }) => {
      const from = pick(["client", "server"] as const);
      wire.cut({ from, after: Math.floor(random() * 20_000), how: pick(["reset", "end"]) });
      wire.breakAll("reset");
    },
    "connections broken": ({ wire }) => wire.breakAll(pick(["reset", "end"])),
    "connections silent": async ({ wire }) => {
      wire.breakAll("silence");
      await sleep(200);
      wire.sweep();
    },
    "backends terminated": () =>
      postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [
        postgres.credentials.username,
      ]),
    "container killed in its work": (lane) => {
      const container = atWorkIn(lane);
      container?.kill();
      return container !== undefined;
    },
    "container paused in its work": async (lane) => {
      const container = atWorkIn(lane);
      container?.pause();
      await sleep(random() * 300);
      container?.resume();
      return container !== undefined;
    },
    "containers replaced": ({ functions }) => functions.replace(),
    "hub restarted": () => pick(hubs).restart(),
    // Takes longer than the others.
    "PostgreSQL restarted": () => random() < 0.3 && postgres.restart(),
  };

  const done = new Map<string, number>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    bother(lane) {
      const what = pick(Object.keys(faults));
      const delay = random() * 40;
      last = last.then(async () => {
        await sleep(delay);
        if ((await faults[what]?.(lane)) !== false) done.set(what, (done.get(what) ?? 0) + 1);
      });
    },
    done,
    rest: () => last,
  };
}
