import { createServer, connect as dial, type Socket } from "node:net";
import { listen } from "./port.ts";

/** Where a connection breaks: after so many bytes of one side. A silent one stays open, and its packets vanish. */
export interface Cut {
  from: "client" | "server";
  after: number;
  how: "reset" | "end" | "silence";
}

/** What passed on a connection. */
export interface Conversation {
  client: Buffer;
  server: Buffer;
}

/** A network between the function and its database that breaks to order. */
export interface Wire {
  port: number;
  /** Breaks the next connection that is made. */
  cut(cut: Cut): void;
  /** How many cuts came to pass. */
  readonly cuts: number;
  /** How many connections were made. */
  readonly connections: number;
  /** What passed on the last connection. */
  readonly last: Conversation;
  /** What happens to connections from now on; those that are open stay as they are. */
  accept(how: "forward" | "hang" | "refuse"): void;
  /** Breaks all connections that are open. */
  breakAll(how: Cut["how"]): void;
  /** Forgets connections that are silent, on the server's side too. */
  sweep(): void;
  stop(): void;
}

interface Pair {
  client: Socket;
  server: Socket;
  silent: boolean;
  passed: Conversation;
}

export async function startWire(target: number): Promise<Wire> {
  const open = new Set<Pair>();
  let planned: Cut | undefined;
  let accepting: Parameters<Wire["accept"]>[0] = "forward";
  let last: Conversation = { client: Buffer.of(), server: Buffer.of() };
  let cuts = 0;
  let connections = 0;

  function breakPair(pair: Pair, how: Cut["how"]): void {
    if (how === "silence") {
      pair.silent = true;
      return;
    }
    open.delete(pair);
    pair.server.destroy();
    if (how === "reset") pair.client.resetAndDestroy();
    else pair.client.destroy();
  }

  const server = createServer((client) => {
    connections++;
    client.on("error", () => undefined);
    if (accepting === "refuse") return void client.resetAndDestroy();
    if (accepting === "hang") return void client.pause();
    const pair: Pair = {
      client,
      server: dial(target, "127.0.0.1"),
      silent: false,
      passed: { client: Buffer.of(), server: Buffer.of() },
    };
    const cut = planned;
    planned = undefined;
    last = pair.passed;
    open.add(pair);
    for (const from of ["client", "server"] as const) {
      const to = pair[from === "client" ? "server" : "client"];
      pair[from].on("data", (chunk) => {
        if (pair.silent) return;
        const before = pair.passed[from].length;
        const breaks = cut?.from === from && before + chunk.length >= cut.after;
        const passing = breaks ? chunk.subarray(0, cut.after - before) : chunk;
        pair.passed[from] = Buffer.concat([pair.passed[from], passing]);
        if (!breaks) return void to.write(passing);
        cuts++;
        if (cut.how === "silence") {
          pair.silent = true;
          to.write(passing);
        } else to.write(passing, () => breakPair(pair, cut.how));
      });
      pair[from].on("error", () => undefined);
      pair[from].on("close", () => {
        if (pair.silent) return;
        open.delete(pair);
        to.end();
      });
    }
    if (cut?.after === 0 && cut.from === "client") {
      cuts++;
      breakPair(pair, cut.how);
    }
  });
  const port = await listen(server, 0, "");

  return {
    port,
    cut: (cut) => (planned = cut),
    get cuts() {
      return cuts;
    },
    get connections() {
      return connections;
    },
    get last() {
      return last;
    },
    accept: (how) => (accepting = how),
    breakAll(how) {
      for (const pair of open) breakPair(pair, how);
    },
    sweep() {
      for (const pair of open) if (pair.silent) breakPair(pair, "end");
    },
    stop() {
      server.close();
      for (const pair of open) breakPair(pair, "end");
    },
  };
}
