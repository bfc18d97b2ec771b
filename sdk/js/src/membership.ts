// One address on the wire, shared by all handles on it: joined by the first, left a moment after the last, brought back
// after each reconnect.

import { Backoff } from "./backoff.js";
import type { Frame } from "./codec.js";
import { SubscriptionEnded, type BusError } from "./errors.js";
import { hole, type Cursor, type Subscription } from "./subscription.js";
import type { Gap } from "./types.js";
import type { JoinChannelArgs, JoinChannelResult, Resumed } from "./wire.js";

/** What a membership needs of its bus. */
export interface Wire {
  /** Run a command of the SDK itself; nothing is called when the connection is lost. */
  ask(command: string, args: object, done: (result: Frame) => void, failed: (error: BusError) => void): void;
  later(run: () => void, delayMs: number): unknown;
  random(): number;
}

/** Reasons for which a channel was joined but not all of it brought back; others are codes of errors. */
const LOST_REASONS = ["epoch_changed", "evicted", "over_limit", "disabled"];

/** The state of one address. */
export class Membership {
  readonly room: string;
  readonly channel: string;
  readonly handles = new Set<Subscription<never>>();
  /** On the connection that stands. */
  isJoined = false;
  /** Joins on the way. */
  joins = 0;
  /** Timer of the leave. */
  linger: unknown;
  readonly #wire: Wire;
  readonly #wants: Pick<JoinChannelArgs, "group" | "group_options" | "overflow" | "recover" | "create">;
  readonly #tops = new Map<string, { epoch: string; seq: number }>();
  readonly #backoff: Backoff;
  #ignores = false;
  #wasJoined = false;
  #life = 0;

  constructor(wire: Wire, { room, channel, wants }: Subscription<never>) {
    this.room = room;
    this.channel = channel;
    this.#wire = wire;
    this.#wants = wants;
    this.#backoff = new Backoff(() => wire.random());
  }

  get group(): string | null | undefined {
    return this.#wants.group;
  }

