// A bus on a scripted socket, in virtual time: the test plays the server.

import { expect } from "vitest";
import { Bus, type AnySchema, type ConnectOptions, type Schema, type StateChange } from "../../src/index.js";
import type { SocketLike } from "../../src/connection.js";
import { FakeClock, settle } from "./clock.js";

export type Frame = Record<string, any>;

/** One socket as the platform would give it. */
export class FakeSocket implements SocketLike {
  readyState = 0;
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readonly sent: Frame[] = [];
  closedWith: number | undefined;

  readonly url: string;
  readonly protocols: string[] | undefined;

  constructor(url: string, protocols?: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error("the socket is not open");
    this.sent.push(JSON.parse(text));
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith ??= code ?? 1005;
  }

  // --- what the test does

  async open(): Promise<void> {
    this.readyState = 1;
    this.onopen?.({} as never);
    await settle();
  }

  async say(...frames: (Frame | string)[]): Promise<void> {
    for (const frame of frames) {
      this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) } as never);
    }
    await settle();
  }

  async end(code = 1006, reason = ""): Promise<void> {
    this.readyState = 3;
    this.onclose?.({ code, reason } as never);
    await settle();
  }

  /** As Node 22 does when a dial fails: an error, and no close ever. */
  async err(message = "refused"): Promise<void> {
    this.readyState = 3;
    this.onerror?.({ message } as never);
    await settle();
  }

  /** Take what was sent; the SDK's pings are left out. */
  take(): Frame[] {
    return this.sent.splice(0).filter((frame) => frame["command"] !== "ping");
  }

  /** The last command of this name that was sent. */
  last(command: string): Frame {
    const found = this.sent.filter((frame) => frame["command"] === command).at(-1);
    expect(found, `${command} was not sent; sent: ${JSON.stringify(this.sent)}`).toBeDefined();
    return found!;
  }

  async ok(request: Frame, result: Frame = {}): Promise<void> {
    await this.say({ type: "response", request_id: request["id"], status: "ok", result });
  }

  async no(request: Frame, code: string, retryable = false, details?: Frame): Promise<void> {
    const error = { code, message: `no: ${code}`, retryable, details };
    await this.say({ type: "response", request_id: request["id"], status: "error", error });
  }

  /** Answer the last join. */
  async joined(result: Frame = {}): Promise<void> {
    const join = this.last("join_channel");
    const { room, channel } = join["args"];
    await this.ok(join, { room, channel, epoch: "e1", seq: 0, recovered: false, reason: null, replayed: 0, members: 1, ...result });
  }

  event(seq: number, payload: unknown = seq, more: Frame = {}): Frame {
    return {
      type: "event", room: "science", channel: "explore", id: `m${seq}`, from: "c-other",
      timestamp: "2026-11-21T19:00:00.123Z", seq, payload, ...more,
    };
  }
}

export interface Stage<S extends Schema> {
  bus: Bus<S>;
  clock: FakeClock;
  /** Every socket that was dialled. */
  sockets: FakeSocket[];
  changes: StateChange[];
  errors: unknown[];
  /** The socket of the last dial. */
  readonly socket: FakeSocket;
  /** Open the last socket and answer `connect`. */
  welcome(more?: Frame): Promise<FakeSocket>;
  /** Wait for the next dial, at most 20 s, and welcome it. */
  comeBack(more?: Frame): Promise<FakeSocket>;
}

export const WELCOME = {
  client: "c-1", server: "node-1", version: "1.0", heartbeat_s: 20, limits: { max_message_bytes: 1000 }, user: null,
  ticket: "t-1", resumed: [],
};

/** A bus that has begun to dial. Random numbers are 0.5 unless the test says else. */
export function stage<S extends Schema = AnySchema>(options: ConnectOptions = {}): Stage<S> {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const errors: unknown[] = [];
  const changes: StateChange[] = [];
  class Socket extends FakeSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  const bus = new Bus<S>("ws://bus.test/", {
    clock, random: () => 0.5, WebSocket: Socket, onError: (error) => errors.push(error), ...options,
  });
  bus.on("state", (change) => changes.push(change));
  bus.open();
  const here: Stage<S> = {
    bus, clock, sockets, changes, errors,
    get socket() {
      return sockets.at(-1)!;
    },
    async welcome(more = {}) {
      await settle();
      const { socket } = here;
      await socket.open();
      await socket.ok(socket.last("connect"), { ...WELCOME, ...more });
      return socket;
    },
    async comeBack(more = {}) {
      const n = sockets.length;
      for (let waited = 0; sockets.length === n && waited < 20_000; waited += 50) await clock.pass(50);
      expect(sockets.length, "no dial came").toBeGreaterThan(n);
      return here.welcome(more);
    },
  };
  return here;
}

/** Take `n` messages of a reader that has them already. */
export async function take<T>(reader: AsyncIterator<T>, n: number): Promise<T[]> {
  const found: T[] = [];
  for (let i = 0; i < n; i++) {
    const step = await reader.next();
    if (step.done) break;
    found.push(step.value);
  }
  return found;
}
