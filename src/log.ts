import { format } from "node:util";

/** From the one that says most to the one that says least. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

export type Log = Record<Level, (msg: string, fields?: object) => void>;

/**
 * LOG_LEVEL, "info" where it is unset or unknown. Read apart from the rest of the configuration, since the log must be
 * there to tell what is wrong with that; loadConfig refuses an unknown level.
 */
export function readLevel(env: NodeJS.ProcessEnv): Level {
  return LEVELS.find((level) => level === env.LOG_LEVEL) ?? "info";
}

/** Writes one JSON object a line to stdout, as OCI Logging takes it; lines below `threshold` are dropped. */
export function createLog(threshold: Level, context: object): Log {
  const write =
    (level: Level) =>
    (msg: string, fields: object = {}) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(threshold)) return;
      process.stdout.write(
        `${JSON.stringify({ time: new Date().toISOString(), level, msg, ...context, ...fields })}\n`,
      );
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/**
 * Replaces the console's methods for the whole process, until the next invocation replaces them: the FDK and the OCI SDK
 * report each failed step there as plain text. It repeats what the closing line of the invocation says, so it becomes
 * lines of level "debug" with the invocation's callId.
 */
export function captureConsole(log: Log): void {
  const capture = (...args: unknown[]) => log.debug(format(...args));
  Object.assign(console, { log: capture, info: capture, warn: capture, error: capture });
}
