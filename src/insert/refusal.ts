import type { Item } from "../delivery/items.ts";
import { type Answer, answerOf, functionOf, isOfFunction, isRaised } from "../faults/errors.ts";
import { isBeside } from "../names.ts";
import { Problem, pointer } from "../problem.ts";
import { table } from "../table.ts";
import { type Id, idOf } from "./ids.ts";
import { accepted } from "./statements.ts";

/** By SQLSTATE or its class: why the table refuses a row. */
const REFUSALS: Readonly<Record<string, [status: 409 | 422, detail: string]>> = {
  "22": [422, "is not what the table can hold"],
  "23": [422, "breaks a rule of the table"],
  "23502": [422, "must not be null"],
  "23503": [422, "refers to a row that is not there"],
  "23505": [409, "is in another row already"],
  "23514": [422, "breaks a check of the table"],
  "23P01": [409, "conflicts with another row"],
  "44000": [422, "breaks the check of a view"],
  "54000": [422, "is too large for the table or an index"],
  P0: [422, "is refused by a trigger"],
};

/** Classes of what may pass, or says nothing of the row, even where a trigger raises it. */
const NO_REFUSAL = /^(08|40|53|55|57|58|XX)/;

/** A row that the table refuses, or another forbids. */
export interface Refusal {
  status: 409 | 422;
  /** Which item; undefined where PostgreSQL does not let know. */
  item: number | undefined;
  /** Which of its columns, where it is one of those that an item brings. */
  path: readonly string[];
  /** With the constraint's, the column's or the function's name. */
  detail: string;
  logged: object;
}

/**
 * The caller's part in a statement that failed. Undefined where another insert would fail as well, which is the operator's to
 * mend.
 */
export function refusalOf(error: unknown, items: readonly Item[], ids: readonly Id[]): Refusal | undefined {
  const answer = answerOf(error);
  const refusal = answer && refusalBy(answer);
  if (!refusal || isForOperator(answer)) return undefined;
  const [status, detail] = refusal;
  const { code, constraint, column, table: name } = answer;
  const { index, key } = placeOf(answer, items, ids);
  const logged = { code, table: name, constraint, column };
  return { status, item: index, path: key, detail: `${detail}${nameOf(answer)}`, logged };
}

/** @param message gives the index in the body of an item; absent where the body is the item */
export function problemOf(
  { status, item, path, detail, logged }: Refusal,
  message?: (item: number) => number,
): Problem {
  const isUnknown = message !== undefined && item === undefined;
  const place = message === undefined || item === undefined ? [] : [message(item)];
  return new Problem(status, `The table refused the ${message ? "batch" : "item"}, and nothing was stored.`, {
    errors: [
      {
        pointer: isUnknown ? "" : pointer([...place, ...path]),
        detail: `${isUnknown ? "an item " : ""}${detail}`,
      },
    ],
    logged,
  });
}

function refusalBy(answer: Answer): (typeof REFUSALS)[string] | undefined {
  const { code } = answer;
  const own = isRaised(answer) && !NO_REFUSAL.test(code) ? REFUSALS.P0 : undefined;
  return REFUSALS[code] ?? REFUSALS[code.slice(0, 2)] ?? own;
}

/** What no caller can mend: a sequence or a type of ids at its end, a column that no item can bring, a partition that is missing. */
function isForOperator(answer: Answer): boolean {
  const { code, column, constraint, routine = "" } = answer;
  if (isRaised(answer)) return false;
  if (isBeside(answer)) return true;
  if (code === "2200H" || (code === "23514" && constraint === undefined)) return true;
  if (isOfFunction(answer)) return false;
  // The statement casts to integer and smallint where id alone is one.
  if (code === "22003") return /^int8[24]$/.test(routine);
  // By the column alone: of a partition, PostgreSQL names the partition as the table.
  return code === "23502" && column !== undefined && !accepts(column);
}

const accepts = (column = "") => accepted.includes(column);

/** Which item it is, and which of its keys, as far as PostgreSQL lets know. */
function placeOf(answer: Answer, items: readonly Item[], ids: readonly Id[]) {
  // A trigger that stores in another table meets that one's columns and rows.
  const { code, column, detail = "" } = isOfFunction(answer) && !isRaised(answer) ? { code: answer.code } : answer;
  const [, unique = "", value] = /\((\w+)\)=\((.*)\)/s.exec(detail) ?? [];
  const key = [column ?? unique].filter(accepts);
  if (items.length === 1) return { index: 0, key };
  const textOf = (item: Item) => table.columns[unique]?.encode(item[unique]);
  // "Failing row contains (…": its columns in their order, of which id is the first.
  const index = ["23502", "23514"].includes(code)
    ? ids.indexOf(idOf(/^[^(]*\((-?\d+),/.exec(detail)?.[1] ?? ""))
    : key[0] === unique
      ? items.findLastIndex((item) => textOf(item) === value)
      : -1;
  return { index: index < 0 ? undefined : index, key };
}

function nameOf(answer: Answer): string {
  const { constraint, column } = answer;
  const trigger = functionOf(answer);
  if (constraint !== undefined) return ` (constraint ${constraint})`;
  if (column !== undefined) return ` (column ${column})`;
  return trigger === undefined ? "" : ` (function ${trigger})`;
}
