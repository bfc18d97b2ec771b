// What users see of messages, options and results.

import type { Clock } from "./clock.js";
import type { SocketClass } from "./connection.js";
import type {
  Commands, EventResult, JoinChannelArgs, Position, Profile, SystemPayloads, Will,
Delivery, GroupOptions
} from "./wire.js";

/** `room:channel`, or `room:*` for a whole room. */
export type Address = `${string}:${string}`;

/**
 * What travels where, for the compiler: payloads by address, questions and answers by address. Keys may be patterns
 * such as `room:${string}`. With a schema an address that it does not name is an error.
 */
export interface Schema {
  channels?: object;
  requests?: object;
}

export interface AnySchema extends Schema {
  channels: Record<Address, unknown>;
  requests: Record<Address, { data: unknown; reply: unknown }>;
}

type Part<S extends Schema, K extends keyof Schema> = S[K] extends object ? S[K] : Record<never, never>;
/** The addresses of a schema. */
export type Channel<S extends Schema> = keyof Part<S, "channels"> & string;
/** What an address carries. */
export type Payload<S extends Schema, A> = A extends keyof Part<S, "channels"> ? Part<S, "channels">[A] : unknown;
/** The addresses that answer. */
export type Service<S extends Schema> = keyof Part<S, "requests"> & string;
type Row<S extends Schema, A> = A extends keyof Part<S, "requests"> ? Part<S, "requests">[A] : unknown;
/** The question that an address takes. */
export type Question<S extends Schema, A> = Row<S, A> extends { data: infer D } ? D : unknown;
/** The answer that it gives. */
export type Answer<S extends Schema, A> = Row<S, A> extends { reply: infer R } ? R : unknown;

/** Events that a handle did not get. */
export interface Gap {
  channel: string;
  epoch: string;
  /** First and last seq, both included. */
  from: number;
  to: number;
  missed: number;
  reason:
    | "epoch_changed" | "evicted" | "over_limit" | "disabled" | "hole" | "overflow" | "away"
    | (string & {});
  /** False: nobody knows how many were missed. */
  exact: boolean;
}

/** One message as a reader gets it. */
export interface Message<T = unknown> {
  kind: "event" | "private" | "broadcast" | "telemetry";
  id: string;
  /** Client id. */
  sender: string;
  /** Empty for a private message. */
  room: string;
  /** Empty for a private message or a broadcast. */
  channel: string;
  /** Place in the channel; 0 for a private message or a broadcast. */
  seq: number;
  /** RFC 3339: when the server accepted it. */
  timestamp: string;
  data: T;
  metadata: Record<string, unknown>;
  replyTo: string | undefined;
  traceparent: string | undefined;
  tracestate: string | undefined;
  /** Of telemetry: what happened. */
  event: string | undefined;
  /** True: it was published before the handle began, or while it was away. */
  replay: boolean;
  /** What is missing between the message before and this one. */
  gap: Gap | undefined;
  /** Of an event for a member of a durable group: it is to be acknowledged, which `run` does by itself. */
  delivery: Delivery | undefined;
}

/** Answer to an event that was published with `ack`. */
export interface Ack extends EventResult {
  id: string;
  /** To how many members or group members it goes, where the server says it. */
  delivered?: number;
}

export interface CallOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface SendOptions extends CallOptions {
  /** Names the message; the same id again is known as a repeat. Made if absent. */
  id?: string;
  metadata?: Record<string, unknown>;
  replyTo?: string;
  /** What becomes of it while there is no connection. Default `queue`. */
  whenOffline?: "queue" | "reject" | "drop";
  /** Trace context to pass on, where no tracing is set. */
  traceparent?: string;
  tracestate?: string;
}

export interface PublishOptions extends SendOptions {
  /** True: wait for the server to have it. */
  ack?: boolean;
}

export interface ReaderOptions<T = unknown> {
  /** Most messages that wait for the reader. Default 1024. */
  queue?: number;
  /** Most characters of text that wait for the reader. Default 4 Mi. */
  queueBytes?: number;
  /** Default `drop_oldest`; `block` stops to read the socket, where the platform can (`ws`), else it is `error`. */
  whenFull?: "drop_oldest" | "drop_newest" | "error" | "block";
  /** Reads the payload; throws if it does not fit. */
  decode?: (payload: unknown) => T;
  /** Default `raise`: that step of the iterator rejects, the next one goes on. */
  onDecodeError?: "raise" | "skip";
  signal?: AbortSignal;
}

