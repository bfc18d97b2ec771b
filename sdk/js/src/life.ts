// The life of a bus: opened, watched, drained, closed; and who gets what comes.

import { Channels } from "./channels.js";
import { machineClock } from "./clock.js";
import type { Frame } from "./codec.js";
import type { SocketClass } from "./connection.js";
import { Core } from "./core.js";
import { Emitter, type Off } from "./emitter.js";
import { CannotConnect, closed, type BusError } from "./errors.js";
import { follow } from "./lifecycle.js";
import type { Reader } from "./reader.js";
import { Requests } from "./requests.js";
import type { BusEvents, ConnectOptions, State, StateChange, Stats, SystemEvent } from "./types.js";
import type { Welcome } from "./wire.js";

const DRAIN_MS = 30_000;
const CLOSE_MS = 5_000;
const POLL_MS = 20;

/** What every bus is, whatever it carries. */
export class Life {
  /** @internal */
  protected readonly options: ConnectOptions;
  /** @internal */
  protected readonly core: Core;
  /** @internal */
  protected readonly channels: Channels;
  /** @internal */
  protected readonly requests: Requests;
  /** @internal */
  protected readonly emitter: Emitter<BusEvents> = new Emitter((error) => this.report(error));
  /** @internal every handle that has not ended */
  protected readonly readers = new Set<Reader<never>>();
  /** @internal the room whose broadcasts a reader gets; undefined: it gets private messages */
  protected readonly letters = new Map<Reader<never>, string | undefined>();
  #unfollow: Off = () => {};

  /** Make a bus that does not dial yet; `connect()` opens it too. Throws CannotConnect where there is no WebSocket. */
  constructor(url: string, options: ConnectOptions = {}) {
    const { clock = machineClock, random = Math.random } = options;
    const Socket = options.WebSocket ?? (globalThis as { WebSocket?: unknown }).WebSocket as SocketClass | undefined;
    if (!Socket) {
      throw new CannotConnect('no WebSocket here: npm install ws; import WebSocket from "ws"; connect(url, { WebSocket })');
    }
    this.options = options;
    this.requests = new Requests(clock);
    const core = (this.core = new Core({ ...options, url, Socket, clock, random }, {
      changed: (change) => void this.emitter.emit("state", change),
      connected: (result, isKept) => {
        if (!isKept) this.requests.orphaned((id) => core.calls.outbox.waiting.has(id));
        this.channels.connected(result, isKept);
      },
      lost: () => this.channels.lost(),
      heard: (frame, size) => this.#heard(frame, size),
      closed: (error) => this.#closed(error),
      report: (error) => this.report(error),
      positions: () => this.channels.positions(),
    }));
    this.channels = new Channels(core);
  }

  // --- life

  /** Begin to dial. */
  open(): this {
    if (this.state === "idle") this.#unfollow = follow(this.core, this.options.lifecycle);
    this.core.open();
    return this;
  }

