import assert from "node:assert/strict";
import { test } from "node:test";
import { isOfFunction } from "../src/faults/errors.ts";

// As gettext has them in PostgreSQL's plpgsql and executor: lc_messages is the server's own, and only a superuser's to set.
for (const where of [
  "PL/pgSQL function note() line 3 at SQL statement",
  "PL/pgSQL-Funktion note() Zeile 3 bei SQL-Anweisung",
  "fonction PL/pgSQL note(), ligne 3 à instruction SQL",
  "función PL/pgSQL note() en la línea 3 en sentencia SQL",
  "funzione PL/pgSQL note() riga 3 a istruzione SQL",
  "функция PL/pgSQL note(), строка 3, оператор SQL-оператор",
  "在PL/pgSQL函数note()的第3行的SQL语句",
  'SQL function "note" statement 1',
  "fonction SQL « note », instruction 1",
])
  test(`an error is of a function in whatever language the server says so: ${where}`, () => {
    assert(isOfFunction({ code: "23502", message: "", where }));
  });

test("an error that comes with a place of another kind is of no function", () => {
  for (const where of [undefined, "unnamed portal parameter $2 = '…'", "while inserting index tuple (0,1)"])
    assert(!isOfFunction({ code: "23502", message: "", ...(where !== undefined && { where }) }));
});
