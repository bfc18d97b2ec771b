// The memberships of one bus: who reads what, and what comes back after a reconnect.

import type { Frame } from "./codec.js";
import { Membership, type Wire } from "./membership.js";
import type { Subscription } from "./subscription.js";
import type { Gap } from "./types.js";
import type { ConnectResult, ResumePosition } from "./wire.js";

/** Most channels that one `connect` brings back. */
const MOST_POSITIONS = 1000;

/** What the memberships need of their bus. */
export interface Exchange extends Wire {
  readonly isUp: boolean;
  readonly lingerMs: number;
  cancel(timer: unknown): void;
}

export class Channels {
  readonly #wire: Exchange;
  readonly #memberships = new Map<string, Membership>();
  #isLeaving = false;

  constructor(wire: Exchange) {
    this.#wire = wire;
  }

  /** Take in a handle. Throws RangeError if it does not agree with the others of its address. */
  add(handle: Subscription<never>): void {
    const { address } = handle;
    let membership = this.#memberships.get(address);
    if (membership && !membership.suits(handle.wants)) {
      if (membership.handles.size) throw new RangeError(`${address}: group, overflow and recover must agree over its handles`);
      this.#leave(address, membership);
      membership = undefined;
    }
    membership ??= new Membership(this.#wire, handle);
    this.#memberships.set(address, membership);
    this.#wire.cancel(membership.linger);
    membership.add(handle, this.#wire.isUp);
  }

  /** Let go of a handle; the last one of an address leaves it a moment later. */
  remove(handle: Subscription<never>): void {
    const { address } = handle;
    const membership = this.#memberships.get(address);
    if (!membership?.handles.delete(handle) || membership.handles.size) return;
    // What a group gives to a member that reads no more is lost, so that one leaves at once.
    membership.linger = this.#wire.later(() => this.#leave(address, membership), membership.group ? 0 : this.#wire.lingerMs);
  }

  /** Leave everything. Handles take what comes up to the answer of the leave, give what they have, and end. */
  leaveAll(): void {
    for (const [address, membership] of this.#memberships) {
      const { room, channel } = membership;
      if (membership.isJoined || membership.joins) this.#askToLeave(room, channel, () => this.#endAll(address, membership));
      else this.#endAll(address, membership);
    }
    this.#isLeaving = true;
  }

  #endAll(address: string, membership: Membership): void {
    this.#wire.cancel(membership.linger);
    this.#memberships.delete(address);
    for (const handle of membership.handles) handle.end();
  }

  /** The bus is closed. */
  end(error: unknown): void {
    for (const { handles, linger } of this.#memberships.values()) {
      this.#wire.cancel(linger);
      for (const handle of handles) handle.end(error, error === undefined);
    }
  }

  #leave(address: string, membership: Membership): void {
    this.#wire.cancel(membership.linger);
    // While away nothing can be left: `connected` sees to it.
    if (!this.#wire.isUp || membership.handles.size || this.#memberships.get(address) !== membership) return;
    this.#memberships.delete(address);
    if (membership.isJoined || membership.joins) this.#askToLeave(membership.room, membership.channel);
  }

  #askToLeave(room: string, channel: string, answered = (): void => {}): void {
    // Whatever the answer: that the client was no member is as good.
    this.#wire.ask("leave_channel", { room, channel }, answered, answered);
  }

  // --- over a reconnect

  lost(): void {
    for (const [address, membership] of this.#memberships) {
      membership.lost();
      if (this.#isLeaving) this.#endAll(address, membership);
    }
  }

  /** What `connect` is to bring back. */
  positions(): ResumePosition[] {
    const found = new Map<string, ResumePosition>();
    for (const membership of this.#memberships.values()) {
      const { room } = membership;
      for (const [channel, { epoch, seq }] of membership.handles.size ? membership.positions() : []) {
        const known = found.get(`${room}:${channel}`);
        if (!known && found.size >= MOST_POSITIONS) continue;
        if (!known || (known.epoch === epoch && seq < known.seq)) found.set(`${room}:${channel}`, { room, channel, epoch, seq });
      }
    }
    return [...found.values()];
  }

  /** Take in what came back, join the rest, leave what nobody wants any more. */
  connected({ resumed }: ConnectResult, isKept: boolean): void {
    const unwanted = new Map<string, [room: string, channel: string]>();
    for (const entry of resumed) {
      const { room, channel } = entry;
      const own = this.#memberships.get(`${room}:${channel}`);
      const whole = this.#memberships.get(`${room}:*`);
      const cameBack = [own, whole].map((membership) => membership?.resumed(entry)).some(Boolean);
      // The membership of a room came back itself if the client was kept; else the channel was joined for its own sake.
      if (!own && (isKept ? !whole : cameBack)) unwanted.set(`${room}:${channel}`, [room, channel]);
    }
    for (const [address, membership] of this.#memberships) {
      if (membership.handles.size) membership.complete();
      else {
        this.#memberships.delete(address);
        this.#wire.cancel(membership.linger);
        if (isKept) unwanted.set(address, [membership.room, membership.channel]);
      }
    }
    for (const place of unwanted.values()) this.#askToLeave(...place);
  }

  // --- what comes

  /** Give an event to those who want it. Returns whether there is somebody. */
  event(frame: Frame, size: number): boolean {
    const concerned = this.#concerned(frame);
    for (const membership of concerned) membership.event(frame, size);
    return concerned.length > 0;
  }

  /** Follow what the server tells of a channel. */
  system(event: string, place: { room: string; channel: string }, payload: Frame): void {
    const { channel } = place;
    for (const membership of this.#concerned(place)) {
      if (event === "gap") membership.gap({ ...payload, missed: payload["to"] - payload["from"] + 1, exact: true } as Gap);
      else if (event === "channel_created") membership.created(channel, payload["epoch"], payload["seq"]);
      else if (event === "channel_deleted") {
        if (membership.deleted(channel, payload["reason"])) this.#memberships.delete(`${place.room}:${channel}`);
      }
    }
    // What is told of a room as a whole, and what is told of one channel, are for those who asked for just that.
    const watched = this.#memberships.get(`${place.room}:${channel}`);
    for (const { follower } of watched?.handles ?? []) follower?.changed(event, payload);
  }

  #concerned({ room, channel }: { room?: string; channel?: string }): Membership[] {
    const addresses = new Set([`${room}:${channel}`, `${room}:*`]);
    return [...addresses].map((address) => this.#memberships.get(address)).filter((membership) => membership !== undefined);
  }
}