  /** Wait until it is connected. Rejects when the bus is closed, or with the reason of the signal. */
  ready({ signal }: { signal?: AbortSignal } = {}): Promise<this> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = () => over(() => reject(signal!.reason));
      const off = this.on("state", () => look());
      signal?.addEventListener("abort", abort);
      const over = (settle: () => void): void => {
        off();
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const look = (): void => {
        if (this.core.isUp) over(() => resolve(this));
        else if (this.state === "closed") over(() => reject(closed(this.error)));
      };
      look();
    });
  }

  get state(): State {
    return this.core.state;
  }

  /** Why it is closed; undefined while it is not, and when the user closed it. */
  get error(): BusError | undefined {
    return this.core.error;
  }

  /** Who the server says that this is, and what it offers: the last answer to `connect`. */
  get session(): Readonly<Welcome> | undefined {
    return this.core.session;
  }

  /** Id of this client; it may change when the connection was lost for long. */
  get client(): string | undefined {
    return this.session?.client;
  }

  /** Call back for each such event; call what is returned to stop. */
  on<Name extends keyof BusEvents>(name: Name, listener: (argument: BusEvents[Name]) => void): Off {
    return this.emitter.on(name, listener);
  }

  /** Give each change of state from now on, until the bus is closed. */
  async *states(): AsyncGenerator<StateChange, void> {
    const queue: StateChange[] = [];
    let wake = (): void => {};
    const off = this.on("state", (change) => {
      queue.push(change);
      wake();
    });
    try {
      for (;;) {
        for (let change = queue.shift(); change; change = queue.shift()) yield change;
        if (this.state === "closed") return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      off();
    }
  }

  /** Depths now, and counts since the start. */
  stats(): Stats {
    return { ...this.core.stats, state: this.state, outbox: this.core.calls.outbox.depth, queued: depth(this.readers) };
  }

  /**
   * End well: leave every channel, let handlers finish, send what waits, then close. Meanwhile there are no new handles
   * and no new requests. Gives how many calls and messages were given up at the deadline.
   */
  async drain({ timeoutMs = DRAIN_MS }: { timeoutMs?: number } = {}): Promise<{ calls: number; messages: number }> {
    const { calls: { outbox }, options: { clock } } = this.core;
    const readers = [...this.readers];
    let timer: unknown;
    if (this.state !== "idle" && this.state !== "closed") {
      this.core.drain();
      this.channels.leaveAll();
      for (const reader of [...this.letters.keys()]) reader.end();
      const deadline = new Promise<void>((resolve) => (timer = clock.setTimeout(resolve, timeoutMs)));
      await Promise.race([this.#settled(), deadline]);
      clock.clearTimeout(timer);
    }
    const left = { calls: outbox.depth + this.requests.size, messages: depth(readers) };
    this.core.close();
    return left;
  }

  async #settled(): Promise<void> {
    while (this.core.works.size) await Promise.allSettled(this.core.works);
    await this.core.calls.outbox.empty();
  }

  /** End now: what is not sent yet has `timeoutMs` if there is a connection, calls that wait fail, handles end. */
  async close({ timeoutMs = CLOSE_MS }: { timeoutMs?: number } = {}): Promise<void> {
    const { calls: { outbox }, options: { clock } } = this.core;
    const until = clock.now() + timeoutMs;
    while (this.core.isUp && outbox.queue.length && clock.now() < until) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, POLL_MS));
    }
    this.core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- what comes

  #heard(frame: Frame, size: number): void {
    const { type, event, room, channel, payload } = frame;
    if (type === "event" || type === "telemetry") {
      if (!this.channels.event(frame, size)) this.core.stats.unheard++;
    } else if (type === "private") {
      if (!this.requests.answered(frame)) this.#deliver(undefined, frame, size);
    } else if (type === "broadcast") this.#deliver(room, frame, size);
    else if (type === "system") {
      this.channels.system(event, event === "gap" ? payload : { room, channel }, payload);
      this.emitter.emit("system", frame as SystemEvent);
    }
  }

  #deliver(room: string | undefined, frame: Frame, size: number): void {
    const readers = [...this.letters].filter(([, wanted]) => wanted === room);
    for (const [reader] of readers) reader.push(frame, size);
    if (!readers.length) this.core.stats.unheard++;
  }

  #closed(error: BusError | undefined): void {
    this.#unfollow();
    const reason = closed(error);
    this.requests.failAll(reason);
    this.channels.end(error && reason);
    for (const reader of this.readers) reader.end(error && reason, !error);
  }

  /** @internal */
  protected report(error: unknown): void {
    const { onError } = this.options;
    const isHeard = this.emitter.emit("error", error);
    if (onError) onError(error);
    else if (!isHeard) console.error("arqonbus:", error);
  }
}

function depth(readers: Iterable<Reader<never>>): number {
  return [...readers].reduce((sum, { queued }) => sum + queued, 0);
}
