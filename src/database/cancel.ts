import { connect } from "node:net";
import type { Backend } from "./client.ts";

/** What stands where a startup message has the protocol's version. */
const CANCEL_REQUEST = 80_877_102;

/** For the server to hear of it, which answers by closing. */
const CANCEL_TIMEOUT_MS = 250;

/**
 * Asks the server to cancel the statement of a connection. Resolves when the server was told, or could not be in time.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function cancel({ host, port, processID, secretKey }: Backend): Promise<void> {
  const message = Buffer.alloc(16);
  const numbers = [message.length, CANCEL_REQUEST, processID, secretKey];
  for (const [index, number] of numbers.entries()) message.writeInt32BE(number, 4 * index);
  await new Promise<void>((resolve) => {
    const socket = connect(port, host, () => socket.end(message));
    socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy());
    socket.resume();
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}
