import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Container } from "../platform/container.ts";
import { eventually } from "../platform/eventually.ts";
import type { Platform } from "../platform/platform.ts";
import { coldStart } from "./cold.ts";
import { call, mustCall, residentOf, type Subject, start, withContainer } from "./process.ts";
import { copy, pgbench } from "./psql.ts";
import { alternate, type Line, median } from "./stats.ts";
import { FLOOR, leastFor, type Ours, peersFor } from "./subjects.ts";

export interface Bench {
  platform: Platform;
  ours: Ours;
  /** How often each figure is taken: 20 or more for the published ones. */
  rounds: number;
  say(progress: string): void;
}

export const ITEM = JSON.stringify({ name: "name", description: "description" });
export const INVALID = JSON.stringify({ name: 5 });

/** Warm calls on end to one container; and how many blocks are not counted, since V8 takes 2,000 calls to warm up. */
const BLOCK = 100;

/** The milliseconds of each of a block of calls. */
export async function callBlock(container: Container, body: () => string): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < BLOCK; n++) times.push(await mustCall(container, body()));
  return times;
}
export const WARMING = 20;

export const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `item ${index}`, description: `description ${index}` }));

/** As many rows as the platform's limit of a body holds. */
export const fullBody = () =>
  JSON.stringify(rowsOf(100_000))
    .slice(0, 6 * 1024 * 1024 - 1)
    .replace(/,[^,]*,[^,]*$/, "]");

export async function cold({ ours, rounds, say }: Bench): Promise<Line[]> {
  say("cold starts");
  const sockets: Record<string, number[]> = { floor: [], ours: [] };
  const answer = async (subject: Subject, body: string, of?: number[]) => {
    const cold = await coldStart(subject, body);
    of?.push(cold.socket);
    return cold.answer;
  };
  const answers = await alternate(rounds, {
    floor: () => answer(FLOOR, INVALID, sockets.floor),
    ours: () => answer(ours, INVALID, sockets.ours),
    row: () => answer(ours, ITEM),
  });
  const floor = (figures: number[] = []) => ({ name: FLOOR.name, figures });
  return [
    {
      what: "process start → socket ready",
      unit: "ms",
      ours: sockets.ours ?? [],
      floor: floor(sockets.floor),
      bar: 1.25,
    },
    {
      what: "process start → answer to an invalid item",
      unit: "ms",
      ours: answers.ours,
      floor: floor(answers.floor),
      bar: 1.25,
    },
    { what: "process start → first row stored", unit: "ms", ours: answers.row, floor: floor(answers.floor), bar: 3.5 },
  ];
}

export async function warm({ platform, ours, rounds, say }: Bench): Promise<Line[]> {
  say("warm inserts");
  const least = leastFor(platform);
  const times = { echo: [] as number[], least: [] as number[], ours: [] as number[], pgbench: [] as number[] };
  await withContainer(FLOOR, (bare) =>
    withContainer(least, (other) =>
      withContainer(ours, async (container) => {
        for (let round = -WARMING; round < rounds; round++) {
          for (const [of, to] of [
            [times.echo, bare],
            [times.least, other],
            [times.ours, container],
          ] as const) {
            const block = await callBlock(to, () => ITEM);
            if (round >= 0) of.push(...block);
          }
          if (round >= 0) times.pgbench.push(...(await pgbench(platform.postgres.url, BLOCK)));
        }
      }),
    ),
  );
  const line = { what: "warm insert of one item", unit: "ms" as const, ours: times.ours };
  const figures = times.pgbench.map((figure) => figure + median(times.echo));
  return [
    { ...line, floor: { name: "bare FDK echo + pgbench's prepared insert", figures }, bar: 1.75 },
    { ...line, floor: { name: least.name, figures: times.least }, bar: undefined },
  ];
}

export async function batch({ platform, ours, rounds, say }: Bench): Promise<Line[]> {
  say("batches");
  return withContainer(ours, async (container) => {
    await mustCall(container, ITEM);
    // Else what one wrote would be flushed to the disk in another's time, and all the more as the table grows.
    const empty = () => platform.postgres.query("TRUNCATE items; CHECKPOINT");
    const lines: Line[] = [];
    const send = (rows: object[]) => {
      const body = Buffer.from(JSON.stringify(rows));
      return () => mustCall(container, body);
    };
    for (const size of [10_000, 50_000]) {
      const rows = rowsOf(size);
      const copying: number[] = [];
      const variants = {
        ours: send(rows),
        copy: async () => {
          const times = await copy(platform.postgres.url, rows);
          copying.push(times.copying);
          return times.command;
        },
      };
      const figures = await alternate(rounds, variants, empty);
      const rate = (times: number[]) => times.map((ms) => (1_000 * size) / ms);
      const line = { what: `batch of ${size.toLocaleString("en")}`, unit: "rows/s" as const, ours: rate(figures.ours) };
      lines.push(
        { ...line, floor: { name: "psql -c '\\copy …', the whole command", figures: rate(figures.copy) }, bar: 0.5 },
        {
          ...line,
          floor: { name: "the same by psql's own clock, without start and connection", figures: rate(copying) },
          bar: undefined,
        },
      );
    }
    // The third of three, since the emptying of the table leaves caches cold.
    const settled = (size: number) => {
      const once = send(rowsOf(size));
      return async () => {
        await once();
        await once();
        return once();
      };
    };
    const times = await alternate(
      rounds,
      { 100: settled(100), 1000: settled(1_000), 10000: settled(10_000), 50000: settled(50_000) },
      empty,
    );
    const range = (from: keyof typeof times, to: keyof typeof times) => {
      const base = median(times[from]);
      const figures = times[to].map((ms) => (1_000 * (ms - base)) / (to - from));
      return { name: `each row from ${from.toLocaleString("en")} to ${to.toLocaleString("en")}`, figures };
    };
    const middle = range(1_000, 10_000);
    for (const { name, figures } of [range(100, 1_000), range(10_000, 50_000)]) {
      lines.push({ what: name, unit: "µs a row", ours: figures, floor: middle, bar: 1.2 });
    }
    return lines;
  });
}

