// A handle on one address: how far its reader is in each channel, and what is missing.
// Messages given + `missed` of the gaps = events published since its start.

import { split, type Frame } from "./codec.js";
import { Reader, type Desk } from "./reader.js";
import type { Gap, SubscribeOptions } from "./types.js";
import type { JoinChannelResult, Lost, Position } from "./wire.js";

/** How far a handle is in one channel. */
export interface Cursor {
  epoch: string;
  /** Of the last event that came or is known to be missing. */
  seq: number;
  /** Events up to here are replays. */
  top: number;
}

/** What a join with a position led to. */
export interface Outcome {
  epoch?: string;
  seq?: number;
  recovered: boolean;
  reason?: string | null;
  lost?: Lost;
  replayed?: number;
}

/** Of a group, whose events are not consecutive: so many seqs are known as repeats. */
const KNOWN_SEQS = 1000;

/** Events of one channel, or of a whole room. Iterate it, listen to it, or `run` a handler. */
export class Subscription<T = unknown> extends Reader<T> {
  /** `room:channel` or `room:*`. */
  readonly address: string;
  readonly room: string;
  /** `*`: every channel of the room. */
  readonly channel: string;
  /** @internal */
  readonly wants: SubscribeOptions<T>;
  /** @internal what a follower of presence does with the answer to each join, and with each change */
  follower: { joined(result: JoinChannelResult): void; changed(event: string, payload: Frame): void; lost(): void } | undefined;
  /** @internal */
  readonly cursors = new Map<string, Cursor>();
  /** @internal true: its first join was answered */
  hasStarted = false;
  readonly #known = new Set<number>();
  #held: [frame: Frame, size: number][] = [];
  #starting: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  readonly #started: Promise<void>;

  constructor(desk: Desk, address: string, options: SubscribeOptions<T>, left: () => void) {
    super(desk, options, left);
    this.address = address;
    [this.room, this.channel] = split(address);
    this.wants = options;
    this.#started = new Promise((resolve, reject) => (this.#starting = { resolve, reject }));
    this.#started.catch(() => {});
  }

  /** Wait until the server has let it in. Rejects if it does not, or the handle ends before. */
  ready(): Promise<void> {
    return this.#started;
  }

  /** The last event that came; undefined before the join, for a whole room and in a group. */
  get position(): Position | undefined {
    const at = this.cursors.get(this.channel);
    return at && !this.wants.group ? { epoch: at.epoch, seq: at.seq } : undefined;
  }

  /** Leave: the iterator is done; the membership ends a moment later if this was its last handle. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  override end(error?: unknown, now = false): void {
    super.end(error, now);
    this.#starting?.reject(error ?? new DOMException("the handle was closed", "AbortError"));
  }

  /** @internal whether it asks for events that were before it */
  get looksBack(): boolean {
    return !this.hasStarted && (this.wants.since !== undefined || !!this.wants.replay);
  }

  /** @internal its join was answered */
  start(): void {
    if (this.hasStarted) return;
    this.hasStarted = true;
    this.#starting?.resolve();
    const held = this.#held;
    this.#held = [];
    for (const [frame, size] of held) this.accept(frame, size);
  }

  /** @internal go on behind `seq` */
  begin(channel: string, epoch: string, seq: number, top = seq): void {
    this.cursors.set(channel, { epoch, seq, top });
  }

  /** @internal take in what a join with the handle's position led to */
  rejoin(channel: string, { epoch = "", seq = 0, recovered, reason, lost, replayed = 0 }: Outcome): void {
    const at = this.cursors.get(channel);
    if (!at) return;
    if (recovered) {
      at.top = seq;
      return;
    }
    const isNew = reason === "epoch_changed";
    const from = Math.max(lost?.from ?? 0, isNew ? 0 : at.seq + 1);
    const missed = lost ? Math.max(0, lost.to - from + 1) : 0;
    this.begin(channel, epoch, seq - replayed, seq);
    if (missed || isNew) {
      this.declare({ channel, epoch, from, to: lost?.to ?? 0, missed, reason: reason ?? "hole", exact: !isNew });
    }
  }

  /** @internal the server dropped a range for this client */
  skip(gap: Gap): void {
    const at = this.cursors.get(gap.channel);
    if (gap.reason === "epoch_changed") {
      this.begin(gap.channel, gap.epoch, gap.to);
      this.#known.clear();
      return this.declare({ ...gap, exact: false });
    }
    if (!at || gap.to <= at.seq) return;
    const from = Math.max(gap.from, at.seq + 1);
    at.seq = gap.to;
    this.declare({ ...gap, from, missed: gap.to - from + 1 });
  }

  /** @internal take in an event of the socket */
  accept(frame: Frame, size: number): void {
    const { channel, seq } = frame as { channel: string; seq: number };
    if (this.follower) return;
    if (!this.hasStarted) {
      // Events of a whole room may come before the answer that says where each channel was.
      if (this.channel === "*" && this.#held.length < KNOWN_SEQS) this.#held.push([frame, size]);
      return;
    }
    if (this.wants.group) return this.#acceptOfGroup(frame, size);
    const at = this.cursors.get(channel);
    if (!at) this.begin(channel, "", seq, 0);
    else if (seq <= at.seq) return void this.desk.stats.repeats++;
    else {
      if (seq > at.seq + 1) this.skip({ ...hole(channel, at, seq - 1), reason: "hole" });
      at.seq = seq;
    }
    this.push(frame, size, !!at && seq <= at.top);
  }

  #acceptOfGroup(frame: Frame, size: number): void {
    const seq = frame["seq"] as number;
    if (frame["delivery"]) return this.push(frame, size);
    if (this.#known.has(seq)) return void this.desk.stats.repeats++;
    this.#known.add(seq);
    if (this.#known.size > KNOWN_SEQS) this.#known.delete(this.#known.values().next().value!);
    this.push(frame, size);
  }

  protected override epochOf(channel: string): string {
    return this.cursors.get(channel)?.epoch ?? "";
  }
}

/** Everything behind a cursor up to `to`, as missing. */
export function hole(channel: string, at: { epoch: string; seq: number }, to: number): Gap {
  return { channel, epoch: at.epoch, from: at.seq + 1, to, missed: to - at.seq, reason: "away", exact: true };
}
