// The state machine of one bus: dials, connects, comes back, ends. Clock, random numbers and sockets are arguments.
//
//   calls ─▶ outbox ─▶ socket      socket ─▶ answers of calls, memberships, inboxes
//                └── over a reconnect: ticket, positions, repeats ──┘

import { Backoff, LONGEST_MS, STABLE_MS } from "./backoff.js";
import type { Clock } from "./clock.js";
import { decode, ids, sizeOf, type Frame } from "./codec.js";
import { AWAY, DRAIN_OVER, FORBIDDEN, NO_CLOSE_FRAME, NORMAL, reconnectAfter, TOKEN_EXPIRED, UNAUTHENTICATED } from "./codes.js";
import { Connection, type SocketClass } from "./connection.js";
import {
  BusClosed, BusError, CannotConnect, closed, Expired, InvalidRequest, NotConnected, OutcomeUnknown, rejection, Unauthorized,
} from "./errors.js";
import { Outbox, type AfterLoss, type Call } from "./outbox.js";
import { Pulse } from "./pulse.js";
import type {
  Cause, ConnectOptions, SendOptions, State, StateChange, Stats, TokenReason,
} from "./types.js";
import type { ConnectResult, ErrorBody } from "./wire.js";

/** With so many bytes unsent in the socket, what follows waits in the outbox. */
const CONGESTED_BYTES = 2 ** 20;
const CONGESTED_POLL_MS = 20;
/** The server's own end of a drain comes first. */
const DRAIN_SLACK_MS = 1_000;

export interface CoreOptions extends ConnectOptions {
  url: string;
  Socket: SocketClass;
  clock: Clock;
  random: () => number;
}

/** What the core tells. */
export interface CoreEars {
  changed(change: StateChange): void;
  /** The answer to `connect` is here, and nothing was sent since. */
  connected(result: ConnectResult, isKept: boolean): void;
  /** The connection is gone. */
  lost(): void;
  /** Something came that answers no call. */
  heard(frame: Frame, size: number): void;
  closed(error: BusError | undefined): void;
  report(error: unknown): void;
  positions(): object[];
}

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

export class Core {
  state: State = "idle";
  /** The last answer to `connect`. */
  session: ConnectResult | undefined;
  /** Why it is closed; undefined: the user wanted it. */
  error: BusError | undefined;
  /** Why the last dial or connection ended. */
  lastError: BusError | undefined;
  /** Longest delay between dials. */
  longestMs = LONGEST_MS;
  readonly outbox: Outbox;
  readonly nextId: () => string = ids();
  readonly stats: Stats;
  readonly options: CoreOptions;
  readonly #ears: CoreEars;
  readonly #backoff: Backoff;
  #link: Connection | undefined;
  #generation = 0;
  #isUp = false;
  #timer: unknown;
  readonly #pulse: Pulse;
  #poll: unknown;
  #drainTimer: unknown;
  #abort: AbortController | undefined;
  #token: string | undefined;
  #tokenReason: TokenReason = "first";
  #connectId = "";
  #connectedAt = 0;
  #wasHasty = false;
  #spreadMs = 0;
  #retryAfterMs = 0;
  #isDialling = false;
  /** The page sleeps, or the network is off: no dial until somebody calls `wake`. */
  #isHeld = false;
  readonly #blocking = new Set<object>();
  /** Where events without `ack` went, for refusals that no call waits for. */
  readonly #addresses = new Map<string, string>();

