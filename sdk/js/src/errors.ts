// The tree of errors: one class for each decision that the caller can take.
//
// BusError
// ├── CannotConnect     look at the address and the server, try later
// ├── Unauthorized      get other credentials
// ├── BusClosed         make a new bus
// ├── NotConnected      wait for `connected`
// ├── OutboxFull        slow down
// ├── Expired           send again: nothing was done
// ├── OutcomeUnknown    look before sending again: it may be done
// ├── Rejected          the server said no: read the code
// │   ├── InvalidRequest, Denied, NotFound, Conflict, LimitReached, TryLater, ServerFault
// ├── NoResponder       start one
// ├── RequestFailed     the responder said no: read the code
// ├── DecodeError       mend the decoder, or the sender
// ├── SubscriptionEnded subscribe again, or not
// └── SlowReader        read faster, or take another policy

import type { ErrorBody } from "./wire.js";

/** What an error says beside its words. */
export interface ErrorFacts {
  /** What to do. */
  hint?: string;
  retryable?: boolean;
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** Root of everything that this package throws or rejects with. */
export class BusError extends Error {
  /** A word for programs: of the server for `Rejected`, else of this package. */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;
  /** True: the same call may succeed later. */
  readonly retryable: boolean;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.hint = facts.hint ?? "";
    this.retryable = facts.retryable ?? false;
    this.details = facts.details;
  }
}

export class CannotConnect extends BusError {}
export class Unauthorized extends BusError {
  constructor(message = "the server does not accept the credentials", cause?: unknown, code = "unauthenticated") {
    super(code, message, { cause, hint: "get another token" });
  }
}
export class BusClosed extends BusError {
  constructor(cause?: unknown, message = "the bus is closed", details?: Record<string, unknown>) {
    super("closed", message, { cause, details, hint: "make a new one with connect()" });
  }
}
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

// Names survive minifiers, which rename classes but not keys.
for (const [name, kind] of Object.entries({
  BusError, CannotConnect, Unauthorized, BusClosed, NotConnected, OutboxFull, Expired, OutcomeUnknown, Rejected,
  InvalidRequest, Denied, NotFound, Conflict, LimitReached, TryLater, ServerFault, NoResponder, RequestFailed,
  DecodeError, SubscriptionEnded, SlowReader, ReplyError,
})) Object.defineProperty(kind.prototype, "name", { value: name });

type Row = [codes: string, kind: typeof Rejected, hint: string];

const ROWS: Row[] = [
  ["invalid_json invalid_envelope unsupported_version unknown_type unknown_command invalid_args too_large", InvalidRequest, "mend the call"],
  ["unauthenticated forbidden", Denied, "get the right to do this"],
  ["not_found", NotFound, "make it, or name another"],
  ["already_exists conflict", Conflict, "look at its state"],
  ["limit_exceeded", LimitReached, "give something up"],
  ["rate_limited unavailable overloaded", TryLater, "wait, then try again"],
  ["internal", ServerFault, "report details.trace_id"],
];

/** Make the error for a refusal of the server. */
export function rejection({ code, message, retryable, details }: ErrorBody): BusError {
  if (code === "timeout") return new OutcomeUnknown("outcome_unknown", message, { retryable, details, hint: LOOK });
  const row = ROWS.find(([codes]) => codes.split(" ").includes(code));
  const [, kind, hint] = row ?? ["", retryable ? TryLater : Rejected, ""];
  return new kind(code, message, { hint, retryable, details });
}

const LOOK = "look before you send it again";

export const tooLarge = (size: number, limit: number): InvalidRequest =>
  new InvalidRequest("too_large", `expected at most ${limit} bytes, got ${size}`, { hint: "send less at once" });
export const outcomeUnknown = (why: string): OutcomeUnknown =>
  new OutcomeUnknown("outcome_unknown", `${why}; it may be done`, { retryable: true, hint: LOOK });
export const expired = (): Expired =>
  new Expired("expired", "it could not be sent in time; nothing was done", { retryable: true, hint: "send it again" });
export const notConnected = (): NotConnected =>
  new NotConnected("not_connected", "there is no connection now", { retryable: true, hint: "wait for bus.ready()" });
export const outboxFull = (): OutboxFull =>
  new OutboxFull("outbox_full", "the outbox is full", { retryable: true, hint: "wait for answers before you send more" });
