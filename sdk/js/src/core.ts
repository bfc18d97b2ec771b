// The state machine of one bus: dials, connects, comes back, ends. Clock, random numbers and sockets are arguments.
//
//   calls ─▶ outbox ─▶ socket      socket ─▶ answers of calls, memberships, inboxes
//                └── over a reconnect: ticket, positions, repeats ──┘

import { Backoff, LONGEST_MS, STABLE_MS } from "./backoff.js";
import type { Clock } from "./clock.js";
import { Calls } from "./calls.js";
import { decode, ids, type Frame } from "./codec.js";
import { AWAY, DRAIN_OVER, FORBIDDEN, NO_CLOSE_FRAME, NORMAL, reconnectAfter, TOKEN_EXPIRED, UNAUTHENTICATED } from "./codes.js";
import { Connection, type SocketClass } from "./connection.js";
import {
  BusClosed, BusError, CannotConnect, closed, rejection, Unauthorized,
} from "./errors.js";
import { Pulse } from "./pulse.js";
import type {
  Cause, ConnectOptions, State, StateChange, Stats, TokenReason, Tracing,
} from "./types.js";
import type { ConnectResult, ErrorBody } from "./wire.js";

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

/** The state machine. What it knows others may read; only it changes it. */
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
  readonly calls: Calls;
  readonly nextId: () => string = ids();
  readonly stats: Stats;
  readonly options: CoreOptions;
  readonly random: () => number;
  readonly lingerMs: number;
  readonly tracing: Tracing | undefined;
  /** Handlers at work, which a drain waits for. */
  readonly works = new Set<Promise<void>>();
  readonly #ears: CoreEars;
  readonly #backoff: Backoff;
  #link: Connection | undefined;
  #generation = 0;
  #isUp = false;
  #timer: unknown;
  readonly #pulse: Pulse;
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

  constructor(options: CoreOptions, ears: CoreEars) {
    this.options = options;
    this.#ears = ears;
    this.#backoff = new Backoff(options.random);
    this.#pulse = new Pulse(options.clock, {
      ping: () => this.write(JSON.stringify({ type: "command", id: this.nextId(), command: "ping" })),
      dead: () => this.#lost(NO_CLOSE_FRAME, "the server is silent", "silent"),
    });
    this.random = options.random;
    this.lingerMs = options.lingerMs ?? 250;
    this.tracing = options.tracing;
    this.stats = {
      state: "idle", outbox: 0, queued: 0, sent: 0, received: 0, repeats: 0, gaps: 0, missed: 0, dropped: 0, expired: 0,
      unheard: 0, unreadable: 0, dials: 0, reconnects: 0,
    };
    this.calls = new Calls(this, options);
  }

  /** Whether `connect` was answered and nothing ended since. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Bytes that the socket has not sent yet. */
  get buffered(): number {
    return this.#link?.buffered ?? 0;
  }

  /** Tell of an error that no call waits for. */
  report(error: unknown): void {
    this.#ears.report(error);
  }

  later(run: () => void, delayMs: number): unknown {
    return this.options.clock.setTimeout(run, delayMs);
  }

  cancel(timer: unknown): void {
    this.options.clock.clearTimeout(timer);
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
    this.write(JSON.stringify({ type: "command", id: this.#connectId, command: "connect", args }));
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
    this.calls.connected(isSame);
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
      this.report(new BusError("a message of the server could not be read", { code: "unreadable" }));
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
    this.calls.answered(id, status === "ok" ? (result ?? {}) : undefined, error);
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
    this.cancel(this.#drainTimer);
    const over = () => this.#lost(DRAIN_OVER, "the drain is over", "closed_by_server");
    this.#drainTimer = this.later(over, deadlineMs + DRAIN_SLACK_MS);
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
    this.#generation++;
    this.#isUp = this.#isDialling = false;
    this.#abort?.abort();
    this.#link?.drop(code);
    this.#link = undefined;
    this.cancel(this.#timer);
    this.cancel(this.#drainTimer);
    this.#pulse.stop();
    if (!wasUp) return;
    this.#blocking.clear();
    this.#pulse.isDeaf = false;
    this.calls.lost();
    this.#ears.lost();
  }

  #finish(error: BusError | undefined, cause: Cause, facts: Partial<StateChange> = {}): void {
    if (this.state === "closed") return;
    this.error = error;
    this.#drop(NORMAL);
    this.#change("closed", cause, facts);
    this.calls.failAll(closed(error));
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
    this.cancel(this.#timer);
    this.#timer = this.later(run, delayMs);
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
    } else if (!this.#isUp && !this.#isDialling) this.cancel(this.#timer);
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

  // --- the socket

  /** Let a drain wait for this. */
  during(work: Promise<void>): void {
    this.works.add(work);
    const over = () => void this.works.delete(work);
    work.then(over, over);
  }

  /** Write to the socket, if there is one that is open. */
  write(text: string): void {
    try {
      this.#link?.send(text);
    } catch {
      // The socket is closing: its end is on the way, and says what becomes of this.
    }
  }

  /** Run a command of the SDK itself, at once; its callbacks run while its answer is read. */
  ask(...call: Parameters<Calls["ask"]>): void {
    this.calls.ask(...call);
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
