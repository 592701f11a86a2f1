/**
 * When an error is a reason to read the secret again, which may name another host or password by now. "when connecting" is
 * for what can break a connection at any time: it speaks against the secret only while one is opened.
 */
type Reread = "always" | "when connecting" | "never";

/** A fault with the code by which the log names it. */
export type CodedFault = Fault & { code: string };

/** What an error of Vault or of the database means. */
export interface Fault {
  /** Where the error has none of its own. */
  code?: string;
  /** For the caller: safe to show. */
  detail: string;
  /** For the log: what mends it. */
  remedy: string;
  /** The same step may succeed on a new connection a little later. */
  again?: true;
  /** "when connecting" if absent. */
  reread?: Reread;
  /** The credentials are refused. A pooler may do so for seconds after they were changed, though they are right. */
  credentials?: true;
  /** For the caller: 503 if absent. */
  status?: 504;
}
