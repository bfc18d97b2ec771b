// The bus as users see it: publish, subscribe, ask, answer, drain.

import { Channels } from "./channels.js";
import { machineClock } from "./clock.js";
import { encode, roomName, split, type Frame } from "./codec.js";
import { Commands } from "./commands.js";
import type { SocketClass } from "./connection.js";
import { Core } from "./core.js";
import { Emitter, type Off } from "./emitter.js";
import { CannotConnect, closed, ReplyError, type BusError } from "./errors.js";
import { follow } from "./lifecycle.js";
import { Presence } from "./presence.js";
import { Reader, type Desk } from "./reader.js";
import { Requests } from "./requests.js";
import { Subscription } from "./subscription.js";
import type {
  Ack, Answer, AnySchema, BusEvents, CallOptions, Channel, CommandName, CommandTable, ConnectOptions, Message, Payload,
  PublishOptions, Question, ReaderOptions, RunOptions, Schema, SendOptions, Service, State, StateChange, Stats,
  SubscribeOptions, SystemEvent,
} from "./types.js";
import type { BroadcastResult, PrivateResult, Welcome } from "./wire.js";

/** Commands that change something: after a loss nobody knows whether they were done. */
const UNSAFE = ["create_channel", "delete_channel", "kick", "ack", "refresh_token"];
const CALL_TIMEOUT_MS = 10_000;
const OUTBOX_TTL_MS = 30_000;
const LINGER_MS = 250;
const POLL_MS = 20;

type Acked = PublishOptions & { ack: true };

/** One connection to a bus that comes back by itself. */
export class Bus<S extends Schema = AnySchema> extends Commands {
  readonly #options: ConnectOptions;
  readonly #core: Core;
  readonly #channels: Channels;
  readonly #requests: Requests;
  readonly #emitter: Emitter<BusEvents> = new Emitter((error) => this.#report(error));
  readonly #desk: Desk;
  /** Every handle that has not ended. */
  readonly #readers = new Set<Reader<never>>();
  /** The room whose broadcasts a reader gets; undefined: it gets private messages. */
  readonly #letters = new Map<Reader<never>, string | undefined>();
  /** Handlers at work, which a drain waits for. */
  readonly #works = new Set<Promise<void>>();
  #unfollow: Off = () => {};

