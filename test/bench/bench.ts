import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startPlatform } from "../platform/platform.ts";
import { COMPARED, compare } from "./against.ts";
import { chartOf } from "./chart.ts";
import { keys } from "./keys.ts";
import { RefError } from "./other.ts";
import { batch, cold, memory, peers, warm } from "./parts.ts";
import { figure, type Line, median, meets, quantile, ratioOf, tableOf } from "./stats.ts";
import { oursFor } from "./subjects.ts";
import { tracing } from "./tracing.ts";

const PARTS = { cold, warm, batch, keys, tracing, memory, peers };
const USAGE = `Usage: npm run bench -- [${Object.keys(PARTS).join("|")}]… [--smoke]
       npm run bench -- --against COMMIT [${COMPARED.join("|")}]… [--smoke]`;

const { asked, against, smoke } = readArguments();
const rounds = smoke ? 1 : 24;
const say = (progress: string) => console.error(`… ${progress}`);
// Unlike the tests' own, it keeps what it was told, as users' databases do.
const options = { postgres: { flags: ["-c", "fsync=on", "-c", "full_page_writes=on"] } };

if (against !== undefined) {
  const parts = asked.length > 0 ? asked : COMPARED;
  const table = await compare(against, { parts, rounds, say, options }).catch((error) => {
    if (error instanceof RefError) refuse(error.message);
    throw error;
  });
  console.log(table);
  process.exit();
}

await using platform = await startPlatform(options);
const ours = oursFor(platform);
const bench = { platform, ours, rounds, say };
const lines: Line[] = [];
for (const [name, measure] of Object.entries(PARTS)) {
  if (asked.length === 0 || asked.includes(name)) lines.push(...(await measure(bench)));
}
ours.stop();

const table = resultsOf(lines);
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

function readArguments() {
  try {
    const flags = { against: { type: "string" }, smoke: { type: "boolean", default: false } } as const;
    const { values, positionals: asked } = parseArgs({ options: flags, allowPositionals: true });
    const { against, smoke } = values;
    const known = against === undefined ? Object.keys(PARTS) : COMPARED;
    const wrong = asked.filter((name) => !known.includes(name));
    if (wrong.length > 0) throw new Error(`There is no part ${wrong.join(", ")}`);
    return { asked, against, smoke };
  } catch (error) {
    refuse(`${(error as Error).message}. ${USAGE}`);
  }
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

function resultsOf(all: readonly Line[]): string {
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
  return tableOf(["what", "postgres-inserter", "against", "ratio", "bar"], rows);
}
