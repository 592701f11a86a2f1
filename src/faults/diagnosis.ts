import { TimeoutError } from "../deadline.ts";
import { isBeside } from "../names.ts";
import { answerOf, ConnectError, functionOf, PostgresError, TableError, VaultError } from "./errors.ts";
import type { CodedFault, Fault } from "./fault.ts";
import { faultOfNetwork, TIMEOUTS } from "./network.ts";
import { poolerFaultOf } from "./pooler.ts";
import { safeMessageOf } from "./safe-message.ts";
import { bySqlstate, faultOfAnswer } from "./sqlstates.ts";
import { faultOfVault } from "./vault.ts";

/** The fault that an error is. */
interface Diagnosis extends Omit<CodedFault, "reread"> {
  /** A SQLSTATE, Vault's status, Node.js's code, or a word of ours where there is none. */
  code: string;
  /** Whether the secret is to be read again. */
  reread: boolean;
  /** What the server names, and its message where that can hold no data. */
  names: { [name in "table" | "column" | "constraint" | "function" | "message"]?: string | undefined };
}

/** What no SQLSTATE says. */
const BY_TABLE: Readonly<Record<string, Fault>> = {
  NO_KEY: {
    detail: "The table has no id that is there once only.",
    remedy: "make id alone the primary key: a row that was stored cannot be told from one that was not otherwise",
  },
  NO_SEQUENCE: {
    detail: "The table does not count its ids.",
    remedy: "make id a serial or an identity column, as src/schema.sql does",
  },
  NOT_STORED: {
    detail: "The table did not store what it was given.",
    remedy:
      "look at its triggers and rules: one keeps rows away (RETURN NULL) or gives them another id; let it do neither, or name the table behind it in src/table.ts",
  },
  IDS_USED: {
    detail: "The table uses ids that the function does not see.",
    remedy: "let the function's user see all rows (row-level security), or set the sequence behind the largest id",
  },
  NO_POLICY: {
    code: "42501",
    detail: "Row-level security keeps the function's user from the table.",
    remedy: "create policies that let the user select and insert every row",
  },
};

/** A rule on one of the tables that only the function writes. */
const BESIDE: Fault = {
  detail: "A table of keys or of rejected messages refuses what the function writes.",
  remedy: "let that table be as src/schema.sql makes it: drop the constraint or the column that it has besides",
};

/** What an error means, or undefined for one that is a defect of ours. */
export function diagnose(error: unknown): Diagnosis | undefined {
  const fault = faultOf(error);
  if (!fault) return undefined;
  const { reread = "when connecting" } = fault;
  const answer = answerOf(error);
  const { table, column, constraint } = answer ?? {};
  return {
    ...fault,
    names: { table, column, constraint, function: answer && functionOf(answer), message: safeMessageOf(error) },
    reread: reread === "always" || (reread === "when connecting" && error instanceof ConnectError),
  };
}

function faultOf(error: unknown): CodedFault | undefined {
  if (error instanceof TimeoutError) return { code: "TIMEOUT", again: true, status: 504, ...TIMEOUTS[error.of] };
  if (error instanceof TableError) return { code: error.code, ...(BY_TABLE[error.code] ?? bySqlstate(error.code)) };
  if (error instanceof VaultError) return faultOfVault(Object(error.cause));
  if (error instanceof PostgresError) return faultOfPostgres(error);
  return undefined;
}

function faultOfPostgres(error: PostgresError): CodedFault {
  const answer = answerOf(error);
  const connecting = error instanceof ConnectError;
  if (!answer) return faultOfNetwork(Object(error.cause), connecting);
  if (/^2[23]/.test(answer.code) && isBeside(answer)) return { code: answer.code, ...BESIDE };
  // The one error of row-level security that is no lack of a right.
  const isPolicy = answer.code === "42501" && answer.routine === "ExecWithCheckOptions";
  const fault = isPolicy ? BY_TABLE.NO_POLICY : (poolerFaultOf(answer)?.fault ?? faultOfAnswer(answer, connecting));
  return { code: answer.code, ...(fault as Fault) };
}