  /** Make a bus that does not dial yet; `connect()` opens it too. Throws CannotConnect where there is no WebSocket. */
  constructor(url: string, options: ConnectOptions = {}) {
    super();
    const { clock = machineClock, random = Math.random } = options;
    const Socket = options.WebSocket ?? (globalThis as { WebSocket?: unknown }).WebSocket as SocketClass | undefined;
    if (!Socket) {
      throw new CannotConnect('no WebSocket here: npm install ws; import WebSocket from "ws"; connect(url, { WebSocket })');
    }
    this.#options = options;
    this.#requests = new Requests(clock);
    const core = (this.#core = new Core({ ...options, url, Socket, clock, random }, {
      changed: (change) => void this.#emitter.emit("state", change),
      connected: (result, isKept) => {
        if (!isKept) this.#requests.orphaned((id) => core.outbox.waiting.has(id));
        this.#channels.connected(result, isKept);
      },
      lost: () => this.#channels.lost(),
      heard: (frame, size) => this.#heard(frame, size),
      closed: (error) => this.#closed(error),
      report: (error) => this.#report(error),
      positions: () => this.#channels.positions(),
    }));
    this.#channels = new Channels({
      get isUp() {
        return core.isUp;
      },
      lingerMs: options.lingerMs ?? LINGER_MS,
      random,
      ask: (...call) => core.ask(...call),
      later: (run, delayMs) => clock.setTimeout(run, delayMs),
      cancel: (timer) => clock.clearTimeout(timer),
    });
    this.#desk = {
      stats: core.stats,
      tracing: options.tracing,
      report: (error) => this.#report(error),
      block: (reader, on) => core.block(reader, on),
      during: (work) => {
        this.#works.add(work);
        const over = () => void this.#works.delete(work);
        work.then(over, over);
      },
    };
  }

  // --- life

  /** Begin to dial. */
  open(): this {
    if (this.state === "idle") this.#unfollow = follow(this.#core, this.#options.lifecycle);
    this.#core.open();
    return this;
  }

  /** Wait until it is connected. Rejects when the bus is closed, or with the reason of the signal. */
  ready({ signal }: { signal?: AbortSignal } = {}): Promise<this> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const isOver = (): boolean => {
        if (this.#core.isUp) resolve(this);
        else if (this.state === "closed") reject(closed(this.error));
        else return false;
        return true;
      };
      if (isOver()) return;
      const off = this.on("state", () => isOver() && off());
      signal?.addEventListener("abort", () => {
        off();
        reject(signal.reason);
      });
    });
  }

  get state(): State {
    return this.#core.state;
  }

  /** Why it is closed; undefined while it is not, and when the user closed it. */
  get error(): BusError | undefined {
    return this.#core.error;
  }

  /** Who the server says that this is, and what it offers: the last answer to `connect`. */
  get session(): Readonly<Welcome> | undefined {
    return this.#core.session;
  }

  /** Id of this client; it may change when the connection was lost for long. */
  get client(): string | undefined {
    return this.session?.client;
  }

  /** Call back for each such event; call what is returned to stop. */
  on<Name extends keyof BusEvents>(name: Name, listener: (argument: BusEvents[Name]) => void): Off {
    return this.#emitter.on(name, listener);
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
    return { ...this.#core.stats, state: this.state, outbox: this.#core.outbox.depth, queued: depth(this.#readers) };
  }

  /**
   * End well: leave every channel, let handlers finish, send what waits, then close. Meanwhile there are no new handles
   * and no new requests. Gives how many calls and messages were given up at the deadline.
   */
  async drain({ timeoutMs = OUTBOX_TTL_MS }: { timeoutMs?: number } = {}): Promise<{ calls: number; messages: number }> {
    const { outbox, options: { clock } } = this.#core;
    const readers = [...this.#readers];
    let timer: unknown;
    if (this.state !== "idle" && this.state !== "closed") {
      this.#core.drain();
      this.#channels.leaveAll();
      for (const reader of readers) reader.end();
      const deadline = new Promise<void>((resolve) => (timer = clock.setTimeout(resolve, timeoutMs)));
      await Promise.race([this.#settled(), deadline]);
      clock.clearTimeout(timer);
    }
    const left = { calls: outbox.depth + this.#requests.size, messages: depth(readers) };
    this.#core.close();
    return left;
  }

  async #settled(): Promise<void> {
    while (this.#works.size) await Promise.allSettled(this.#works);
    await this.#core.outbox.empty();
  }

  /** End now: what is not sent yet has `timeoutMs` if there is a connection, calls that wait fail, handles end. */
  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const { outbox, options: { clock } } = this.#core;
    const until = clock.now() + timeoutMs;
    while (this.#core.isUp && outbox.queue.length && clock.now() < until) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, POLL_MS));
    }
    this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- sending

  /** Publish an event. Done when it is in the outbox; with `ack` when the server has it. */
  publish<A extends Channel<S>>(address: A, data: Payload<S, A>, options: Acked): Promise<Ack>;
  publish<A extends Channel<S>>(address: A, data: Payload<S, A>, options?: PublishOptions): Promise<void>;
  publish(address: string, data: unknown, options: PublishOptions = {}): Promise<unknown> {
    // First of all: in a browser the caller's trace context is gone after the first await.
    return this.#traced(address, options, (sending) => this.#publish(address, data, sending));
  }

  /** Send to clients by id. With `ack` it says who was there. */
  sendPrivate(to: string | string[], data: unknown, options: Acked): Promise<PrivateResult>;
  sendPrivate(to: string | string[], data: unknown, options?: PublishOptions): Promise<void>;
  sendPrivate(to: string | string[], data: unknown, options: PublishOptions = {}): Promise<unknown> {
    return this.#traced("private", options, (sending) => this.#send({ type: "private", to: [to].flat() }, data, sending));
  }

  /** Send to every member of a room, once. */
  broadcast(room: string, data: unknown, options: Acked): Promise<BroadcastResult>;
  broadcast(room: string, data: unknown, options?: PublishOptions): Promise<void>;
  broadcast(room: string, data: unknown, options: PublishOptions = {}): Promise<unknown> {
    return this.#traced(room, options, (sending) => this.#send({ type: "broadcast", room: roomName(room) }, data, sending));
  }

  #traced<R>(address: string, options: PublishOptions, send: (options: PublishOptions & { id: string }) => Promise<R>): Promise<R> {
    const { id = this.#core.nextId() } = options;
    const trace = this.#options.tracing?.send({ address, id });
    const sent = send({ ...options, ...trace?.carrier, id });
    if (trace) sent.then(() => trace.done(), (error) => trace.done(error));
    return sent;
  }

  async #publish(address: string, data: unknown, options: PublishOptions & { id: string }): Promise<unknown> {
    const [room, channel] = split(address);
    const result = await this.#send({ type: "event", room, channel }, data, options, address);
    return result && { ...(result as object), id: options.id };
  }

  async #send(head: Frame, payload: unknown, options: PublishOptions & { id: string }, address = ""): Promise<unknown> {
    const { id, metadata, replyTo, ack, traceparent, tracestate, timeoutMs = this.#options.outboxTtlMs ?? OUTBOX_TTL_MS } = options;
    const text = encode({ ...head, id, payload, metadata, reply_to: replyTo, ack, traceparent, tracestate });
    const afterLoss = head["type"] === "event" ? "repeat" : "unknown";
    const result = await this.#core.submit({ id, text, afterLoss, answered: !!ack, address, options, timeoutMs });
    return ack ? result : undefined;
  }

  /** Run any command by its name. */
  async command<K extends CommandName>(
    name: K, args: CommandTable[K]["args"], options: CallOptions = {},
  ): Promise<CommandTable[K]["result"]> {
    const id = this.#core.nextId();
    const text = encode({ type: "command", id, command: name, args });
    const afterLoss = UNSAFE.includes(name) ? "unknown" : "again";
    const { timeoutMs = CALL_TIMEOUT_MS } = options;
    const result = await this.#core.submit({ id, text, afterLoss, answered: true, address: "", options, timeoutMs });
    if (name === "set_profile") this.#core.options.profile = result;
    return result as CommandTable[K]["result"];
  }

  // --- asking and answering

  /** Ask a channel, or with `to` one client, and wait for the reply. */
  async request<A extends Service<S>, R = Answer<S, A>>(
    where: A | { to: string }, data: Question<S, A>, options: SendOptions & { decode?: (payload: unknown) => R } = {},
  ): Promise<R> {
    const { timeoutMs = CALL_TIMEOUT_MS, id = this.#core.nextId(), decode } = options;
    this.#mustTakeMore();
    const metadata = { ...options.metadata, timeout_ms: timeoutMs };
    const acked = { ...options, id, metadata, timeoutMs, ack: true } as const;
    const send = (): Promise<unknown> =>
      typeof where === "object" ? this.sendPrivate(where.to, data, acked) : this.publish(where as never, data as never, acked);
    const { payload = null } = await this.#requests.ask(id, send as () => Promise<Frame>, timeoutMs, options);
    return decode ? decode(payload) : payload;
  }

  /** Answer a message, privately. */
  reply(to: Message, data: unknown, options: SendOptions = {}): Promise<void> {
    return this.sendPrivate(to.sender, data, { ...options, replyTo: to.id });
  }

  /** Answer every question that comes to an address with what the handler returns. */
  serve<A extends Service<S>>(
    address: A,
    handler: (data: Question<S, A>, message: Message<Question<S, A>>) => Answer<S, A> | Promise<Answer<S, A>>,
    options: SubscribeOptions<Question<S, A>> & RunOptions<Question<S, A>> = {},
  ): Subscription<Question<S, A>> {
    const handle = this.#subscribe<Question<S, A>>(address, options);
    handle.run(async (message) => {
      let data: unknown = null;
      let error: { code: string; message: string } | undefined;
      try {
        data = await handler(message.data, message);
      } catch (raised) {
        const isMeant = raised instanceof ReplyError;
        error = isMeant ? { code: raised.code, message: raised.message } : { code: "handler_failed", message: "" };
        if (!isMeant) this.#report(raised);
      }
      await this.reply(message, data, error && { metadata: { error } });
    }, options);
    return handle;
  }

  // --- reading

  /** Give a new handle on a channel, or with `room:*` on a whole room. Works before there is a connection. */
  subscribe<A extends Channel<S>, T = Payload<S, A>>(address: A, options: SubscribeOptions<T> = {}): Subscription<T> {
    return this.#subscribe(address, options);
  }

  #subscribe<T>(address: string, options: SubscribeOptions<T>, prepare = (_: Subscription<never>): void => {}): Subscription<T> {
    this.#mustTakeMore();
    const handle: Subscription<never> = new Subscription(this.#desk, address, options as never, () => {
      this.#readers.delete(handle);
      this.#channels.remove(handle);
    });
    prepare(handle);
    this.#channels.add(handle);
    this.#readers.add(handle);
    handle.on("gap", (gap) => void this.#emitter.emit("gap", { address, gap }));
    return handle as unknown as Subscription<T>;
  }

  /** Private messages that answer no request. */
  inbox<T = unknown>(options: ReaderOptions<T> = {}): Reader<T> {
    return this.#letterbox(options, undefined);
  }

  /** Broadcasts of one room, which reach its members. */
  broadcasts<T = unknown>(room: string, options: ReaderOptions<T> = {}): Reader<T> {
    return this.#letterbox(options, roomName(room));
  }

  #letterbox<T>(options: ReaderOptions<T>, room: string | undefined): Reader<T> {
    this.#mustTakeMore();
    const reader: Reader<never> = new Reader<never>(this.#desk, options as never, () => {
      this.#readers.delete(reader);
      this.#letters.delete(reader);
    });
    this.#readers.add(reader);
    this.#letters.set(reader, room);
    return reader as unknown as Reader<T>;
  }

  /** Follow who is in a channel. */
  presence(address: Channel<S>): Presence {
    const [room, channel] = split(address);
    const where = channel === "*" ? room : address;
    let presence: Presence | undefined;
    this.#subscribe<never>(address, { presence: true }, (handle) => {
      presence = new Presence(handle, (cursor) => this.members(where, { limit: 1000, ...(cursor && { cursor }) }));
    });
    return presence!;
  }

  #mustTakeMore(): void {
    if (this.state === "draining" || this.state === "closed") throw closed(this.error);
  }

  // --- what comes

  #heard(frame: Frame, size: number): void {
    const { type, event, room, channel, payload } = frame;
    if (type === "event" || type === "telemetry") {
      if (!this.#channels.event(frame, size)) this.#core.stats.unheard++;
    } else if (type === "private") {
      if (!this.#requests.answered(frame)) this.#deliver(undefined, frame, size);
    } else if (type === "broadcast") this.#deliver(room, frame, size);
    else if (type === "system") {
      this.#channels.system(event, event === "gap" ? payload : { room, channel }, payload);
      this.#emitter.emit("system", frame as SystemEvent);
    }
  }

  #deliver(room: string | undefined, frame: Frame, size: number): void {
    const readers = [...this.#letters].filter(([, wanted]) => wanted === room);
    for (const [reader] of readers) reader.push(frame, size);
    if (!readers.length) this.#core.stats.unheard++;
  }

  #closed(error: BusError | undefined): void {
    this.#unfollow();
    const reason = closed(error);
    this.#requests.failAll(reason);
    this.#channels.end(error && reason);
    for (const reader of this.#readers) reader.end(error && reason, !error);
  }

  #report(error: unknown): void {
    const { onError } = this.#options;
    const isHeard = this.#emitter.emit("error", error);
    if (onError) onError(error);
    else if (!isHeard) console.error("arqonbus:", error);
  }
}

function depth(readers: Iterable<Reader<never>>): number {
  return [...readers].reduce((sum, { queued }) => sum + queued, 0);
}

/** Make a bus and begin to dial; it can be used at once. */
export function connect<S extends Schema = AnySchema>(url: string, options: ConnectOptions = {}): Bus<S> {
  return new Bus<S>(url, options).open();
}
