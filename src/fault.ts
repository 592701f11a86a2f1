/**
 * When an error is a reason to read the secret again, which may name another host or password by now. "when connecting" is
 * for what can break a connection at any time: it speaks against the secret only while one is opened.
 */
export type Reread = "always" | "when connecting" | "never";

/** What an error of Vault or of the database means. */
export interface Fault {
  /** Where no other says it. */
  code?: string;
  /** For the caller: safe to show. */
  detail: string;
  /** For the log: what mends it. */
  remedy: string;
  /** The same step may succeed on a new connection a little later. */
  again?: true;
  /** "when connecting" if absent. */
  reread?: Reread;
  /** The credentials are refused, as a pooler may do for seconds with those that are right since a moment ago. */
  credentials?: true;
  /** For the caller: 503 if absent. */
  status?: 504;
}
