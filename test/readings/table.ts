import { boolean, date, jsonb, numeric, type Table, text, timestamptz, uuid } from "../../src/columns.ts";

/** What devices measure: a table with other types than the items', in a schema of its own, of which much has a default. */
export const table: Table = {
  schema: "telemetry",
  name: "readings",
  columns: {
    device: uuid("not null"),
    at: timestamptz("not null"),
    value: numeric(12, 4, "not null"),
    valid: boolean("not null", "default"),
    attributes: jsonb(),
    note: text(),
    received_at: timestamptz("generated"),
    day: date("generated"),
  },
};
