/** What can be told of a question from here. */
export type Verdict = "yes" | "no" | "unknown";

export function verdict(answer: boolean): Verdict {
  return answer ? "yes" : "no";
}

/** One no is a no, whatever else cannot be told. */
export function all(verdicts: readonly Verdict[]): Verdict {
  return verdicts.find((one) => one === "no") ?? verdicts.find((one) => one === "unknown") ?? "yes";
}

/** One yes is a yes, whatever else cannot be told. */
export function any(verdicts: readonly Verdict[]): Verdict {
  return verdicts.find((one) => one === "yes") ?? verdicts.find((one) => one === "unknown") ?? "no";
}

export function not(verdict: Verdict): Verdict {
  return ({ yes: "no", no: "yes", unknown: "unknown" } as const)[verdict];
}
