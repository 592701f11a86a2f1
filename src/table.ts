import { type Table, text, timestamptz, varchar } from "./columns.ts";

/** The table that is filled, as `schema.sql` creates it. Its primary key is `id`, which the database counts. */
export const table: Table = {
  name: "items",
  columns: {
    name: varchar(255, "not null", "not empty"),
    description: text(),
    created_at: timestamptz("generated"),
  },
};
