import { format } from "node:util";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

export type Log = Record<Level, (msg: string, fields?: object) => void>;

/** Writes one JSON object a line to stdout, as OCI Logging takes it. An unknown level counts as "info". */
export function createLog(level: string | undefined, context: object = {}): Log {
  const from = LEVELS.indexOf(LEVELS.find((known) => known === level) ?? "info");
  const write =
    (level: Level) =>
    (msg: string, fields: object = {}) => {
      if (LEVELS.indexOf(level) < from) return;
      process.stdout.write(
        `${JSON.stringify({ time: new Date().toISOString(), level, msg, ...context, ...fields })}\n`,
      );
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/**
 * The FDK and the OCI SDK report each failed step as plain text on the console. It repeats what the closing line of the
 * invocation says, so it becomes lines of level "debug".
 */
export function captureConsole(log: Log): void {
  const capture = (...args: unknown[]) => log.debug(format(...args));
  Object.assign(console, { log: capture, info: capture, warn: capture, error: capture });
}