export interface SubscribeOptions<T = unknown> extends ReaderOptions<T> {
  since?: Position;
  replay?: number;
  recover?: NonNullable<JoinChannelArgs["recover"]>;
  group?: string;
  /** Of a durable group; whoever makes it says them, and they stand. */
  group_options?: GroupOptions;
  presence?: boolean;
  overflow?: NonNullable<JoinChannelArgs["overflow"]>;
  create?: boolean;
}

export interface RunOptions<T = unknown> {
  /** Most handlers at once. Default 1. */
  concurrency?: number;
  /** Messages of one key are handled in their order. */
  perKey?: (message: Message<T>) => unknown;
}

export type State = "idle" | "connecting" | "connected" | "reconnecting" | "draining" | "closed";
export type Cause =
  | "opened" | "resumed" | "dial_failed" | "lost" | "closed_by_server" | "silent" | "user" | "refused";

export interface StateChange {
  from: State;
  to: State;
  cause: Cause;
  /** Of the close, if there was one. */
  code?: number;
  reason?: string;
  /** Dials since the last stable session. */
  attempt: number;
  /** When the next dial comes, if one is planned. */
  retryInMs?: number;
  /** True: the server knows this client as who it was. */
  resumed?: boolean;
}

export type TokenReason = "first" | "reconnect" | "expired" | "rejected";
/** Gives a token for one dial. Throws `Unauthorized` to end the bus. */
export type TokenFunction = (ask: { reason: TokenReason; signal: AbortSignal }) =>
  | string | undefined | Promise<string | undefined>;

/** Trace context, as `@arqonbus/client/otel` gives it. */
export interface Tracing {
  /** Called before anything else of a call happens, so that the caller's context is still active. */
  send(what: { address: string; id: string }): {
    carrier: { traceparent?: string; tracestate?: string };
    done(error?: unknown): void;
  };
  /** Run a handler inside the context of its message. */
  process<R>(message: Message, run: () => R): R;
}

export interface ConnectOptions {
  token?: string | TokenFunction;
  profile?: Profile;
  will?: Will;
  /** Default: that of the platform. On Node 20: `import WebSocket from "ws"`. */
  WebSocket?: SocketClass | undefined;
  tracing?: Tracing;
  /** Told of what no call waits for. Default: `console.error`. */
  onError?: (error: unknown) => void;
  /** Default 10,000: token, socket and `connect` together. */
  dialTimeoutMs?: number;
  /** Default 256. */
  outboxMessages?: number;
  /** Default 1 Mi, in characters of text. */
  outboxBytes?: number;
  /** Default 30,000. */
  outboxTtlMs?: number;
  /** Default 250: how long a membership outlives its last handle. */
  lingerMs?: number;
  /** False: do not listen to the page's and the network's coming and going. */
  lifecycle?: boolean | EventTarget;
  /** For tests. */
  clock?: Clock;
  /** For tests: in [0, 1). */
  random?: () => number;
}

/** Commands of the contract that the server's own schema does not have yet. */
interface Planned {
  refresh_token: { args: { token: string }; result: { expires_at: string } };
  explain: {
    args: { id: string } | { room: string; channel: string; client: string };
    result: Record<string, unknown>;
  };
}

/** Every command with its args and result: the server's schema wins over what is planned. */
export type CommandTable = Commands & Omit<Planned, keyof Commands>;
export type CommandName = keyof CommandTable & string;

/** A system event as it came. */
export type SystemEvent = {
  [K in keyof SystemPayloads]: { event: K; payload: SystemPayloads[K]; room?: string; channel?: string };
}[keyof SystemPayloads];

/** What `bus.on` tells. */
export interface BusEvents {
  state: StateChange;
  system: SystemEvent;
  gap: { address: string; gap: Gap };
  error: unknown;
}

export interface Stats {
  state: State;
  outbox: number;
  queued: number;
  sent: number;
  received: number;
  repeats: number;
  gaps: number;
  missed: number;
  dropped: number;
  expired: number;
  unheard: number;
  unreadable: number;
  dials: number;
  reconnects: number;
}

