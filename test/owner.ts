import { readFileSync } from "node:fs";
import { closingLine, type Lane, platformForTests } from "./fixture.ts";
import type { Platform } from "./platform/platform.ts";

const SCHEMA = readFileSync(new URL("../src/schema.sql", import.meta.url), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: answers and log lines are checked field by field
type Loose = any;

/** A platform whose table is changed, as its owner might. */
export interface Owner {
  platform: Platform;
  /** The recorded table, and the owner's DDL. */
  tableWith(ddl: string): Promise<void>;
  /** Takes back what the DDL changed outside the table. */
  restore(): Promise<void>;
  /** Invokes directly. The status is the closing line's. */
  send(body: unknown, lane?: Pick<Lane, "functions">): Promise<{ status: number; json: Loose; line: Loose }>;
  rows(): Promise<Record<string, unknown>[]>;
}

export async function ownerForTests(): Promise<Owner> {
  // Longer than a test waits, so that what is tried until the deadline is seen.
  const platform = await platformForTests({ functions: { maxContainers: 1, timeoutSeconds: 300 } });
  const { postgres, functions } = platform;
  const { username } = postgres.credentials;
  return {
    platform,
    async tableWith(ddl) {
      await postgres.query("DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
      await postgres.query(`SELECT set_config('inserter.user', '${username}', false); ${SCHEMA}`);
      await postgres.query(ddl);
      functions.replace();
    },
    async restore() {
      await postgres.query(`ALTER ROLE ${username} RESET ALL`);
    },
    async send(body, lane = platform) {
      const { callId, code, body: answer } = await lane.functions.invoke({ body: JSON.stringify(body) });
      const line = await closingLine(lane, callId);
      return { status: line.status, json: code === undefined ? JSON.parse(answer.toString()) : {}, line };
    },
    rows: () => postgres.query("SELECT * FROM items ORDER BY id"),
  };
}
