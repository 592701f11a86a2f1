import type { Answer } from "../oci/cli.ts";
import type { CliError } from "../oci/cli-error.ts";

/** One line of the doctor: in order, wrong, or not to be told from here. */
export interface Finding {
  mark: "✔" | "✖" | "?";
  what: string;
  /** What mends it, line by line; each ✖ has it. */
  mend?: string[];
  /** The function could not answer if this were so. */
  vital?: true;
}

export function ok(what: string): Finding {
  return { mark: "✔", what };
}

export function bad(what: string, ...mend: [string, ...string[]]): Finding {
  return { mark: "✖", what, mend };
}

/** As bad, of what the function cannot do without. */
export function missing(what: string, ...mend: [string, ...string[]]): Finding {
  return { mark: "✖", what, mend, vital: true };
}

export function unknown(what: string, why: string): Finding {
  return { mark: "?", what: `${what}: ${why}` };
}

/** Judges a fact, where it could be read. */
export function look<T>(what: string, answer: Answer<T> | undefined, judge: (data: T) => Finding[]): Finding[] {
  if (answer === undefined) return [unknown(what, "what it depends on is missing")];
  return "error" in answer ? [unknown(what, reasonOf(answer.error))] : judge(answer.data);
}

export function reasonOf({ status, code, message }: CliError): string {
  if (status === 404 || status === 403) return `not permitted to look, or not there (${code})`;
  // A message of a schema has marks of its own.
  return [code, message.replaceAll(/[✔✖] ?/g, "")].filter(Boolean).join(": ");
}

/** The data of a fact that could be read. */
export function dataOf<T>(answer: Answer<T> | undefined): T | undefined {
  return answer && "data" in answer ? answer.data : undefined;
}

/** Maps the data of a fact. */
export function within<T, U>(answer: Answer<T>, map: (data: T) => U): Answer<U> {
  return "error" in answer ? answer : { data: map(answer.data) };
}

/** A function that answers has what it needs, whatever could not be found. */
export function believe(findings: readonly Finding[], healthy: boolean): Finding[] {
  return findings.map((finding) =>
    healthy && finding.vital
      ? unknown(
          finding.what,
          "yet the function answers its health check, so it has another way, or a container from before",
        )
      : finding,
  );
}

/** As they are shown, the mend below what it mends. */
export function print(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ mark, what, mend }) => [
    `${mark} ${plain(what)}`,
    ...(mend ?? []).map((line) => `    ${plain(line)}`),
  ]);
}

/** Names come from others: a line stays one line. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}
