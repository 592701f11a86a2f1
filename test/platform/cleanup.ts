import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";

const undos = new Set<() => void>();

/**
 * Runs `undo` when this process ends in whatever way, or when the function returned is called; once. It must be
 * synchronous, since nothing else runs at the exit.
 */
export function cleanUp(undo: () => void): () => void {
  const once = () => {
    if (undos.delete(once)) undo();
  };
  undos.add(once);
  return once;
}

/** A process that is gone already is no fault. */
export function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch {}
}

/** Whether a process is gone, or never was. */
export function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

process.on("exit", () => {
  // Last opened, first undone; a fault of one must not keep the others.
  for (const undo of [...undos].reverse()) {
    try {
      undo();
    } catch (error) {
      console.error(error);
    }
  }
});
for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}