  get #isRoom(): boolean {
    return this.channel === "*";
  }

  /** Whether a handle with these options can share this membership. */
  suits({ group, overflow, recover }: Omit<JoinChannelArgs, "room">): boolean {
    const mine = this.#wants;
    return mine.group === group && mine.overflow === overflow && mine.recover === recover;
  }

  /** Take in a handle; `isUp`: there is a connection to join on. */
  add(handle: Subscription<never>, isUp: boolean): void {
    const isNew = !this.isJoined && !this.joins;
    const watched = this.#isWatched;
    this.handles.add(handle);
    if (isUp && (isNew || handle.looksBack || this.#isWatched !== watched || handle.follower)) this.join(handle);
    else if (this.isJoined) this.#startAtTop(handle);
  }

  get #isWatched(): boolean {
    return [...this.handles].some(({ wants }) => wants.presence);
  }

  #startAtTop(handle: Subscription<never>): void {
    for (const [channel, { epoch, seq }] of this.#tops) handle.begin(channel, epoch, seq);
    handle.start();
  }

  // --- joining

  /** Join for one handle, or for all of them: anew, from where they are. */
  join(asker?: Subscription<never>): void {
    const life = this.#life;
    const { group, group_options, overflow, recover, create } = this.#wants;
    const from = asker ? asker.wants.since : this.isJoined || this.#isRoom ? undefined : this.#places().get(this.channel);
    this.joins++;
    this.#wire.ask(
      "join_channel",
      {
        room: this.room, channel: this.channel, group, group_options, overflow, recover, create,
        since: from && { epoch: from.epoch, seq: from.seq },
        replay: asker?.wants.replay,
        presence: this.#isWatched || undefined,
      },
      (result) => {
        if (life === this.#life) this.#joined(result as JoinChannelResult, asker);
      },
      (error) => {
        if (life === this.#life) this.#refused(error, asker);
      },
    );
  }

  #joined(result: JoinChannelResult, asker: Subscription<never> | undefined): void {
    const isAnew = !this.isJoined && this.#wasJoined && !asker;
    this.joins--;
    this.isJoined = this.#wasJoined = true;
    this.#ignores = false;
    this.#backoff.reset();
    if (this.#isRoom) this.#joinedRoom(result);
    else this.#joinedChannel(result, asker, isAnew);
    for (const handle of this.handles) handle.follower?.joined(result);
  }

  #joinedChannel(result: JoinChannelResult, asker: Subscription<never> | undefined, isAnew: boolean): void {
    const { channel } = this;
    const { epoch = "", seq = 0, replayed } = result;
    this.#note(channel, epoch, seq);
    for (const handle of this.handles) {
      const { since } = handle.wants;
      if (handle === asker && !handle.hasStarted) {
        handle.begin(channel, since?.epoch ?? epoch, since?.seq ?? seq - replayed, seq);
        if (since) handle.rejoin(channel, result);
      } else if (handle.hasStarted && isAnew) handle.rejoin(channel, result);
      else if (!handle.hasStarted && !handle.looksBack) handle.begin(channel, epoch, seq);
      else continue;
      handle.start();
    }
  }

  #joinedRoom({ positions = [] }: JoinChannelResult): void {
    for (const { channel, epoch, seq } of positions) {
      this.#note(channel, epoch, seq);
      for (const handle of this.handles) {
        const at = handle.cursors.get(channel);
        if (!at || !handle.hasStarted) {
          // Known only now: at the first join it begins here, later it began while the bus was away.
          handle.begin(channel, epoch, handle.hasStarted ? 0 : seq, seq);
          if (handle.hasStarted) handle.skip(hole(channel, { epoch, seq: 0 }, seq));
        } else if (at.epoch && at.epoch !== epoch) {
          const lost = seq ? { lost: { from: 1, to: seq } } : {};
          handle.rejoin(channel, { epoch, seq, recovered: false, reason: "epoch_changed", ...lost });
        } else {
          at.epoch = epoch;
          handle.skip(hole(channel, at, seq));
        }
      }
    }
    for (const handle of this.handles) handle.start();
  }

  #refused(error: BusError, asker: Subscription<never> | undefined): void {
    this.joins--;
    const concerned = [...this.handles].filter((handle) => !asker || handle === asker || (!this.isJoined && !handle.looksBack));
    if (error.retryable && concerned.some((handle) => handle.hasStarted)) {
      const life = this.#life;
      this.#wire.later(() => {
        if (life === this.#life && this.handles.size) this.join();
      }, this.#backoff.next());
    } else for (const handle of concerned) handle.end(error);
  }

  // --- over a reconnect

  /** The connection is gone, and with it whatever was asked for. */
  lost(): void {
    this.#life++;
    this.isJoined = this.#ignores = false;
    this.joins = 0;
    for (const handle of this.handles) {
      handle.follower?.lost();
      handle.forget();
    }
  }

  /** What `connect` can bring back, by channel. */
  positions(): Map<string, Cursor> {
    const { recover = "strict" } = this.#wants;
    return recover === "strict" ? this.#places() : new Map();
  }

  /** For each channel the place from which every handle has all that follows. */
  #places(): Map<string, Cursor> {
    const places = new Map<string, Cursor>();
    if (this.#wants.group) return places;
    for (const handle of this.handles) {
      for (const [channel, at] of handle.hasStarted && !handle.follower ? handle.cursors : []) {
        const known = places.get(channel);
        if (at.epoch && (!known || (known.epoch === at.epoch && at.seq < known.seq))) places.set(channel, { ...at });
      }
    }
    return places;
  }

  /** Take in what `connect` brought back: this channel, or one of this room. Returns whether it was brought back. */
  resumed(entry: Resumed): boolean {
    const { channel, epoch, seq, reason, lost, group } = entry as Resumed & { group?: string };
    // A group has no position: the ticket brought it back, or it is joined anew.
    if (this.group) return (this.isJoined = group === this.group);
    if (!entry.recovered && !lost && !LOST_REASONS.includes(reason ?? "")) return false;
    if (!this.#isRoom) this.isJoined = true;
    this.#note(channel, epoch, seq);
    for (const handle of this.handles) {
      if (handle.hasStarted) handle.rejoin(channel, entry as typeof entry & { lost: never });
      else if (!this.#isRoom && !handle.looksBack) this.#startAtTop(handle);
    }
    return true;
  }

  /** Join what did not come back, and what came back without its options. */
  complete(): void {
    const handles = [...this.handles];
    const own = handles.filter((handle) => handle.looksBack);
    if (own.length < handles.length && (!this.isJoined || this.#isWatched || this.#wants.overflow)) {
      this.#ignores = !this.isJoined && !this.#isRoom && this.#places().size > 0;
      this.join();
    }
    for (const handle of own) this.join(handle);
  }

  // --- what comes

  event(frame: Frame, size: number): void {
    if (this.#ignores) return;
    const top = this.#tops.get(frame["channel"]);
    if (top && frame["seq"] > top.seq) top.seq = frame["seq"];
    for (const handle of this.handles) handle.accept(frame, size);
  }

  gap(gap: Gap): void {
    if (this.#ignores) return;
    this.#note(gap.channel, gap.epoch, gap.to);
    for (const handle of this.handles) if (handle.hasStarted) handle.skip(gap);
  }

  /** A channel of this room was made. */
  created(channel: string, epoch: string, seq: number): void {
    this.#note(channel, epoch, seq);
    for (const handle of this.handles) if (!handle.cursors.has(channel)) handle.begin(channel, epoch, seq);
  }

  /** A channel is gone: handles on it end, those on its room go on. Returns whether this membership is over. */
  deleted(channel: string, reason: string): boolean {
    this.#tops.delete(channel);
    for (const handle of this.handles) {
      handle.cursors.delete(channel);
      if (!this.#isRoom) handle.end(new SubscriptionEnded(`${this.room}:${channel} is gone`, { code: reason }));
    }
    return !this.#isRoom;
  }

  #note(channel: string, epoch: string, seq: number): void {
    const top = this.#tops.get(channel);
    if (!top || top.epoch !== epoch || seq > top.seq) this.#tops.set(channel, { epoch, seq });
  }
}
