/** The middle of some figures. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** To three digits. */
export function figure(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

/** In Markdown. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Runs all variants in turn, as often as asked, so that what disturbs the machine disturbs all alike; `before` each, untimed. */
export async function alternate<K extends string | number>(
  rounds: number,
  variants: Record<K, () => Promise<number>>,
  before: () => Promise<unknown> = async () => undefined,
): Promise<Record<K, number[]>> {
  const figures = Object.fromEntries(Object.keys(variants).map((name) => [name, [] as number[]])) as Record<
    K,
    number[]
  >;
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(variants) as K[]) {
      await before();
      figures[name].push(await variants[name]());
    }
  }
  return figures;
}

/** A line of the results. */
export interface Line {
  what: string;
  unit: "ms" | "MB" | "rows/s" | "µs a row" | "kB";
  ours: number[];
  floor: { name: string; figures: number[] } | undefined;
  /** Ours over the floor may be at most this; for rows a second, at least. For lines without a floor, the figure itself. */
  bar: number | undefined;
}

/** Ours over the floor, both by their medians; without a floor, ours. */
export function ratioOf({ ours, floor }: Line): number {
  return floor ? median(ours) / median(floor.figures) : median(ours);
}

export function meets(line: Line): boolean | undefined {
  if (line.bar === undefined) return undefined;
  return line.unit === "rows/s" ? ratioOf(line) >= line.bar : ratioOf(line) <= line.bar;
}
