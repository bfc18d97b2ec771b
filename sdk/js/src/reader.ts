// The queue between the socket and one reader: bounded, and honest about what did not fit.

import type { Frame } from "./codec.js";
import { Emitter, type Off } from "./emitter.js";
import { DecodeError, SlowReader } from "./errors.js";
import type { Gap, Message, ReaderOptions, RunOptions, Stats, Tracing } from "./types.js";

/** What a reader needs of its bus. */
export interface Desk {
  readonly stats: Stats;
  readonly tracing: Tracing | undefined;
  /** Tell of an error that no call waits for. */
  report(error: unknown): void;
  /** Stop or begin to read the socket, for this reader. Returns false where that is not possible. */
  block(reader: object, on: boolean): boolean;
  /** Wait for `work` when the bus drains. */
  during(work: Promise<void>): void;
}

/** What a handle tells by callback. While anybody listens to `message` nothing is queued. */
export interface ReaderEvents<T> {
  message: Message<T>;
  gap: Gap;
  /** The error, or undefined for an end that was asked for. */
  end: unknown;
}

interface Entry {
  frame: Frame;
  size: number;
  replay: boolean;
  gap: Gap | undefined;
}

interface Waiter<T> {
  resolve(step: IteratorResult<Message<T>, undefined>): void;
  reject(error: unknown): void;
}

const OVER = { done: true, value: undefined } as const;

/** One handle's messages: an async iterator, or callbacks, or `run`. */
export class Reader<T = unknown> implements AsyncIterableIterator<Message<T>> {
  /** @internal acknowledge an event of a durable group; `retryMs`: say that it is not done */
  settle: ((message: Message<T>, retryMs?: number) => Promise<unknown>) | undefined;
  protected readonly desk: Desk;
  protected readonly emitter: Emitter<ReaderEvents<T>>;
  readonly #options: ReaderOptions<T>;
  #entries: Entry[] = [];
  #size = 0;
  #waiters: Waiter<T>[] = [];
  #gap: Gap | undefined;
  #ended = false;
  #error: unknown;
  #isBlocking = false;
  #left: (() => void) | undefined;

