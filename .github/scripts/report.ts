import { appendFileSync } from "node:fs";

/** A reason to stop that its reader can mend: the message says what is wrong and what to do. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** All that is wrong at once, a line each. */
export class Faults extends Refusal {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`Nothing was changed. To mend first:${faults.map((fault) => `\n  - ${fault}`).join("")}`);
    this.faults = faults;
  }
}

/** Progress. It goes to stderr: stdout is for what a command returns. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What a run did: a line of GitHub's summary page as well, where there is one. */
export function report(text: string): void {
  say(text);
  writeSummary(`- ${text.replaceAll("\n", "\n  ")}`);
}

/** What does not stop the run, and should be looked at. */
export function warn(text: string): void {
  say(`! ${text}`);
  writeSummary(`- **${text}**`);
  annotate("warning", text);
}

/** Lines that the summary page shows as they are. */
export function reportLines(lines: readonly string[]): void {
  for (const line of lines) say(line);
  writeSummary(["", "```", ...lines, "```", ""].join("\n"));
}

/** Runs a command. Whatever it throws, wherever it was thrown, is told on stderr and on GitHub, and the exit code is 1. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.exitCode = 1;
    const text = error instanceof Refusal ? error.message : `This is a defect of the script: ${(error as Error).stack}`;
    say(`✖ ${text}`);
    annotate("error", text);
  }
}

function writeSummary(text: string): void {
  if (process.env.GITHUB_STEP_SUMMARY) appendFileSync(process.env.GITHUB_STEP_SUMMARY, `${text}\n`);
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands */
function annotate(level: "error" | "warning", text: string): void {
  if (!process.env.GITHUB_ACTIONS) return;
  const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  process.stdout.write(`::${level}::${escaped}\n`);
}
