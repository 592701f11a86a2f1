import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";

/** Something a person can mend; its message is all that needs showing. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Listens on the loopback address, on a free port when 0 is given. @throws {UserError} when the port is taken */
export async function listen(server: Server, port: number, hint: string): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new UserError(`Port ${port} is in use. ${hint}`);
  }
  return (server.address() as AddressInfo).port;
}

/** A port that is free now, or the given one if that is free. @throws {UserError} when it is taken */
export async function freePort(port: number, hint: string): Promise<number> {
  const server = createServer();
  const free = await listen(server, port, hint);
  server.close();
  await once(server, "close");
  return free;
}