  constructor(desk: Desk, options: ReaderOptions<T>, left: () => void) {
    this.desk = desk;
    this.emitter = new Emitter((error) => desk.report(error));
    this.#options = options;
    this.#left = left;
    const { signal } = options;
    if (!signal) return;
    const close = () => this.close();
    if (signal.aborted) queueMicrotask(close);
    else signal.addEventListener("abort", close);
    this.#left = () => {
      signal.removeEventListener("abort", close);
      left();
    };
  }

  /** Messages that wait for the reader. */
  get queued(): number {
    return this.#entries.length;
  }

  get closed(): boolean {
    return this.#ended;
  }

  /** Call back for each such event; call what is returned to stop. */
  on<Name extends keyof ReaderEvents<T>>(name: Name, listener: (argument: ReaderEvents<T>[Name]) => void): Off {
    const off = this.emitter.on(name, listener);
    if (name === "message") this.#deliver();
    return off;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Give the next message, in the order in which they came. */
  next(): Promise<IteratorResult<Message<T>, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#deliver();
    });
  }

  /** Handle every message until the handle ends; what a handler throws is told to `onError`. */
  run(handler: (message: Message<T>) => unknown, options: RunOptions<T> = {}): Promise<void> {
    const work = this.#run(handler, options);
    this.desk.during(work);
    return work;
  }

  /** End it: the iterator is done, its messages are let go. */
  close(): void {
    this.end(undefined, true);
  }

  /** Take in a message from the socket. */
  push(frame: Frame, size: number, replay = false): void {
    if (this.#ended) return;
    const entry = { frame, size, replay, gap: this.#gap };
    this.#gap = undefined;
    if (!this.#waiters.length && this.#isFull(size) && !this.#makeRoom(entry)) return;
    this.#entries.push(entry);
    this.#size += size;
    this.#deliver();
  }

  /** Note that events are missing before the next message. */
  declare(gap: Gap, before?: Entry): void {
    const { stats } = this.desk;
    stats.gaps++;
    stats.missed += gap.missed;
    if (before) before.gap = joined(gap, before.gap);
    else this.#gap = joined(this.#gap, gap);
    this.emitter.emit("gap", gap);
  }

  /** End it with an error, or without; `now`: let go what waits. */
  end(error?: unknown, now = false): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (now) this.#entries = [];
    this.#relieve();
    this.#left?.();
    this.#deliver();
    this.emitter.emit("end", error);
  }

  /** @internal let go what waits for an acknowledgement: with the connection it went to others */
  forget(): void {
    const kept = this.#entries.filter(({ frame }) => !frame["delivery"]);
    this.desk.stats.repeats += this.#entries.length - kept.length;
    this.#entries = kept;
    this.#size = kept.reduce((sum, { size }) => sum + size, 0);
  }

  protected epochOf(_channel: string): string {
    return "";
  }

  #isFull(size: number): boolean {
    const { queue = 1024, queueBytes = 4 * 2 ** 20 } = this.#options;
    return this.#entries.length >= queue || (this.#entries.length > 0 && this.#size + size > queueBytes);
  }

  /** Follow the policy. Returns whether the entry is to be taken. */
  #makeRoom(entry: Entry): boolean {
    const { whenFull } = this.#options;
    if (whenFull === "drop_newest") {
      this.#gap = entry.gap;
      this.#lose(entry);
      return false;
    }
    if (whenFull === "block" && this.desk.block(this, true)) return (this.#isBlocking = true);
    if (whenFull === "block" || whenFull === "error") {
      this.end(new SlowReader("the reader did not keep up"));
      return false;
    }
    while (this.#entries.length && this.#isFull(entry.size)) {
      const old = this.#entries.shift()!;
      this.#size -= old.size;
      const next = this.#entries[0] ?? entry;
      this.#lose(old, next);
      next.gap = joined(old.gap, next.gap);
    }
    return true;
  }

  #lose({ frame }: Entry, before?: Entry): void {
    const { seq = 0, channel = "" } = frame;
    const gap = { channel, epoch: this.epochOf(channel), from: seq, to: seq, missed: 1, reason: "overflow", exact: true };
    this.declare(gap, before);
  }

  /** Hand out what there is to whoever waits. */
  #deliver(): void {
    while (this.#entries.length) {
      const waiter = this.#waiters[0];
      if (!waiter && !this.emitter.has("message")) return;
      const entry = this.#entries.shift()!;
      this.#size -= entry.size;
      if (this.#entries.length * 2 < (this.#options.queue ?? 1024)) this.#relieve();
      this.#hand(entry, waiter);
    }
    if (!this.#ended) return;
    for (const waiter of this.#waiters.splice(0)) {
      if (this.#error === undefined) waiter.resolve(OVER);
      else waiter.reject(this.#error);
    }
  }

  #hand(entry: Entry, waiter: Waiter<T> | undefined): void {
    let value: Message<T>;
    try {
      value = message(entry, this.#options.decode);
    } catch (cause) {
      const error = new DecodeError(`the payload of ${entry.frame["id"]} does not fit`, { cause });
      if (waiter && this.#options.onDecodeError !== "skip") this.#waiters.shift()!.reject(error);
      else this.desk.report(error);
      // What was missing before it is still missing before the next one.
      const next = this.#entries[0];
      if (next) next.gap = joined(entry.gap, next.gap);
      else this.#gap = joined(entry.gap, this.#gap);
      return;
    }
    if (waiter) this.#waiters.shift()!.resolve({ done: false, value });
    else this.emitter.emit("message", value);
  }

  #relieve(): void {
    if (this.#isBlocking) this.desk.block(this, false);
    this.#isBlocking = false;
  }

  async #run(handler: (message: Message<T>) => unknown, { concurrency = 1, perKey }: RunOptions<T>): Promise<void> {
    const { desk } = this;
    const tails = new Map<unknown, Promise<void>>();
    const active = new Set<Promise<void>>();
    for (;;) {
      let step: IteratorResult<Message<T>, undefined>;
      try {
        step = await this.next();
      } catch (error) {
        if (error === this.#error) break;
        desk.report(error);
        continue;
      }
      if (step.done) break;
      const { value } = step;
      const work = async () => {
        let retry;
        try {
          await (desk.tracing ? desk.tracing.process(value, () => handler(value)) : handler(value));
        } catch (error) {
          desk.report(error);
          retry = Math.min(1000 * 2 ** ((value.delivery?.attempt ?? 1) - 1), 60_000);
        }
        if (value.delivery) await this.settle?.(value, retry);
      };
      const key = perKey?.(value);
      const job = (perKey && tails.get(key) || Promise.resolve()).then(work).catch((error) => desk.report(error)).then(() => {
        active.delete(job);
        if (tails.get(key) === job) tails.delete(key);
      });
      tails.set(key, job);
      active.add(job);
      if (active.size >= concurrency) await Promise.race(active);
    }
    await Promise.all(active);
    if (this.#error !== undefined) throw this.#error;
  }
}

/** Join gaps before one message: the first one's reason, everybody's number. */
function joined(first: Gap | undefined, second: Gap | undefined): Gap | undefined {
  if (!first || !second) return first ?? second;
  const { to, epoch } = second;
  return { ...first, epoch, to, missed: first.missed + second.missed, exact: first.exact && second.exact };
}

/** Write a frame as readers see it. */
export function message<T>({ frame, replay, gap }: Omit<Entry, "size">, decode?: (payload: unknown) => T): Message<T> {
  const { type, id, from, room = "", channel = "", seq = 0, timestamp, event, payload = null, metadata } = frame;
  return {
    kind: type, id, sender: from, room, channel, seq, timestamp, event,
    data: decode ? decode(payload) : payload,
    metadata: metadata ?? {},
    replyTo: frame["reply_to"] ?? undefined,
    traceparent: frame["traceparent"] ?? undefined,
    tracestate: frame["tracestate"] ?? undefined,
    replay, gap,
    delivery: frame["delivery"] ?? undefined,
  };
}
