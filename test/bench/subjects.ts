import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cleanUp, remove } from "../platform/cleanup.ts";
import type { Platform } from "../platform/platform.ts";
import type { Subject } from "./process.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const node = process.execPath;

/** The official FDK with an empty handler: what cannot be beaten. */
export const FLOOR: Subject = { name: "bare FDK", command: [node, here("floor.cjs")] };

/** FDK, driver and one prepared INSERT, and nothing else. */
export const leastFor = ({ postgres }: Platform): Subject => {
  return {
    name: "FDK + pg, one prepared INSERT and nothing else",
    command: [node, here("least.cjs")],
    env: { DATABASE_URL: postgres.url },
  };
};

export interface Ours extends Subject {
  bundle: string;
  /** V8's code cache. */
  cache: string;
  /** All files that the image adds to its base. */
  shipped: string[];
  stop(): void;
}

/** The function as the image has it: the bundle, with V8's code cache; of this folder, or of another that is built. */
export function oursFor(platform: Platform, root = here("../..")): Ours {
  const folder = mkdtempSync("/tmp/inserter-bench-");
  const stop = cleanUp(() => remove(folder));
  const bundle = join(root, "dist/func.js");
  const start = join(folder, "start.cjs");
  const cache = join(folder, "func.js.cache");
  copyFileSync(bundle, join(folder, "func.js"));
  copyFileSync(join(root, "src/start.cjs"), start);
  execFileSync(node, [join(root, "compile-cache.cjs"), folder], { stdio: "pipe", timeout: 120_000 });
  return {
    name: "postgres-inserter",
    command: [node, ...argumentsOf(root, folder)],
    env: environmentOf(platform),
    bundle,
    cache,
    shipped: [bundle, `${bundle}.map`, join(root, "dist/LICENSES.txt"), start, cache],
    stop,
  };
}

/** What the image has Node.js run, and with which flags. */
function argumentsOf(root: string, folder: string): string[] {
  const [, command = "[]"] = /^CMD (\[.*\])$/m.exec(readFileSync(join(root, "Dockerfile"), "utf8")) ?? [];
  return (JSON.parse(command) as string[]).map((argument) => argument.replace(/^\/function(?=\/)/, folder));
}

/** What users would pick instead; those whose tools are missing are named with the reason. */
export function peersFor(platform: Platform): (Subject | { name: string; missing: string })[] {
  const env = environmentOf(platform);
  const python = process.env.BENCH_PYTHON ?? "python3";
  const name = "Python: FastAPI, uvicorn, psycopg_pool, OCI SDK";
  const plain = {
    name: "plain Node.js: node_modules, all loaded at the top",
    command: [node, here("peers/plain/func.cjs")],
    env,
  };
  try {
    execFileSync(python, ["-c", "import fastapi, uvicorn, psycopg_pool, oci"], { stdio: "ignore", timeout: 60_000 });
  } catch {
    const missing = `${python} has not the packages of test/bench/peers/python/requirements.txt (BENCH_PYTHON names another)`;
    return [plain as Subject, { name, missing }];
  }
  // As the record's Dockerfile starts it, on the platform's socket.
  const serve = `cd ${here("peers/python")} && exec ${python} -m uvicorn main:app --log-level warning --uds "\${FN_LISTENER#unix:}"`;
  return [plain as Subject, { name, command: ["/bin/sh", "-c", serve], env }];
}

function environmentOf(platform: Platform): Record<string, string> {
  return { ...platform.principal.env, ...platform.functions.options.config, LOG_LEVEL: "info" };
}
