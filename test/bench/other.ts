import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cleanUp, kill, remove } from "../platform/cleanup.ts";

/** Another commit of this repository, built. */
export interface Other {
  /** The commit, in short. */
  name: string;
  folder: string;
  stop(): void;
}

/** What a person who named a commit has to be told. */
export class RefError extends Error {
  override readonly name = "RefError";
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** For each command; the longest installs packages. Milliseconds. */
const LIMIT = 300_000;

/**
 * Builds another commit in a folder of its own, with its own build and, where it wants others, its own packages.
 *
 * @throws {RefError} when there is no such commit, or it does not build
 */
export async function buildOther(ref: string, say: (progress: string) => void): Promise<Other> {
  const commit = await run(ROOT, "git", "rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`).catch(
    (error) => {
      throw new RefError(`There is no commit ${ref} here: ${reasonOf(error)}`);
    },
  );
  const name = commit.slice(0, 7);
  const scratch = mkdtempSync("/tmp/inserter-other-");
  const stop = cleanUp(() => remove(scratch));
  say(`building ${name} in ${scratch}`);
  try {
    const folder = join(scratch, name);
    const archive = join(scratch, "archive.tar");
    mkdirSync(folder);
    // A worktree would be left in .git when this process is killed.
    await run(ROOT, "git", "archive", `--output=${archive}`, commit);
    await run(folder, "tar", "-xf", archive);
    if (read(folder, "package-lock.json") === read(ROOT, "package-lock.json")) {
      symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    } else {
      // As the image is built: what their install scripts fetch, development needs alone.
      await run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
    }
    await run(folder, process.execPath, "build.ts");
    return { name, folder, stop };
  } catch (error) {
    stop();
    throw new RefError(`${name} cannot be built: ${reasonOf(error)}`);
  }
}

const read = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");

/** What a command wrote. It ends with this process, for else it would go on in a folder that is gone. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const running = promisify(execFile)(command, args, { cwd, env, timeout: LIMIT });
  const end = cleanUp(() => kill(running.child.pid, "SIGTERM"));
  try {
    return (await running).stdout.trim();
  } finally {
    end();
  }
}

/** A command's own words, else that it could not be run. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return stderr?.trim() || message;
}
