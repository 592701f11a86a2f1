import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Table } from "../src/columns.ts";
import { cleanUp, remove } from "./platform/cleanup.ts";
import type { PlatformOptions } from "./platform/platform.ts";

const ROOT = new URL("..", import.meta.url);

/** For a bundle to be built, on a busy machine. Milliseconds. */
const BUILD_LIMIT = 120_000;

/** A table that tests fill: as the function knows it, and as SQL names it. */
export interface Sample {
  table: Table;
  relation: string;
  /** What makes a platform for it. */
  options: Pick<PlatformOptions, "functions" | "postgres">;
}

/** The table of a folder's `table.ts` and `schema.sql`, with a function built for it: of `src/` the one that ships. */
export async function sampleOf(folder: "src" | `test/${string}`): Promise<Sample> {
  const file = new URL(`${folder}/table.ts`, ROOT);
  const { table } = (await import(file.href)) as { table: Table };
  const relation = [table.schema ?? [], table.name].flat().map(quoted).join(".");
  const postgres = { schema: new URL(`${folder}/schema.sql`, ROOT) };
  if (folder === "src") return { table, relation, options: { postgres } };
  return { table, relation, options: { postgres, functions: { command: [process.execPath, bundleOf(file)] } } };
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Gone when the process ends. */
function bundleOf(table: URL): string {
  const folder = mkdtempSync("/tmp/inserter-bundle-");
  cleanUp(() => remove(folder));
  const bundle = join(folder, "func.js");
  execFileSync(process.execPath, ["build.ts", fileURLToPath(table), bundle], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: BUILD_LIMIT,
  });
  return bundle;
}
