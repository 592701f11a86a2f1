import { type Table, text } from "../../src/columns.ts";

/** More columns with defaults than a function of PostgreSQL has arguments for: 100, for names and values. */
export const table: Table = {
  name: "wide",
  columns: {
    name: text("not null"),
    ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`column_${index}`, text("default")])),
  },
};
