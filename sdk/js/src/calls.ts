// Calls on their way: sent now, or kept in the outbox until they can be; answered, refused, expired or given up.

import { sizeOf, type Frame } from "./codec.js";
import { closed, Expired, InvalidRequest, NotConnected, OutcomeUnknown, rejection, type BusError } from "./errors.js";
import { Outbox, type AfterLoss, type Call } from "./outbox.js";
import type { ConnectOptions, SendOptions, State, Stats } from "./types.js";
import type { ErrorBody, Welcome } from "./wire.js";

/** With so many bytes unsent in the socket, what follows waits in the outbox. */
const CONGESTED_BYTES = 2 ** 20;
const CONGESTED_POLL_MS = 20;
/** Events without `ack` whose address is known when they are refused. */
const KNOWN_ADDRESSES = 256;
const LOST = "the connection was lost";

/** One message to be sent. */
export interface Outgoing {
  id: string;
  text: string;
  afterLoss: AfterLoss;
  answered: boolean;
  address: string;
  options: SendOptions;
  timeoutMs: number;
}

/** What calls need of their bus. */
export interface Line {
  readonly isUp: boolean;
  readonly state: State;
  readonly error: BusError | undefined;
  readonly session: Welcome | undefined;
  readonly buffered: number;
  readonly stats: Stats;
  nextId(): string;
  write(text: string): void;
  report(error: unknown): void;
  later(run: () => void, delayMs: number): unknown;
  cancel(timer: unknown): void;
}

export class Calls {
  readonly outbox: Outbox;
  readonly #line: Line;
  readonly #addresses = new Map<string, string>();
  #poll: unknown;

  constructor(line: Line, { outboxMessages = 256, outboxBytes = 2 ** 20 }: ConnectOptions) {
    this.#line = line;
    this.outbox = new Outbox(outboxMessages, outboxBytes);
  }

  /** Send a message, or keep it until it can be. */
  submit(outgoing: Outgoing): Promise<Frame> {
    const { id, text, options, afterLoss, answered, address, timeoutMs } = outgoing;
    return new Promise((resolve, reject) => {
      const { whenOffline = "queue", signal } = options;
      if (this.#line.state === "closed" || this.#line.state === "idle") throw closed(this.#line.error);
      signal?.throwIfAborted();
      this.#checkSize(text);
      if (!this.#line.isUp && whenOffline === "reject") throw new NotConnected("there is no connection now");
      if (!this.#line.isUp && whenOffline === "drop" && !answered) {
        this.#line.stats.dropped++;
        resolve({});
        return;
      }
      const call: Call = { id, text, afterLoss, answered, address, done: resolve, failed: reject };
      this.#arm(call, timeoutMs, signal);
      if (!answered) this.#resolveEarly(call, resolve);
      this.#enqueue(call);
    });
  }

  /** A message without an answer is done when it is in the outbox; that it expired there is told to nobody in particular. */
  #resolveEarly(call: Call, resolve: (frame: Frame) => void): void {
    call.failed = (error) => {
      resolve({});
      this.#line.report(error);
    };
    queueMicrotask(() => call.settle && resolve({}));
  }

  #arm(call: Call, timeoutMs: number, signal: AbortSignal | undefined): void {
    const timer = this.#line.later(() => {
      if (!call.sent) this.#line.stats.expired++;
      this.outbox.finish(call, undefined, call.sent ? new OutcomeUnknown(`no answer within ${timeoutMs} ms`) : new Expired("it could not be sent in time"));
    }, timeoutMs);
    const abort = () => this.outbox.finish(call, undefined, signal!.reason);
    signal?.addEventListener("abort", abort);
    call.settle = () => {
      this.#line.cancel(timer);
      signal?.removeEventListener("abort", abort);
    };
  }

  #checkSize(text: string): void {
    const limit = this.#line.session?.limits.max_message_bytes ?? Infinity;
    const size = sizeOf(text, limit);
    if (size > limit) throw new InvalidRequest(`expected at most ${limit} bytes, got ${size}`, { code: "too_large" });
  }

  #enqueue(call: Call): void {
    const isFree = this.#line.isUp && !this.outbox.queue.length && this.#line.buffered < CONGESTED_BYTES;
    try {
      if (!isFree || (call.answered && call.afterLoss !== "again")) this.outbox.hold(call);
    } catch (error) {
      call.settle?.();
      delete call.settle;
      throw error;
    }
    if (isFree) this.#transmit(call);
    else {
      this.outbox.queue.push(call);
      this.#flush();
    }
  }

  #transmit(call: Call): void {
    this.#line.stats.sent++;
    if (!call.answered) this.#remember(call);
    this.outbox.sent(call);
    this.#line.write(call.text);
  }

  #remember({ id, address }: Call): void {
    this.#addresses.set(id, address);
    if (this.#addresses.size > KNOWN_ADDRESSES) this.#addresses.delete(this.#addresses.keys().next().value!);
  }

  /** Send what waits, as long as the socket takes it. */
  #flush(): void {
    const { queue } = this.outbox;
    while (this.#line.isUp && queue.length && this.#line.buffered < CONGESTED_BYTES) {
      const call = queue.shift()!;
      try {
        this.#checkSize(call.text);
        this.#transmit(call);
      } catch (error) {
        this.outbox.finish(call, undefined, error);
      }
    }
    if (!this.#line.isUp || !queue.length || this.#poll !== undefined) return;
    this.#poll = this.#line.later(() => {
      this.#poll = undefined;
      this.#flush();
    }, CONGESTED_POLL_MS);
  }

  /** Run a command of the SDK itself, at once; its callbacks run while its answer is read. */
  ask(command: string, args: object, done: (result: Frame) => void, failed: (error: BusError) => void): void {
    if (!this.#line.isUp) return;
    const id = this.#line.nextId();
    const text = JSON.stringify({ type: "command", id, command, args });
    const call: Call = { id, text, afterLoss: "forget", answered: true, address: "", done, failed: failed as never, settle: () => {} };
    this.outbox.sent(call);
    this.#line.write(text);
  }

  // --- what the connection does

  /** Ask again for what may have been done, where the server knows a repeat, before anything newer. */
  connected(isSame: boolean): void {
    for (const call of [...this.outbox.waiting.values()]) {
      if (call.afterLoss === "again" || (call.afterLoss === "repeat" && isSame)) this.#line.write(call.text);
      else if (call.afterLoss === "repeat") this.outbox.finish(call, undefined, new OutcomeUnknown(LOST));
    }
    this.#flush();
  }

  /** Take in an answer: a result, or the body of an error. */
  answered(id: string, result: Frame | undefined, error: ErrorBody): void {
    const call = this.outbox.waiting.get(id);
    const failure = result ? undefined : rejection(error);
    if (call) this.outbox.finish(call, result, failure);
    else if (failure) this.#line.report(Object.assign(failure, { id, address: this.#addresses.get(id) ?? "" }));
  }

  lost(): void {
    this.#line.cancel(this.#poll);
    this.#poll = undefined;
    for (const call of [...this.outbox.waiting.values()]) {
      if (call.afterLoss === "unknown") this.outbox.finish(call, undefined, new OutcomeUnknown(LOST));
      else if (call.afterLoss === "forget") this.outbox.waiting.delete(call.id);
    }
  }

  failAll(error: unknown): void {
    for (const call of [...this.outbox.waiting.values(), ...this.outbox.queue]) this.outbox.finish(call, undefined, error);
  }
}
