import { execFile, execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** PostgreSQL's own programs, of the PATH or of Debian's folder. @throws {Error} naming the one that is missing */
function program(name: string): string {
  for (const path of [name, ...globSync(`/usr/lib/postgresql/*/bin/${name}`)]) {
    try {
      execFileSync(path, ["--version"], { stdio: "ignore" });
      return path;
    } catch {}
  }
  throw new Error(
    `${name} is missing: it is the floor here (Debian: apt-get install postgresql-client postgresql-contrib)`,
  );
}

/** Milliseconds of each of many prepared one-row inserts, one after another. */
export async function pgbench(url: string, count: number): Promise<number[]> {
  const folder = mkdtempSync("/tmp/inserter-pgbench-");
  try {
    const script = join(folder, "insert.sql");
    writeFileSync(
      script,
      "INSERT INTO items (name, description) VALUES ('name', 'description') RETURNING id, created_at;\n",
    );
    const args = [
      "--no-vacuum",
      "--protocol=prepared",
      "--client=1",
      `--transactions=${count}`,
      "--log",
      `--file=${script}`,
    ];
    await run(program("pgbench"), [...args, url], { cwd: folder });
    const lines = globSync("pgbench_log.*", { cwd: folder }).flatMap((log) =>
      readFileSync(join(folder, log), "utf8").trim().split("\n"),
    );
    // The third column: microseconds.
    return lines.map((line) => Number(line.split(" ")[2]) / 1_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds that psql's \copy of rows takes: as a command, from its start to its end, and by its own clock (\timing). */
export async function copy(
  url: string,
  rows: { name: string; description: string }[],
): Promise<{ command: number; copying: number }> {
  const folder = mkdtempSync("/tmp/inserter-copy-");
  try {
    const file = join(folder, "rows");
    writeFileSync(file, rows.map(({ name, description }) => `${name}\t${description}\n`).join(""));
    const args = [
      "--no-psqlrc",
      "--quiet",
      "-c",
      "\\timing on",
      "-c",
      `\\copy items (name, description) FROM '${file}'`,
    ];
    const psql = program("psql");
    const started = performance.now();
    const { stdout } = await run(psql, [...args, url]);
    return { command: performance.now() - started, copying: Number(/Time: ([\d.]+) ms/.exec(stdout)?.[1]) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
