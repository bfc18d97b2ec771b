// Who is in a channel: a snapshot, and the changes after it.

import type { Frame } from "./codec.js";
import type { Off } from "./emitter.js";
import type { Subscription } from "./subscription.js";
import type { JoinChannelResult, MemberInfo, MembersResult } from "./wire.js";

/** One change of who is there. */
export interface PresenceChange {
  kind: "joined" | "left" | "updated" | "count" | "reset";
  /** That it is about; of `left` if it was known. */
  member?: MemberInfo | undefined;
  client?: string;
  /** Of `left`: `left`, `lost`, `kicked`, `drained`, or a newer word. */
  reason?: string;
  /** Members after it. */
  count: number;
}

/** Members that are asked for one by one where the server sends no list; more are only counted. */
const MOST_LISTED = 1000;
/** Changes that wait for a reader; more become one `reset`. */
const MOST_CHANGES = 256;
const KINDS: Record<string, PresenceChange["kind"]> = {
  member_joined: "joined", member_left: "left", member_updated: "updated", member_count: "count",
};

type List = (cursor?: string) => Promise<MembersResult>;

/** Follows one channel. `snapshot` and `subscribe` fit React's useSyncExternalStore. */
export class Presence {
  readonly #handle: Subscription<never>;
  readonly #list: List;
  readonly #listeners = new Set<(change: PresenceChange) => void>();
  #members = new Map<string, MemberInfo>();
  #snapshot: readonly MemberInfo[] | undefined;
  #count = 0;
  #isKnown = false;
  #early: [event: string, payload: Frame][] = [];
  #ready: (() => void) | undefined;
  readonly #known = new Promise<void>((resolve) => (this.#ready = resolve));

  constructor(handle: Subscription<never>, list: List) {
    this.#handle = handle;
    this.#list = list;
    handle.follower = {
      joined: (result) => void this.#joined(result),
      changed: (...change) => this.#changed(...change),
      lost: () => this.#forget(),
    };
  }

  /** Members, as far as they are listed: the same array until something changes. */
  readonly snapshot = (): readonly MemberInfo[] => (this.#snapshot ??= [...this.#members.values()]);

  /** How many there are; more than are listed where they are too many. */
  get count(): number {
    return this.#count;
  }

  /** Call back after each change; call what is returned to stop. */
  readonly subscribe = (listener: (change: PresenceChange) => void): Off => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Wait for the first snapshot. */
  ready(): Promise<void> {
    const failed = this.#handle.ready().then(() => this.#known);
    return failed;
  }

  /** Give each change from now on, until it is closed. */
  async *changes(): AsyncGenerator<PresenceChange, void> {
    const queue: PresenceChange[] = [];
    let wake = (): void => {};
    const off = this.subscribe((change) => {
      if (queue.length >= MOST_CHANGES) queue.splice(0, queue.length, { kind: "reset", count: this.#count });
      else queue.push(change);
      wake();
    });
    const offEnd = this.#handle.on("end", () => wake());
    try {
      for (;;) {
        for (let change = queue.shift(); change; change = queue.shift()) yield change;
        if (this.#handle.closed) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      off();
      offEnd();
    }
  }

  close(): void {
    this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle[Symbol.asyncDispose]();
  }

  /** Wait for the next snapshot. */
  #forget(): void {
    this.#isKnown = false;
    this.#early = [];
  }

  async #joined({ present, members }: JoinChannelResult): Promise<void> {
    this.#forget();
    // A crowd is only counted.
    if (present || members > MOST_LISTED) return this.#reset(present ?? [], members);
    const found: MemberInfo[] = [];
    try {
      let page: MembersResult | undefined;
      do {
        page = await this.#list(page?.cursor ?? undefined);
        found.push(...page.members);
      } while (page.cursor);
      this.#reset(found, page.count);
    } catch (error) {
      this.#handle.end(error);
    }
  }

  #reset(present: MemberInfo[], count: number): void {
    this.#members = new Map(present.map((member) => [member.client, member]));
    this.#count = count;
    this.#isKnown = true;
    for (const change of this.#early.splice(0)) this.#apply(...change);
    this.#ready?.();
    this.#tell({ kind: "reset", count: this.#count });
  }

  #changed(event: string, payload: Frame): void {
    // While it is not known who is there, the answer to a join is on its way, which is newer than any snapshot before it.
    if (event === "members_present") return this.#isKnown ? this.#reset(payload["present"], payload["count"]) : undefined;
    if (!KINDS[event]) return;
    if (this.#isKnown) this.#tell(this.#apply(event, payload));
    else this.#early.push([event, payload]);
  }

  #apply(event: string, payload: Frame): PresenceChange {
    const { client, reason, count } = payload;
    const kind = KINDS[event]!;
    const before = this.#members.size;
    const known = this.#members.get(client);
    const member = kind === "left" ? known : kind === "count" ? undefined : (payload as MemberInfo);
    if (kind === "left") this.#members.delete(client);
    else if (kind === "count") this.#members.clear();
    else this.#members.set(client, member!);
    this.#count = count ?? Math.max(0, this.#count + this.#members.size - before);
    return { kind, member, client, reason, count: this.#count };
  }

  #tell(change: PresenceChange): void {
    this.#snapshot = undefined;
    for (const listener of this.#listeners) listener(change);
  }
}
