/** An error of the Secrets service or of the way to it; `cause` is what the SDK threw. */
export class VaultError extends Error {
  override readonly name = "VaultError";
}

/** An error of the database or of the connection to it; `cause` is what pg threw. */
export class PostgresError extends Error {
  override readonly name: string = "PostgresError";
}

/** An error while the connection was opened. */
export class ConnectError extends PostgresError {
  override readonly name = "ConnectError";
  /** What was said of it, without what is secret. */
  readonly said: string | undefined;

  constructor(cause: unknown, said?: string) {
    super("the database cannot be connected to", { cause });
    this.said = said;
  }
}

/** What the server sent is not PostgreSQL's protocol, or is not to be kept. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The table cannot store a row, or not for certain once. `code` is a word of ours, explained in diagnosis.ts, or a SQLSTATE. */
export class TableError extends Error {
  override readonly name = "TableError";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** What PostgreSQL tells of an error: https://www.postgresql.org/docs/current/protocol-error-fields.html */
export interface Answer {
  code: string;
  message: string;
  schema?: string | undefined;
  table?: string | undefined;
  column?: string | undefined;
  constraint?: string | undefined;
  /** May hold the row's values: read, and never told. */
  detail?: string;
  /** The functions that were running, such as a trigger's. May hold values as well. */
  where?: string;
  /** The function of the server's source that reported it. */
  routine?: string;
}

/** What the database answered; undefined for an error that is not its answer. */
export function answerOf(error: unknown): Answer | undefined {
  if (!isAnswer(error)) return undefined;
  const answer = error.cause as Answer;
  // Whoever raises an error may write anything for a name, such as a value. An Error's message is not copied by a spread.
  return isRaised(answer) ? { ...answer, message: answer.message, ...NAMELESS } : answer;
}

const NAMELESS = { table: undefined, column: undefined, constraint: undefined };

/** Whether the database itself reported the error, and so is done with the statement; else it may be at work on it still. */
export function isAnswer(error: unknown): error is PostgresError {
  if (!(error instanceof PostgresError)) return false;
  const { severity, code, message } = Object(error.cause);
  return [severity, code, message].every((field) => typeof field === "string");
}

/** Whether the error came up in a function that a trigger calls, and not in the statement itself: in whatever language it says so. */
export function isOfFunction({ where = "" }: Answer): boolean {
  return /PL\/|(?<![\w.])SQL(?!\w)/.test(where);
}

/** Whether such a function raised it, with a SQLSTATE of its choice. */
export function isRaised({ routine }: Answer): boolean {
  return routine === "exec_stmt_raise";
}

/** The function that met the error, as PostgreSQL names it. */
export function functionOf({ where = "" }: Answer): string | undefined {
  return /^PL\/\w+ function ([\w."]+)\(/m.exec(where)?.[1];
}
