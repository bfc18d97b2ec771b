// The bus as users see it: publish, subscribe, ask, answer.

import { encode, roomName, split, type Frame } from "./codec.js";
import { addCommands, type CommandMethods } from "./commands.js";
import { closed, ReplyError } from "./errors.js";
import { Life } from "./life.js";
import { Presence } from "./presence.js";
import { Reader } from "./reader.js";
import { Subscription } from "./subscription.js";
import type {
  Ack, Answer, AnySchema, CallOptions, Channel, CommandName, CommandTable, ConnectOptions, Message, Payload,
  PublishOptions, Question, ReaderOptions, RunOptions, Schema, SendOptions, Service, SubscribeOptions,
} from "./types.js";
import type { AckArgs, BroadcastResult, PrivateResult } from "./wire.js";

/** Commands that change something: after a loss nobody knows whether they were done. */
const UNSAFE = ["create_channel", "delete_channel", "delete_group", "kick", "ack", "refresh_token"];
const CALL_TIMEOUT_MS = 10_000;
const OUTBOX_TTL_MS = 30_000;

type Acked = PublishOptions & { ack: true };

export interface Bus<S extends Schema = AnySchema> extends CommandMethods {}

/** One connection to a bus that comes back by itself. */
export class Bus<S extends Schema = AnySchema> extends Life {
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
    const { id = this.core.nextId() } = options;
    const trace = this.options.tracing?.send({ address, id });
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
    const { id, metadata, replyTo, ack, traceparent, tracestate, timeoutMs = this.options.outboxTtlMs ?? OUTBOX_TTL_MS } = options;
    const text = encode({ ...head, id, payload, metadata, reply_to: replyTo, ack, traceparent, tracestate });
    const afterLoss = head["type"] === "event" ? "repeat" : "unknown";
    const result = await this.core.calls.submit({ id, text, afterLoss, answered: !!ack, address, options, timeoutMs });
    return ack ? result : undefined;
  }

  /** Run any command by its name. */
  async command<K extends CommandName>(
    name: K, args: CommandTable[K]["args"], options: CallOptions = {},
  ): Promise<CommandTable[K]["result"]> {
    const id = this.core.nextId();
    const text = encode({ type: "command", id, command: name, args });
    const afterLoss = UNSAFE.includes(name) ? "unknown" : "again";
    const { timeoutMs = CALL_TIMEOUT_MS } = options;
    const result = await this.core.calls.submit({ id, text, afterLoss, answered: true, address: "", options, timeoutMs });
    if (name === "set_profile") this.core.options.profile = result;
    return result as CommandTable[K]["result"];
  }

  // --- asking and answering

  /** Ask a channel, or with `to` one client, and wait for the reply. */
  async request<A extends Service<S>, R = Answer<S, A>>(
    where: A | { to: string }, data: Question<S, A>, options: SendOptions & { decode?: (payload: unknown) => R } = {},
  ): Promise<R> {
    const { timeoutMs = CALL_TIMEOUT_MS, id = this.core.nextId(), decode } = options;
    this.#mustTakeMore();
    const metadata = { ...options.metadata, timeout_ms: timeoutMs };
    const acked = { ...options, id, metadata, timeoutMs, ack: true } as const;
    const send = (): Promise<unknown> =>
      typeof where === "object" ? this.sendPrivate(where.to, data, acked) : this.publish(where as never, data as never, acked);
    const { payload = null } = await this.requests.ask(id, send as () => Promise<Frame>, timeoutMs, options);
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
        if (!isMeant) this.report(raised);
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
    const handle: Subscription<never> = new Subscription(this.core, address, options as never, () => {
      this.readers.delete(handle);
      this.channels.remove(handle);
    });
    handle.settle = ({ room, channel, seq, delivery }, retry_after_ms) =>
      this.command("ack", { room, channel, ...delivery!, attempt: undefined, seqs: [seq], retry_after_ms } as AckArgs);
    prepare(handle);
    this.channels.add(handle);
    this.readers.add(handle);
    handle.on("gap", (gap) => void this.emitter.emit("gap", { address, gap }));
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
    const reader: Reader<never> = new Reader<never>(this.core, options as never, () => {
      this.readers.delete(reader);
      this.letters.delete(reader);
    });
    this.readers.add(reader);
    this.letters.set(reader, room);
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
}

addCommands(Bus.prototype);

/** Make a bus and begin to dial; it can be used at once. */
export function connect<S extends Schema = AnySchema>(url: string, options: ConnectOptions = {}): Bus<S> {
  return new Bus<S>(url, options).open();
}
