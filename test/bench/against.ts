import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Container } from "../platform/container.ts";
import { type Platform, type PlatformOptions, startPlatform } from "../platform/platform.ts";
import { coldStart } from "./cold.ts";
import { buildOther } from "./other.ts";
import { callBlock, fullBody, INVALID, ITEM, rowsOf, WARMING } from "./parts.ts";
import { mustCall, residentOf, withContainer } from "./process.ts";
import { figure, type Line, median, quantile, tableOf } from "./stats.ts";
import { type Ours, oursFor } from "./subjects.ts";

/** A commit as it runs, and what it runs against. */
interface Side {
  platform: Platform;
  ours: Ours;
}

type Sides = readonly [own: Side, other: Side];

interface Pair {
  sides: Sides;
  rounds: number;
  say(progress: string): void;
}

/** A line of the results: a figure of each side in each round. */
interface Comparison extends Pick<Line, "what" | "unit"> {
  own: number[];
  other: number[];
}

const PARTS = { cold, warm, batch, memory };

export const COMPARED = Object.keys(PARTS);

const SCHEMA = fileURLToPath(new URL("../../src/schema.sql", import.meta.url));

/**
 * Measures this commit and another in one run, and tells the ratios as a table.
 *
 * @throws {RefError} when the other is not to be had
 */
export async function compare(
  ref: string,
  {
    parts,
    rounds,
    say,
    options,
  }: Pick<Pair, "rounds" | "say"> & { parts: readonly string[]; options: PlatformOptions },
): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const other = stack.adopt(await buildOther(ref, say), ({ stop }) => stop());
  const schema = join(other.folder, "src/schema.sql");
  const platform = stack.use(await startPlatform(options));
  // In one database what disturbs it disturbs both alike; where the tables differ, each has its own server.
  const alike = readFileSync(schema, "utf8") === readFileSync(SCHEMA, "utf8");
  if (!alike) say("the tables differ: a PostgreSQL for each");
  const elsewhere = alike
    ? platform
    : stack.use(await startPlatform({ ...options, postgres: { ...options.postgres, schema } }));
  const side = (on: Platform, root?: string): Side => {
    return { platform: on, ours: stack.adopt(oursFor(on, root), ({ stop }) => stop()) };
  };
  const sides: Sides = [side(platform), side(elsewhere, other.folder)];
  const all: Comparison[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (parts.includes(name)) all.push(...(await part({ sides, rounds, say })));
  }
  return tableOf(
    ["what", "this", other.name, `this / ${other.name}`],
    all.map(({ what, unit, own, other }) => {
      return [`${what}, ${unit}`, figure(median(own)), figure(median(other)), ratioOf(own, other)];
    }),
  );
}

/** The median of the rounds' ratios, with the quartiles below and above it. */
function ratioOf(own: number[], other: number[]): string {
  const ratios = own.map((value, round) => value / (other[round] ?? Number.NaN));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(3));
  return ratios.length > 1 ? `${middle} × (${low} to ${high})` : `${middle} ×`;
}

/**
 * Takes figures of each side in turn, some times a round, of which the round's is the median. Who was second goes first
 * the next time, so that each comes after the other as often as after itself.
 */
async function alternating<const W extends readonly string[]>(
  { sides, rounds }: Pair,
  times: number,
  unit: Line["unit"],
  whats: W,
  take: (side: Side) => Promise<{ [K in keyof W]: number }>,
): Promise<Comparison[]> {
  const lines = whats.map((what): Comparison => ({ what, unit, own: [], other: [] }));
  const often = rounds > 1 ? times : 1;
  for (let round = 0; round < rounds; round++) {
    const taken: [own: (readonly number[])[], other: (readonly number[])[]] = [[], []];
    for (let time = 0; time < often; time++) {
      const order = (round * often + time) % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      for (const index of order) taken[index].push(await take(sides[index]));
    }
    for (const [index, { own, other }] of lines.entries()) {
      own.push(median(taken[0].map((figures) => figures[index] ?? Number.NaN)));
      other.push(median(taken[1].map((figures) => figures[index] ?? Number.NaN)));
    }
  }
  return lines;
}

async function cold(pair: Pair): Promise<Comparison[]> {
  pair.say("cold starts");
  const whats = [
    "process start → socket ready",
    "process start → answer to an invalid item",
    "process start → first row stored",
  ] as const;
  return alternating(pair, 3, "ms", whats, async ({ ours }) => {
    const { socket, answer } = await coldStart(ours, INVALID);
    return [socket, answer, (await coldStart(ours, ITEM)).answer];
  });
}

async function warm(pair: Pair): Promise<Comparison[]> {
  pair.say("warm inserts");
  return withBoth(pair, async (containerOf) => {
    const block = async (side: Side): Promise<[number]> => [median(await callBlock(containerOf(side), () => ITEM))];
    const whats = ["warm insert of one item"] as const;
    for (let n = 0; n < WARMING; n++) for (const side of pair.sides) await block(side);
    return alternating(pair, 5, "ms", whats, block);
  });
}

async function batch(pair: Pair): Promise<Comparison[]> {
  pair.say("batches");
  return withBoth(pair, async (containerOf) => {
    const lines: Comparison[] = [];
    for (const [size, times] of [
      [10_000, 5],
      [50_000, 3],
    ] as const) {
      const body = Buffer.from(JSON.stringify(rowsOf(size)));
      lines.push(
        ...(await alternating(pair, times, "rows/s", [`batch of ${size.toLocaleString("en")}`], async (side) => {
          // As for the ordinary figures.
          await side.platform.postgres.query("TRUNCATE items; CHECKPOINT");
          return [(1_000 * size) / (await mustCall(containerOf(side), body))];
        })),
      );
    }
    return lines;
  });
}

async function memory(pair: Pair): Promise<Comparison[]> {
  pair.say("memory");
  const body = fullBody();
  const whats = ["resident after the first insert", "resident after a batch of 6 MB"] as const;
  const resident = await alternating(pair, 1, "MB", whats, ({ ours }) =>
    withContainer(ours, async (container) => {
      await mustCall(container, ITEM);
      const early = residentOf(container);
      await mustCall(container, body);
      return [early, residentOf(container)];
    }),
  );
  const [own, other] = pair.sides.map(({ ours }) => [statSync(ours.bundle).size / 1_000]) as [[number], [number]];
  return [...resident, { what: "bundle", unit: "kB", own, other }];
}

/** One container of each, for `work`, after its first insert. */
async function withBoth<T>({ sides }: Pair, work: (containerOf: (side: Side) => Container) => Promise<T>): Promise<T> {
  const [own, other] = sides;
  return withContainer(own.ours, (first) =>
    withContainer(other.ours, async (second) => {
      for (const container of [first, second]) await mustCall(container, ITEM);
      return work((side) => (side === own ? first : second));
    }),
  );
}
