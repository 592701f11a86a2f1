import { createServer, type Socket } from "node:net";
import { listen } from "./port.ts";

/** A server that says what it is told, PostgreSQL's words or not. */
export interface Player {
  port: number;
  /** How many connections were made. */
  readonly connections: number;
  /** What it does when a client says something; `turn` counts from 0 on each connection. */
  play(part: Part): void;
  stop(): void;
}

export type Part = (socket: Socket, turn: number, connection: number) => void;

export async function startPlayer(): Promise<Player> {
  const sockets = new Set<Socket>();
  let part: Part = () => undefined;
  let connections = 0;
  const server = createServer((socket) => {
    const connection = connections++;
    const playing = part;
    let turn = 0;
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.on("data", () => playing(socket, turn++, connection));
  });
  return {
    port: await listen(server, 0, ""),
    get connections() {
      return connections;
    },
    play: (next) => (part = next),
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
export function message(type: string, ...body: (string | number[])[]): Buffer {
  const bytes = Buffer.concat(body.map((part) => Buffer.from(part as string)));
  const header = Buffer.alloc(5, type, "latin1");
  header.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

export function error(code: string, text: string, more: Record<string, string> = {}): Buffer {
  const fields = { S: "FATAL", C: code, M: text, ...more };
  return message("E", ...Object.entries(fields).map(([key, value]) => `${key}${value}\0`), "\0");
}

export const READY = message("Z", "I");

/** It lets everybody in. */
export const WELCOME = Buffer.concat([message("R", [0, 0, 0, 0]), message("K", [0, 0, 0, 7, 0, 0, 0, 7]), READY]);

/** Refuses to be connected to. */
export function refuse(code: string, text: string): Part {
  return (socket) => socket.end(error(code, text));
}

/** Lets the client in, and refuses what it asks. */
export function fail(code: string, text: string, more?: Record<string, string>): Part {
  return (socket, turn) =>
    socket.write(turn === 0 ? WELCOME : Buffer.concat([error(code, text, { S: "ERROR", ...more }), READY]));
}
