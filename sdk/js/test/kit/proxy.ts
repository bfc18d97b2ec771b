// A TCP proxy that delays, stalls and cuts, from a seed.

import { createServer, connect as dial, type AddressInfo, type Server, type Socket } from "node:net";

/** Numbers in [0, 1) that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Pair = readonly [client: Socket, server: Socket];

export class ChaosProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #random: () => number;
  #trouble: NodeJS.Timeout | undefined;
  cuts = 0;
  stalls = 0;

  private constructor(server: Server, random: () => number) {
    this.#server = server;
    this.#random = random;
  }

  /** Listen on a free port and pass everything to `port`. */
  static async start(port: number, seed: number): Promise<ChaosProxy> {
    const server = createServer();
    const proxy = new ChaosProxy(server, seeded(seed));
    server.on("connection", (client) => proxy.#join(client, dial(port, "127.0.0.1")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Make trouble about every `everyMs`, until `calm`. */
  storm(everyMs: number): void {
    this.#trouble = setTimeout(() => {
      for (const pair of this.#pairs) if (this.#random() < 0.5) this.#hurt(pair);
      this.storm(everyMs);
    }, everyMs * (0.5 + this.#random()));
  }

  calm(): void {
    clearTimeout(this.#trouble);
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async stop(): Promise<void> {
    this.calm();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    const pair: Pair = [client, server];
    this.#pairs.add(pair);
    const over = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [[client, server], [server, client]] as const) {
      from.on("data", (chunk) => this.#pass(chunk, to));
      from.on("close", over);
      from.on("error", over);
    }
  }

  /** Whole, or in pieces, and in their order. */
  #pass(chunk: Buffer, to: Socket): void {
    const at = this.#random() < 0.2 ? Math.floor(this.#random() * chunk.length) : 0;
    if (at) to.write(chunk.subarray(0, at));
    to.write(chunk.subarray(at));
  }

  #hurt(pair: Pair): void {
    const what = this.#random();
    if (what < 0.5) {
      this.cuts++;
      for (const socket of pair) socket.resetAndDestroy();
      return;
    }
    this.stalls++;
    const [client, server] = pair;
    const stalled = what < 0.7 ? [client] : what < 0.9 ? [server] : [client, server];
    for (const socket of stalled) socket.pause();
    setTimeout(() => stalled.forEach((socket) => socket.resume()), 1_500 * this.#random());
  }
}
