import { randomBytes } from "node:crypto";
import type { Access } from "../../.github/scripts/settings/specification.ts";
import { fillSpecification, readSpecification } from "../../.github/scripts/settings/specification.ts";
import { type Doors, openDoors } from "./doors.ts";
import { type Functions, type FunctionsOptions, startFunctions } from "./functions.ts";
import { openGateway } from "./gateway.ts";
import { UserError } from "./port.ts";
import { type Postgres, type PostgresOptions, startPostgres } from "./postgres.ts";
import { createPrincipal, type Principal } from "./principal.ts";
import { createStream, type Stream } from "./stream.ts";
import { startVault, type Vault } from "./vault.ts";

const REGION = "eu-frankfurt-1";

export interface PlatformOptions {
  /** Of the doors; a free one when absent. */
  port?: number;
  functions?: Partial<Omit<FunctionsOptions, "config">>;
  postgres?: PostgresOptions;
  /** Lifetime of the resource principal's token, seconds; 15 minutes when absent. */
  tokenLifetime?: number;
  /** The function's configuration, beside what leads it to the local Vault. */
  config?: Record<string, string>;
  /** Whom the gateway lets in; everybody when absent. */
  access?: Access;
}

/** All that the function meets in Oracle's cloud, on this machine. */
export interface Platform extends AsyncDisposable {
  postgres: Postgres;
  vault: Vault;
  principal: Principal;
  functions: Functions;
  /** Takes messages by its API; a hub brings them to the function (hub.ts). */
  stream: Stream;
  url: Doors["url"];
  ociConfigFile: Doors["ociConfigFile"];
  /** Each line of the gateway's access log. */
  accessLog: string[];
  /** What may show in no log line and no answer. */
  readonly secrets: string[];
  stop(): Promise<void>;
}

export async function startPlatform({
  port = 0,
  config = {},
  functions: given = {},
  postgres: database = {},
  tokenLifetime,
  access = { auth: "none", origins: [] },
}: PlatformOptions = {}): Promise<Platform> {
  const stack = new AsyncDisposableStack();
  try {
    // Another one each time: the OCI CLI remembers for 15 minutes where a function was.
    const id = `ocid1.fnfunc.oc1.${REGION}.${randomBytes(8).toString("hex")}`;
    const principal = createPrincipal(id, REGION, tokenLifetime);
    stack.defer(() => principal.stop());
    const vault = await startVault(principal);
    stack.defer(() => vault.stop());
    const local = { DB_SECRET_OCID: vault.secretId, OCI_SECRETS_ENDPOINT: vault.endpoint };
    const identity = { id, name: "postgres-inserter", principal };
    const functions = startFunctions({ ...identity, ...given, config: { ...local, ...config } });
    stack.defer(() => functions.stop());
    const accessLog: string[] = [];
    const gateway = openGateway(
      specificationFor(id, access),
      () => functions,
      (line) => accessLog.push(line),
    );
    const stream = createStream();
    const doors = await openDoors(functions, stream, REGION, port, gateway);
    stack.defer(() => doors.stop());
    const postgres = await startPostgres(database);
    stack.defer(() => postgres.stop());
    vault.put(postgres.credentials);
    principal.secrets.push(postgres.credentials.password);
    return {
      postgres,
      vault,
      principal,
      functions,
      stream,
      url: doors.url,
      ociConfigFile: doors.ociConfigFile,
      accessLog,
      secrets: principal.secrets,
      stop: () => stack.disposeAsync(),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The specification that a deployment has too. */
function specificationFor(functionId: string, access: Access) {
  const faults: string[] = [];
  const specification = readSpecification(faults);
  if (!specification) throw new UserError(faults.join("\n"));
  return fillSpecification(specification, functionId, access);
}
