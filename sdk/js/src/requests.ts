// Questions that wait for their reply.

import type { Clock } from "./clock.js";
import type { Frame } from "./codec.js";
import { NoResponder, NotFound, OutcomeUnknown, RequestFailed } from "./errors.js";
import type { SendOptions } from "./types.js";

interface Question {
  resolve(reply: Frame): void;
  reject(error: unknown): void;
  /** True: the server has it. */
  isSent: boolean;
}

/** The table of questions by their id. */
export class Requests {
  readonly #clock: Clock;
  readonly #open = new Map<string, Question>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Send a question with `send`, which gives its acknowledgement, and wait for the reply. */
  async ask(id: string, send: () => Promise<Frame>, timeoutMs: number, { signal }: SendOptions): Promise<Frame> {
    let timer: unknown;
    let abort = (): void => {};
    try {
      const reply = await new Promise<Frame>((resolve, reject) => {
        const question = { resolve, reject, isSent: false };
        this.#open.set(id, question);
        send().then(({ absent, delivered }) => {
          question.isSent = true;
          if (absent?.length || delivered === 0) reject(noResponder());
        }, (error) => reject(error instanceof NotFound ? noResponder() : error));
        timer = this.#clock.setTimeout(() => reject(new OutcomeUnknown(`no reply within ${timeoutMs} ms`)), timeoutMs);
        abort = () => reject(signal!.reason);
        signal?.addEventListener("abort", abort);
      });
      const error = reply["metadata"]?.error;
      if (error) throw new RequestFailed(error.message || "the responder failed", { code: error.code });
      return reply;
    } finally {
      this.#open.delete(id);
      this.#clock.clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Take in a private message. Returns whether it was a reply that somebody waits for. */
  answered(frame: Frame): boolean {
    const question = this.#open.get(frame["reply_to"]);
    question?.resolve(frame);
    return !!question;
  }

  /** The client has another id: replies to what it asked before find nobody. */
  orphaned(isWaiting: (id: string) => boolean): void {
    for (const [id, question] of this.#open) {
      if (question.isSent || isWaiting(id)) question.reject(new OutcomeUnknown("the connection was lost"));
    }
  }

  failAll(error: unknown): void {
    for (const { reject } of this.#open.values()) reject(error);
  }
}

const noResponder = (): NoResponder => new NoResponder("nobody is there to answer");
