import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { styleText } from "node:util";
import type { Span } from "./collector.ts";
import type { Delivery } from "./hub.ts";
import { UserError } from "./port.ts";

type Style = Parameters<typeof styleText>[0];

/** Colours where a terminal shows them; NO_COLOR and pipes get plain text. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** As a shell takes it for one word. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Runs a program for a person: what they can mend is one line, and the exit code 1. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.exitCode = 1;
    console.error(error instanceof UserError ? error.message : error);
  }
}

/** The bytes as they are, which the function judges. @throws {UserError} when the file is missing, or UTF-8 and not JSON */
export function readPayload(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`Cannot read ${file} (${code}). Name a file that holds an item: npm run demo -- my-item.json`);
  }
  try {
    if (isUtf8(bytes)) JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${(error as Error).message}. Mend it, or name another file.`);
  }
  return bytes;
}

const LONGEST_CELL = 48;

const textOf = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** As psql draws one, long cells cut. */
export function drawTable(rows: readonly Record<string, unknown>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cell = (value: unknown) => {
    const text = value instanceof Date ? value.toISOString() : value === null ? "" : textOf(value);
    const line = text.replaceAll(/\s/g, " ");
    return line.length > LONGEST_CELL ? `${line.slice(0, LONGEST_CELL - 1)}…` : line;
  };
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const draw = (row: string[]) => row.map((text, index) => ` ${text.padEnd(widths[index] ?? 0)} `).join("│");
  const rule = widths.map((width) => "─".repeat(width + 2)).join("┼");
  return [paint("bold", draw(columns)), rule, ...cells.map(draw)].join("\n");
}

/** A try of Connector Hub to deliver, for reading. @param from what the messages come from */
export function drawDelivery(from: string, { messages, attempt, code, milliseconds }: Delivery): string {
  const what = `Connector Hub: ${messages} of ${from}${attempt > 1 ? `, try ${attempt}` : ""}`;
  return `${paint("cyan", "→")} ${what}, ${code ?? "delivered"} in ${Math.round(milliseconds)} ms`;
}

/** The spans of an invocation, each in the one that it is a part of, for reading. */
export function drawTrace(spans: readonly Span[]): string {
  const [first] = spans;
  const lines = spans.map(({ parentId, name, duration, tags }) => {
    const isPart = spans.some(({ id }) => id === parentId);
    const named = `${isPart ? "  " : ""}${name}`.padEnd(12);
    const told = Object.entries(tags).map(([key, value]) => `${paint("dim", `${key}=`)}${value}`);
    return `  ${named} ${(duration / 1_000).toFixed(1).padStart(7)} ms  ${told.join(" ")}`.trimEnd();
  });
  return [`${paint("cyan", "◷")} trace ${first?.traceId} of ${first?.localEndpoint.serviceName}`, ...lines].join("\n");
}

/** A line of the function's log, for reading. */
export function drawLogLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  const { time, level, msg, ...rest } = entry;
  const style: Style = level === "error" ? "red" : level === "warn" ? "yellow" : "green";
  const fields = Object.entries(rest).map(([key, value]) => {
    return `${paint("dim", `${key}=`)}${typeof value === "string" ? value : JSON.stringify(value)}`;
  });
  return [paint("dim", String(time).slice(11, 23)), paint(style, String(level)), msg, ...fields].join(" ");
}