  constructor(options: CoreOptions, ears: CoreEars) {
    this.options = options;
    this.#ears = ears;
    this.#backoff = new Backoff(options.random);
    this.#pulse = new Pulse(options.clock, {
      ping: () => this.#write(JSON.stringify({ type: "command", id: this.nextId(), command: "ping" })),
      dead: () => this.#lost(NO_CLOSE_FRAME, "the server is silent", "silent"),
    });
    this.outbox = new Outbox(options.outboxMessages ?? 256, options.outboxBytes ?? 2 ** 20);
    this.stats = {
      state: "idle", outbox: 0, queued: 0, sent: 0, received: 0, repeats: 0, gaps: 0, missed: 0, dropped: 0, expired: 0,
      unheard: 0, unreadable: 0, dials: 0, reconnects: 0,
    };
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  // --- dialling

  open(): void {
    if (this.state !== "idle") return;
    this.#change("connecting", "user");
    this.#dial();
  }

  #dial(): void {
    const { options } = this;
    const generation = ++this.#generation;
    const { token, dialTimeoutMs = 10_000 } = options;
    const abort = (this.#abort = new AbortController());
    const reason = this.#tokenReason;
    this.#isDialling = true;
    this.stats.dials++;
    this.#spreadMs = this.#retryAfterMs = 0;
    this.#setTimer(dialTimeoutMs, () => this.#lost(NO_CLOSE_FRAME, `the dial took longer than ${dialTimeoutMs} ms`, "dial_failed"));
    const isCurrent = () => generation === this.#generation;
    const asked = typeof token === "function" ? (async () => token({ reason, signal: abort.signal }))() : Promise.resolve(token);
    asked.then(
      (found) => {
        if (!isCurrent()) return;
        if (reason === "rejected" && found === this.#token) this.#finish(this.lastError, "refused");
        else this.#openSocket(found, isCurrent);
      },
      (error) => {
        if (!isCurrent()) return;
        if (error instanceof Unauthorized) this.#finish(error, "refused");
        else this.#failed(error);
      },
    );
  }

  #openSocket(token: string | undefined, isCurrent: () => boolean): void {
    const { Socket, url } = this.options;
    this.#token = token;
    try {
      this.#link = new Connection(Socket, url, {
        opened: () => isCurrent() && this.#sendConnect(),
        heard: (text) => {
          if (!isCurrent()) return;
          this.#pulse.beat();
          this.#heard(text);
        },
        ended: (code, reason) => isCurrent() && this.#lost(code, reason, this.#isUp ? (code === NO_CLOSE_FRAME ? "lost" : "closed_by_server") : "dial_failed"),
      });
    } catch (cause) {
      this.#finish(new CannotConnect(`cannot dial ${url}`, { cause, retryable: false }), "dial_failed");
    }
  }

  #sendConnect(): void {
    const { profile, will } = this.options;
    const ticket = this.session?.ticket;
    const resume = this.session && { ticket, positions: this.#ears.positions() };
    this.#connectId = this.nextId();
    const args = { token: this.#token, profile, will, resume };
    this.#write(JSON.stringify({ type: "command", id: this.#connectId, command: "connect", args }));
  }

  /** A dial came to nothing before the server could say why. */
  #failed(cause: unknown): void {
    const words = cause instanceof Error ? cause.message : String(cause);
    this.#lost(NO_CLOSE_FRAME, words, "dial_failed", cause instanceof BusError ? cause : new CannotConnect(words, { cause }));
  }

  // --- connected

  #connected(result: ConnectResult): void {
    const before = this.session;
    const isKept = before?.client === result.client;
    const isSame = isKept || (before?.user != null && before.user === result.user);
    this.session = result;
    this.#isUp = true;
    this.#isDialling = false;
    this.#connectedAt = this.options.clock.now();
    this.#tokenReason = "reconnect";
    if (before) this.stats.reconnects++;
    this.#setTimer(STABLE_MS, () => this.#stable());
    this.#pulse.start(result.heartbeat_s * 1000);
    if (this.state !== "draining") this.#change("connected", before ? "resumed" : "opened", { resumed: isKept });
    this.#ears.connected(result, isKept);
    // What may have been done is asked for again, before anything newer, where the server knows a repeat.
    for (const call of [...this.outbox.waiting.values()]) {
      if (call.afterLoss === "again" || (call.afterLoss === "repeat" && isSame)) this.#write(call.text);
      else if (call.afterLoss === "repeat") this.outbox.finish(call, undefined, new OutcomeUnknown("the connection was lost"));
    }
    this.#flush();
  }

  #stable(): void {
    this.#backoff.reset();
    this.#wasHasty = false;
  }

  #heard(text: unknown): void {
    this.stats.received++;
    const frame = decode(text);
    if (!frame) {
      this.stats.unreadable++;
      this.#ears.report(new BusError("a message of the server could not be read", { code: "unreadable" }));
      return;
    }
    const { type, event, payload } = frame;
    if (type === "response") this.#answered(frame as never);
    else if (type === "system" && event === "refused") this.#refused(payload);
    else if (type === "system" && event === "draining") this.#draining(payload);
    if (type !== "response" && this.#isUp) this.#ears.heard(frame, (text as string).length);
  }

  #answered({ request_id: id, status, result, error }: { request_id: string; status: string; result: Frame; error: ErrorBody }): void {
    if (!this.#isUp) {
      if (id === this.#connectId) status === "ok" ? this.#connected(result as ConnectResult) : this.#refused(error);
      return;
    }
    const call = this.outbox.waiting.get(id);
    const failure = status === "ok" ? undefined : rejection(error);
    if (call) this.outbox.finish(call, failure ? undefined : (result ?? {}), failure);
    else if (failure) {
      const address = this.#addresses.get(id) ?? "";
      this.#ears.report(Object.assign(failure, { id, address }));
    }
  }

  #refused(error: ErrorBody): void {
    if (this.#isUp) return;
    const { code, message, retryable, details } = error;
    if (code === "unauthenticated" || code === "forbidden") {
      const why = new Unauthorized(message, { code });
      this.#lost(code === "forbidden" ? FORBIDDEN : UNAUTHENTICATED, message, "refused", why);
    } else if (retryable) {
      this.#retryAfterMs = (details?.["retry_after_ms"] as number) ?? 0;
      this.#failed(rejection(error));
    } else this.#finish(rejection(error), "refused");
  }

  #draining({ spread_ms: spreadMs, deadline_ms: deadlineMs }: { spread_ms: number; deadline_ms: number }): void {
    this.#spreadMs = spreadMs;
    const { clock } = this.options;
    clock.clearTimeout(this.#drainTimer);
    const over = () => this.#lost(DRAIN_OVER, "the drain is over", "closed_by_server");
    this.#drainTimer = clock.setTimeout(over, deadlineMs + DRAIN_SLACK_MS);
  }

  // --- what follows an end

  #lost(code: number, reason: string, cause: Cause, why?: BusError): void {
    const { clock } = this.options;
    const wasUp = this.#isUp;
    this.#drop(AWAY);
    if (wasUp && clock.now() - this.#connectedAt >= STABLE_MS) this.#stable();
    const error = (this.lastError = why ?? ended(code, reason));
    const facts = { code, reason };
    const next = reconnectAfter(code);
    const asks = typeof this.options.token === "function";
    if (code === UNAUTHENTICATED && asks && this.#tokenReason !== "rejected") {
      this.#tokenReason = "rejected";
      this.#plan(0, cause, facts);
      return;
    }
    if (next === "never" || (code === TOKEN_EXPIRED && !asks)) {
      this.#finish(error, cause, facts);
      return;
    }
    if (code === TOKEN_EXPIRED) this.#tokenReason = "expired";
    const isAtOnce = next === "at_once" && !this.#wasHasty;
    this.#wasHasty ||= isAtOnce;
    const delayMs = isAtOnce ? this.options.random() * this.#spreadMs : this.#backoff.next(this.longestMs);
    this.#plan(Math.max(delayMs, this.#retryAfterMs), cause, facts);
  }

  #plan(delayMs: number, cause: Cause, facts: Partial<StateChange>): void {
    if (this.state !== "draining") this.#change("reconnecting", cause, this.#isHeld ? facts : { ...facts, retryInMs: delayMs });
    // The listener of the change may have closed the bus.
    if (this.state === "closed" || this.#isHeld) return;
    this.#setTimer(delayMs, () => this.#dial());
  }

  /** Let go of the connection: nothing that it says counts any more. */
  #drop(code: number): void {
    const wasUp = this.#isUp;
    const { clock } = this.options;
    this.#generation++;
    this.#isUp = this.#isDialling = false;
    this.#abort?.abort();
    this.#link?.drop(code);
    this.#link = undefined;
    for (const timer of [this.#timer, this.#poll, this.#drainTimer]) clock.clearTimeout(timer);
    this.#poll = undefined;
    this.#pulse.stop();
    if (!wasUp) return;
    this.#blocking.clear();
    this.#pulse.isDeaf = false;
    this.outbox.failAll(() => new OutcomeUnknown("the connection was lost"), ({ sent, afterLoss }) => !!sent && afterLoss === "unknown");
    for (const [id, call] of this.outbox.waiting) if (call.afterLoss === "forget") this.outbox.waiting.delete(id);
    this.#ears.lost();
  }

  #finish(error: BusError | undefined, cause: Cause, facts: Partial<StateChange> = {}): void {
    if (this.state === "closed") return;
    this.error = error;
    this.#drop(NORMAL);
    this.#change("closed", cause, facts);
    this.outbox.failAll(() => closed(error));
    this.#ears.closed(error);
  }

  /** End for good: nothing that happens later dials again. */
  close(): void {
    this.#finish(undefined, "user");
  }

  /** No new calls; what is there goes out. */
  drain(): void {
    this.#change("draining", "user");
  }

  #change(to: State, cause: Cause, facts: Partial<StateChange> = {}): void {
    const from = this.state;
    this.state = to;
    this.#ears.changed({ from, to, cause, attempt: this.#backoff.attempt, ...facts });
  }

  #setTimer(delayMs: number, run: () => void): void {
    const { clock } = this.options;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(run, delayMs);
  }

  // --- the page and the network

  /** Ask the server for a sign of life; without one the connection is given up soon. */
  probe(): void {
    if (this.#isUp) this.#pulse.probe();
  }

  /** Whether more than a heartbeat has passed in silence. */
  get isQuiet(): boolean {
    return this.#isUp && this.#pulse.isQuiet;
  }

  /** No dial until `wake`; `gone`: the socket is dead, or about to be. */
  hold(gone: boolean, code = AWAY): void {
    if (this.state === "closed" || this.state === "idle") return;
    this.#isHeld = true;
    if (gone) {
      const had = this.#isUp || this.#isDialling;
      this.#drop(code);
      if (had && this.state !== "draining") this.#change("reconnecting", "lost");
    } else if (!this.#isUp && !this.#isDialling) this.options.clock.clearTimeout(this.#timer);
  }

  /** Dial now if there is no connection, or within `withinMs`; `anew`: whatever was is forgotten. */
  wake(withinMs = 0, anew = false): void {
    this.#isHeld = false;
    if (this.state === "closed" || this.state === "idle" || this.#isUp) return;
    if (this.#isDialling && !anew) return;
    if (anew) this.#stable();
    this.#drop(AWAY);
    this.#setTimer(this.options.random() * withinMs, () => this.#dial());
  }

  // --- calls

  /** Send a message, or keep it until it can be. */
  submit(outgoing: Outgoing): Promise<Frame> {
    const { id, text, options, afterLoss, answered, address, timeoutMs } = outgoing;
    return new Promise((resolve, reject) => {
      const { whenOffline = "queue", signal } = options;
      if (this.state === "closed" || this.state === "idle") throw closed(this.error);
      signal?.throwIfAborted();
      this.#checkSize(text);
      if (!this.#isUp && whenOffline === "reject") throw new NotConnected("there is no connection now");
      if (!this.#isUp && whenOffline === "drop" && !answered) {
        this.stats.dropped++;
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
      this.#ears.report(error);
    };
    queueMicrotask(() => call.settle && resolve({}));
  }

  #arm(call: Call, timeoutMs: number, signal: AbortSignal | undefined): void {
    const { clock } = this.options;
    const timer = clock.setTimeout(() => {
      if (!call.sent) this.stats.expired++;
      this.outbox.finish(call, undefined, call.sent ? new OutcomeUnknown(`no answer within ${timeoutMs} ms`) : new Expired("it could not be sent in time"));
    }, timeoutMs);
    const abort = () => this.outbox.finish(call, undefined, signal!.reason);
    signal?.addEventListener("abort", abort);
    call.settle = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
  }

  #checkSize(text: string): void {
    const limit = this.session?.limits.max_message_bytes ?? Infinity;
    const size = sizeOf(text, limit);
    if (size > limit) throw new InvalidRequest(`expected at most ${limit} bytes, got ${size}`, { code: "too_large" });
  }

  #enqueue(call: Call): void {
    const isFree = this.#isUp && !this.outbox.queue.length && this.#link!.buffered < CONGESTED_BYTES;
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
    this.stats.sent++;
    if (!call.answered) this.#remember(call);
    this.outbox.sent(call);
    this.#write(call.text);
  }

  #remember({ id, address }: Call): void {
    this.#addresses.set(id, address);
    if (this.#addresses.size > 256) this.#addresses.delete(this.#addresses.keys().next().value!);
  }

  /** Send what waits, as long as the socket takes it. */
  #flush(): void {
    const { queue } = this.outbox;
    while (this.#isUp && queue.length && this.#link!.buffered < CONGESTED_BYTES) {
      const call = queue.shift()!;
      try {
        this.#checkSize(call.text);
        this.#transmit(call);
      } catch (error) {
        this.outbox.finish(call, undefined, error);
      }
    }
    if (!this.#isUp || !queue.length || this.#poll !== undefined) return;
    this.#poll = this.options.clock.setTimeout(() => {
      this.#poll = undefined;
      this.#flush();
    }, CONGESTED_POLL_MS);
  }

  /** Run a command of the SDK itself, at once; its callbacks run while its answer is read. */
  ask(command: string, args: object, done: (result: Frame) => void, failed: (error: BusError) => void): void {
    if (!this.#isUp) return;
    const id = this.nextId();
    const text = JSON.stringify({ type: "command", id, command, args });
    const call: Call = { id, text, afterLoss: "forget", answered: true, address: "", done, failed: failed as never, settle: () => {} };
    this.outbox.sent(call);
    this.#write(text);
  }

  #write(text: string): void {
    try {
      this.#link?.send(text);
    } catch {
      // The socket is closing: its end is on the way, and says what becomes of this.
    }
  }

  /** Stop or begin to read, for a reader whose queue is full. Returns false where the platform cannot. */
  block(reader: object, on: boolean): boolean {
    if (on && !this.#link?.canPause) return false;
    const was = this.#blocking.size;
    if (on) this.#blocking.add(reader);
    else this.#blocking.delete(reader);
    // Time in which nothing is read says nothing about the server.
    if (!was !== !this.#blocking.size) this.#link?.pause(!was);
    this.#pulse.isDeaf = this.#blocking.size > 0;
    return true;
  }
}

/** The error behind an end that came without words of its own. */
function ended(code: number, reason: string): BusError {
  const words = reason || `the connection ended with ${code}`;
  if (code === UNAUTHENTICATED || code === FORBIDDEN) return new Unauthorized(words);
  if (code === NO_CLOSE_FRAME) return new CannotConnect(words);
  return new BusClosed(`the server closed the connection: ${words}`, { details: { code, reason } });
}
