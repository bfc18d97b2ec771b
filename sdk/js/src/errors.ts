// The tree of errors: one class for each decision that the caller can take.
//
// BusError
// ├── CannotConnect      look at the address and the server, try later
// ├── Unauthorized       get other credentials
// ├── BusClosed          make a new bus
// ├── NotConnected       wait for `connected`
// ├── OutboxFull         slow down
// ├── Expired            send again: nothing was done
// ├── OutcomeUnknown     look before sending again: it may be done
// ├── Rejected           the server said no: read the code
// │   └── InvalidRequest, Denied, NotFound, Conflict, LimitReached, TryLater, ServerFault
// ├── NoResponder        start one
// ├── RequestFailed      the responder said no: read the code
// ├── DecodeError        mend the decoder, or the sender
// ├── SubscriptionEnded  subscribe again, or not
// └── SlowReader         read faster, or take another policy

import type { ErrorBody } from "./wire.js";

/** What an error says beside its words; what is absent is as its class says. */
export interface ErrorFacts {
  code?: string;
  retryable?: boolean;
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** Root of everything that this package throws or rejects with. */
export class BusError extends Error {
  /** A word for programs: of the server for `Rejected`, else of this package. */
  declare readonly code: string;
  /** What to do about it. */
  declare readonly hint: string;
  /** True: the same call may succeed later. */
  declare readonly retryable: boolean;
  declare readonly details: Record<string, unknown> | undefined;

  constructor(message: string, { cause, ...facts }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, facts);
  }
}

export class CannotConnect extends BusError {}
/** The server does not let these credentials in. A token function throws it to end the bus. */
export class Unauthorized extends BusError {}
export class BusClosed extends BusError {}
export class NotConnected extends BusError {}
export class OutboxFull extends BusError {}
export class Expired extends BusError {}
export class OutcomeUnknown extends BusError {}
/** The server said no; `code` is the server's. */
export class Rejected extends BusError {
  /** Least time to wait before another try, where the server said it. */
  get retryAfterMs(): number | undefined {
    return this.details?.["retry_after_ms"] as number | undefined;
  }
}
export class InvalidRequest extends Rejected {}
export class Denied extends Rejected {}
export class NotFound extends Rejected {}
export class Conflict extends Rejected {}
export class LimitReached extends Rejected {}
export class TryLater extends Rejected {}
export class ServerFault extends Rejected {}
export class NoResponder extends BusError {}
export class RequestFailed extends BusError {}
export class DecodeError extends BusError {}
export class SubscriptionEnded extends BusError {}
export class SlowReader extends BusError {}

/** What a handler of requests throws to answer with an error of its own. */
export class ReplyError extends Error {
  readonly code: string;
  constructor(code: string, message = "") {
    super(message);
    this.code = code;
  }
}

type Kind = new (message: string, facts?: ErrorFacts) => BusError;
type Row = [kind: Kind, name: string, codes: string, hint: string, retryable?: boolean];

// One table: class, its name (minifiers rename classes), its codes (the first is its own), what to do, and whether the
// same call may succeed later.
const ROWS: Row[] = [
  [BusError, "BusError", "error", ""],
  [CannotConnect, "CannotConnect", "cannot_connect", "check the address, and that the server runs", true],
  [Unauthorized, "Unauthorized", "unauthenticated", "connect with other credentials"],
  [BusClosed, "BusClosed", "closed", "make a new bus with connect()"],
  [NotConnected, "NotConnected", "not_connected", "wait for bus.ready()", true],
  [OutboxFull, "OutboxFull", "outbox_full", "wait for answers before you send more", true],
  [Expired, "Expired", "expired", "nothing was done: send it again", true],
  [OutcomeUnknown, "OutcomeUnknown", "outcome_unknown timeout", "it may be done: look before you send it again"],
  [Rejected, "Rejected", "rejected", "read the code"],
  [InvalidRequest, "InvalidRequest", "invalid_args invalid_json invalid_envelope unsupported_version unknown_type unknown_command too_large", "mend the call"],
  [Denied, "Denied", "forbidden unauthenticated", "get the right to do this"],
  [NotFound, "NotFound", "not_found", "make it, or check the name"],
  [Conflict, "Conflict", "conflict already_exists", "look at its state"],
  [LimitReached, "LimitReached", "limit_exceeded", "give something up"],
  [TryLater, "TryLater", "unavailable rate_limited overloaded", "wait, then try again", true],
  [ServerFault, "ServerFault", "internal", "report details.trace_id", true],
  [NoResponder, "NoResponder", "no_responder", "start a responder", true],
  [RequestFailed, "RequestFailed", "handler_failed", "look at the responder"],
  [DecodeError, "DecodeError", "decode", "check the decoder, or the sender"],
  [SubscriptionEnded, "SubscriptionEnded", "deleted", "subscribe again if it is made anew"],
  [SlowReader, "SlowReader", "slow_reader", "read faster, or see whenFull"],
  [ReplyError as unknown as Kind, "ReplyError", "handler_failed", ""],
];

for (const [kind, name, codes, hint, retryable = false] of ROWS) {
  Object.assign(kind.prototype, { name, code: codes.split(" ")[0], hint, retryable });
}

/** What calls of a bus that is over fail with. */
export const closed = (cause?: unknown): BusClosed => new BusClosed("the bus is closed", { cause });

/** Make the error for a refusal of the server. */
export function rejection({ code, message, retryable, details }: ErrorBody): BusError {
  const row = ROWS.find(([kind, , codes]) => (kind === OutcomeUnknown || kind.prototype instanceof Rejected) && codes.split(" ").includes(code));
  const kind = row?.[0] ?? (retryable ? TryLater : Rejected);
  return new kind(message, { code: kind === OutcomeUnknown ? "outcome_unknown" : code, retryable, details });
}
