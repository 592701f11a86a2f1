import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { startPlatform } from "../platform/platform.ts";
import { chartOf } from "./chart.ts";
import { batch, cold, memory, peers, warm } from "./parts.ts";
import { type Line, median, meets, quantile, ratioOf } from "./stats.ts";
import { oursFor } from "./subjects.ts";

const PARTS = { cold, warm, batch, memory, peers };
const smoke = process.argv.includes("--smoke");
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const wrong = asked.filter((name) => !Object.hasOwn(PARTS, name));
if (wrong.length > 0) {
  console.error(
    `There is no part ${wrong.join(", ")}. Usage: npm run bench -- [${Object.keys(PARTS).join("|")}]… [--smoke]`,
  );
  process.exit(2);
}

const say = (progress: string) => console.error(`… ${progress}`);
// Unlike the tests' own, it keeps what it was told, as users' databases do.
await using platform = await startPlatform({ postgres: { flags: ["-c", "fsync=on", "-c", "full_page_writes=on"] } });
const ours = oursFor(platform);
const bench = { platform, ours, rounds: smoke ? 1 : 24, say };
const lines: Line[] = [];
for (const [name, measure] of Object.entries(PARTS)) {
  if (asked.length === 0 || asked.includes(name)) lines.push(...(await measure(bench)));
}
ours.stop();

const table = tableOf(lines);
console.log(table);
if (!smoke && asked.length === 0) {
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const machine = `Node.js ${process.version}, PostgreSQL ${platform.postgres.version}, ${cpus().length} × ${cpus()[0]?.model}`;
  const how =
    "Medians (10th to 90th percentile), all in one run, alternating. The ratio is what counts: absolute times are the machine's.";
  writeFileSync(here("RESULTS.md"), `# Results of \`npm run bench\`\n\n${machine}\n\n${how}\n\n${table}\n`);
  writeFileSync(here("chart.svg"), chartOf(lines));
  say("RESULTS.md and chart.svg written");
}

function tableOf(all: readonly Line[]): string {
  const figure = (value: number) => (value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));
  const spread = (values: readonly number[]) =>
    values.length > 1
      ? `${figure(median(values))} (${figure(quantile(values, 0.1))} to ${figure(quantile(values, 0.9))})`
      : figure(median(values));
  const rows = all.map((line) => {
    const { what, unit, ours, floor, bar } = line;
    const bound =
      bar === undefined ? "" : `${unit === "rows/s" ? "≥" : "≤"} ${bar}${floor ? " ×" : ""} ${meets(line) ? "✔" : "✖"}`;
    const ratio = floor ? `${ratioOf(line).toFixed(2)} ×` : "";
    return [`${what}, ${unit}`, spread(ours), floor ? `${spread(floor.figures)}, ${floor.name}` : "", ratio, bound];
  });
  const head = ["what", "postgres-inserter", "against", "ratio", "bar"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
