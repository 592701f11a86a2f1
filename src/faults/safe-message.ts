import { answerOf, ConnectError } from "./errors.ts";
import { poolerFaultOf } from "./pooler.ts";

/**
 * Of PostgreSQL's classes of errors those whose messages its sources make of names and numbers alone. Not 22 (values), 23
 * (the constraint's name is told apart), P0 (a trigger's words) and XX (anything).
 */
const WITHOUT_DATA = /^(0A|25|28|3D|3F|40|42|53|54|55|57|58)/;

/**
 * A server's message, where it can hold nothing that was sent and nothing of the secret. A trigger may raise an error of any
 * class with any words, and PostgreSQL then says where.
 */
export function safeMessageOf(error: unknown): string | undefined {
  // Nothing was sent yet but the credentials.
  if (error instanceof ConnectError) return error.said;
  const answer = answerOf(error);
  if (!answer || answer.where !== undefined) return undefined;
  if (!WITHOUT_DATA.test(answer.code)) return poolerFaultOf(answer)?.words;
  // A pooler may refuse a login as late as at the first statement, and then quotes the user's name.
  return /^(28|3D|53)/.test(answer.code) ? answer.message.replaceAll(/".*?"/g, '"…"') : answer.message;
}
