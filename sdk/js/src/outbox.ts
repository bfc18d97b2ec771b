// What waits to be sent, and what was sent and waits for its answer. Bounded in number and in size.

import { OutboxFull } from "./errors.js";
import type { Frame } from "./codec.js";

/** What becomes of a call whose connection ends before its answer comes. */
export type AfterLoss =
  /** an event: sent again if the server can know it as a repeat */
  | "repeat"
  /** a command that changes nothing when it is done twice */
  | "again"
  /** nobody can say whether it was done */
  | "unknown"
  /** the SDK's own, made anew for each connection */
  | "forget";

/** One message on its way. */
export interface Call {
  readonly id: string;
  readonly text: string;
  readonly afterLoss: AfterLoss;
  /** True: the server answers it. Without, it is done when it is sent. */
  readonly answered: boolean;
  /** Where it goes, for errors that no call waits for. */
  readonly address: string;
  sent?: boolean;
  /** Ends what runs beside it: its timer, its abort listener. */
  settle?: () => void;
  done(result: Frame): void;
  failed(error: unknown): void;
}

/** The calls of one bus, in their order. Says no to a user's call past its bounds. */
export class Outbox {
  /** Not sent yet. */
  readonly queue: Call[] = [];
  /** Sent, not answered. */
  readonly waiting = new Map<string, Call>();
  readonly #messages: number;
  readonly #size: number;
  readonly #idle: (() => void)[] = [];
  #held = 0;
  #heldSize = 0;

  /** Bounds: number of messages, and characters of text. */
  constructor(messages: number, size: number) {
    this.#messages = messages;
    this.#size = size;
  }

  /** Calls of users that wait. */
  get depth(): number {
    return this.#held;
  }

  get isEmpty(): boolean {
    return !this.queue.length && !this.waiting.size;
  }

  /** Wait until nothing waits. */
  empty(): Promise<void> {
    return this.isEmpty ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Take in one more. Throws OutboxFull. */
  hold(call: Call): void {
    if (this.#held >= this.#messages || this.#heldSize + call.text.length > this.#size) throw new OutboxFull("the outbox is full");
    this.#held++;
    this.#heldSize += call.text.length;
    const { settle } = call;
    call.settle = () => {
      this.#held--;
      this.#heldSize -= call.text.length;
      settle?.();
    };
  }

  /** Note that it was written to the socket. */
  sent(call: Call): void {
    call.sent = true;
    if (call.answered) this.waiting.set(call.id, call);
    else this.finish(call, {});
  }

  /** End a call, well or with an error; a second end is none. */
  finish(call: Call | undefined, result: Frame | undefined, error?: unknown): void {
    if (!call?.settle) return;
    if (this.waiting.get(call.id) === call) this.waiting.delete(call.id);
    const at = call.sent ? -1 : this.queue.indexOf(call);
    if (at >= 0) this.queue.splice(at, 1);
    const { settle } = call;
    delete call.settle;
    settle();
    if (result) call.done(result);
    else call.failed(error);
    if (this.isEmpty) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
