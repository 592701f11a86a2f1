import type { Connection } from "../src/database/connection.ts";
import type { Database } from "../src/database.ts";
import { STATEMENTS } from "./model-statements.ts";
import { type Kind, ModelTable, type Others } from "./model-table.ts";

/** What becomes of one statement. */
const FATES = ["well", "lost before it was sent", "lost after it was done"] as const;
export type Fate = (typeof FATES)[number];

/** All rows of statements of a length. */
export function* fatesOf(length: number): Generator<Fate[]> {
  for (let number = 0; number < FATES.length ** length; number++)
    yield Array.from({ length }, (_, place) => FATES[Math.floor(number / 3 ** place) % 3] as Fate);
}

/** A database of one table, in memory, as far as the function's statements go, which meet the fates given, and then go well. */
export class Model implements Database {
  readonly table: ModelTable;
  readonly #fates: readonly Fate[];
  #statements = 0;
  #connection: Connection | undefined;

  constructor(kind: Kind, fates: readonly Fate[], ahead = 0, others: Others = "nobody") {
    this.table = new ModelTable(kind, ahead, others);
    this.#fates = fates;
  }

  /** As the real one: on the same connection until a statement is lost. */
  async run<T>(_call: unknown, _step: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    for (;;) {
      this.#connection ??= { backend: 1, query: async (sql, values = []) => this.#send(sql, values) as never };
      try {
        return await work(this.#connection);
      } catch (error) {
        this.#connection = undefined;
        if (error !== "lost") throw error;
        this.table.afterLoss();
      }
    }
  }

  #send(sql: string, values: readonly unknown[]) {
    const fate = this.#fates[this.#statements++] ?? "well";
    if (fate === "lost before it was sent") throw "lost";
    const execute = STATEMENTS[sql];
    if (!execute) throw new Error(`a statement that the model does not know: ${sql}`);
    let rows: object[];
    try {
      rows = execute(this.table, values);
    } catch (error) {
      throw fate === "well" ? error : "lost";
    }
    if (fate === "lost after it was done") throw "lost";
    return { rows, rowCount: rows.length };
  }
}
