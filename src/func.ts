import { handle } from "@fnproject/fdk";
import { answer, healthy, stored } from "./answer.ts";
import { readDelivery } from "./body.ts";
import { routeOf } from "./call.ts";
import { loadConfig } from "./config.ts";
import { type Database, openDatabase } from "./database.ts";
import { checkHealth } from "./health.ts";
import { insert } from "./insert.ts";

let database: Database | undefined;

handle(
  answer(async (call, body) => {
    database ??= openDatabase(loadConfig(process.env));
    if (routeOf(call, body) === "health") {
      await checkHealth(database, call);
      return healthy();
    }
    const delivery = readDelivery(body, call);
    return stored(delivery, await insert(database, delivery, call));
  }),
  { inputMode: "buffer" },
);