export async function memory({ ours, rounds, say }: Bench): Promise<Line[]> {
  say("memory");
  const body = fullBody();
  const after = (subject: Subject, ...bodies: string[]) =>
    withContainer(subject, async (container) => {
      for (const each of bodies) await mustCall(container, each);
      return residentOf(container);
    });
  const few = Math.ceil(rounds / 4);
  const figures = await alternate(few, {
    floor: () => after(FLOOR, ITEM),
    insert: () => after(ours, ITEM),
    batch: () => after(ours, ITEM, body),
  });
  const floor = { name: FLOOR.name, figures: figures.floor };
  const held = await heldAfter(ours, 100, rounds < 20 ? 200 : 10_000);
  const size = (file: string) => statSync(file).size / 1_000;
  return [
    { what: "resident after the first insert", unit: "MB", ours: figures.insert, floor, bar: 1.5 },
    { what: "resident after a batch of 6 MB", unit: "MB", ours: figures.batch, floor, bar: 4 },
    {
      what: "held after 10,000 warm inserts, garbage collected",
      unit: "MB",
      ours: [held.late],
      floor: { name: "after 100", figures: [held.early] },
      bar: 1.2,
    },
    { what: "bundle", unit: "kB", ours: [size(ours.bundle)], floor: undefined, bar: 700 },
    {
      what: "what the image adds to its base",
      unit: "kB",
      ours: [ours.shipped.reduce((sum, file) => sum + size(file), 0)],
      floor: undefined,
      bar: 3_000,
    },
  ];
}

/** What a container holds after some inserts and after many, MB. */
async function heldAfter(ours: Subject, few: number, many: number): Promise<{ early: number; late: number }> {
  const told: number[] = [];
  const heap = fileURLToPath(new URL("../platform/heap.cjs", import.meta.url));
  const subject = { ...ours, env: { ...ours.env, NODE_OPTIONS: `--expose-gc --require=${heap}` } };
  const container = await start(subject, (line) => {
    if (line.includes('"msg":"memory"')) told.push(JSON.parse(line).bytes / 1e6);
  });
  try {
    for (let n = 1; n <= many; n++) {
      await mustCall(container, ITEM);
      if (n !== few && n !== many) continue;
      const before = told.length;
      process.kill(container.pid, "SIGUSR2");
      await eventually(() => told.length > before, "the container to tell its memory");
    }
    const [early = Number.NaN, late = Number.NaN] = told;
    return { early, late };
  } finally {
    container.kill();
  }
}

export async function peers({ platform, ours, rounds, say }: Bench): Promise<Line[]> {
  const lines: Line[] = [];
  const items = JSON.stringify(rowsOf(1_000));
  for (const peer of peersFor(platform)) {
    if ("missing" in peer) {
      say(`left out: ${peer.name}: ${peer.missing}`);
      continue;
    }
    say(peer.name);
    const few = Math.max(1, Math.ceil(rounds / 4));
    const starts = await alternate(few, {
      ours: async () => (await coldStart(ours, ITEM)).answer,
      peer: async () => (await coldStart(peer, ITEM)).answer,
    });
    const [own, theirs] = await withContainer(ours, (container) =>
      withContainer(peer, async (other) => {
        const figures = [container, other].map(() => ({
          insert: [] as number[],
          batch: [] as number[],
          memory: [] as number[],
        }));
        // The peer may have its socket before it listens at it.
        for (let tries = 0; tries < 1_000; tries++) {
          if (
            await call(other, ITEM).then(
              () => true,
              () => false,
            )
          )
            break;
          await sleep(10);
        }
        for (let round = 0; round < rounds; round++) {
          for (const [index, each] of [container, other].entries()) {
            for (let n = 0; n < 20; n++) figures[index]?.insert.push(await mustCall(each, ITEM));
            if (round < few) figures[index]?.batch.push(await mustCall(each, items));
            figures[index]?.memory.push(residentOf(each));
          }
        }
        return figures;
      }),
    );
    const line = (what: string, unit: Line["unit"], one: number[] = [], figures: number[] = []): Line => {
      return { what, unit, ours: one, floor: { name: peer.name, figures }, bar: undefined };
    };
    lines.push(
      line("process start → first row stored", "ms", starts.ours, starts.peer),
      line("warm insert of one item", "ms", own?.insert, theirs?.insert),
      line("batch of 1,000", "ms", own?.batch, theirs?.batch),
      line("resident memory", "MB", own?.memory, theirs?.memory),
    );
  }
  return lines;
}
