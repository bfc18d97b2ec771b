import { describe, expect, it } from "vitest";
import { BusClosed, Denied, SubscriptionEnded, TryLater, type Gap } from "../../src/index.js";
import { settle } from "../kit/clock.js";
import { stage, take } from "../kit/stage.js";

const HERE = { room: "science", channel: "explore" };
const system = (event: string, payload: object, place: object = HERE) => ({ type: "system", event, ...place, payload });
const back = (more: object) => ({ resumed: [{ ...HERE, epoch: "e1", seq: 0, recovered: true, ...more }] });

describe("membership", () => {
  it("R32 joins for the first handle, leaves 250 ms after the last one", async () => {
    const { bus, clock, welcome } = stage();
    const one = bus.subscribe("science:explore", { create: true });
    const socket = await welcome();
    expect(socket.sent.slice(1)).toMatchObject([{ command: "join_channel", args: { ...HERE, create: true } }]);
    await socket.joined({ seq: 5 });
    await one.ready();
    expect(one.position).toEqual({ epoch: "e1", seq: 5 });
    const two = bus.subscribe("science:explore");
    await two.ready();
    expect(two.position).toEqual({ epoch: "e1", seq: 5 });
    one.close();
    two.close();
    await clock.pass(249);
    const three = bus.subscribe("science:explore");
    await clock.pass(1_000);
    expect(socket.sent).toHaveLength(2);
    three.close();
    await clock.pass(250);
    expect(socket.sent.slice(2)).toMatchObject([{ command: "leave_channel", args: HERE }]);
  });

  it("R32 handles of one address must agree in what only one membership can be", async () => {
    const { bus } = stage();
    bus.subscribe("a:b");
    for (const options of [{ group: "g" }, { overflow: "conflate" }, { recover: "latest" }] as const) {
      expect(() => bus.subscribe("a:b", options)).toThrow(RangeError);
    }
    bus.subscribe("a:c", { group: "g" });
    bus.subscribe("a:c", { group: "g" });
    expect(() => bus.subscribe("a:c", { group: "h" })).toThrow(RangeError);
  });

  it("R32 asks for presence when one of its handles wants it", async () => {
    const { bus, welcome } = stage();
    bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.joined();
    bus.presence("science:explore");
    expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, presence: true });
  });

  it("R33 ends with the refusal of its join, and is gone then", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.no(socket.last("join_channel"), "forbidden");
    await expect(handle.ready()).rejects.toBeInstanceOf(Denied);
    await expect(handle.next()).rejects.toBeInstanceOf(Denied);
    bus.subscribe("science:explore");
    expect(socket.sent.filter(({ command }) => command === "join_channel")).toHaveLength(2);
  });

  it("R33 ends when the channel is deleted, after what came before", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.joined();
    await socket.say(socket.event(1), system("channel_deleted", { reason: "failed" }));
    expect((await handle.next()).value!.seq).toBe(1);
    await expect(handle.next()).rejects.toMatchObject({ name: "SubscriptionEnded", code: "failed" });
    await expect(handle.next()).rejects.toBeInstanceOf(SubscriptionEnded);
  });

  it("R33 ends without an error when it, or the bus, is closed by the user; with BusClosed when the bus ends", async () => {
    const { bus, welcome } = stage();
    const [one, two] = [bus.subscribe("a:b"), bus.subscribe("a:b")];
    await welcome();
    one.close();
    expect(await one.next()).toEqual({ done: true, value: undefined });
    const waiting = two.next();
    await bus.close();
    expect((await waiting).done).toBe(true);

    const other = stage();
    const handle = other.bus.subscribe("a:b");
    await (await other.welcome()).end(4503, "kicked");
    await expect(handle.next()).rejects.toMatchObject({ name: "BusClosed", cause: { details: { code: 4503 } } });
  });

  it("ends with its signal", async () => {
    const { bus } = stage();
    const control = new AbortController();
    const handle = bus.subscribe("a:b", { signal: control.signal });
    const waiting = handle.next();
    control.abort();
    expect((await waiting).done).toBe(true);
    expect((await bus.subscribe("a:b", { signal: AbortSignal.abort() }).next()).done).toBe(true);
  });
});

describe("position", () => {
  it("R34 gives what comes in order, own messages and those of others", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.joined({ seq: 7 });
    await socket.say(socket.event(8, { n: 1 }, { metadata: { k: 1 }, reply_to: "m0", traceparent: "t" }), socket.event(9));
    const [first, second] = await take(handle, 2);
    expect(first).toEqual({
      kind: "event", id: "m8", sender: "c-other", ...HERE, seq: 8, timestamp: "2026-11-21T19:00:00.123Z", data: { n: 1 },
      metadata: { k: 1 }, replyTo: "m0", traceparent: "t", replay: false,
    });
    expect(second!.seq).toBe(9);
    expect(handle.position).toEqual({ epoch: "e1", seq: 9 });
  });

  it("R34 with since or replay a later handle joins again, and the replay goes to it alone", async () => {
    const { bus, welcome } = stage();
    const one = bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.joined({ seq: 2 });
    const two = bus.subscribe("science:explore", { since: { epoch: "e1", seq: 0 } });
    expect(socket.last("join_channel")["args"]).toMatchObject({ since: { epoch: "e1", seq: 0 } });
    await socket.say(socket.event(3));
    await socket.joined({ seq: 3, recovered: true, replayed: 3 });
    await socket.say(socket.event(1), socket.event(2), socket.event(3), socket.event(4));
    expect((await take(one, 2)).map(({ seq, replay }) => [seq, replay])).toEqual([[3, false], [4, false]]);
    expect((await take(two, 4)).map(({ seq, replay }) => [seq, replay])).toEqual([[1, true], [2, true], [3, true], [4, false]]);
  });

  it("R35 replay: n begins before the top", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore", { replay: 2 });
    const other = bus.subscribe("science:explore");
    const socket = await welcome();
    expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, replay: 2 });
    await socket.joined({ seq: 9, replayed: 2 });
    await socket.say(socket.event(8), socket.event(9), socket.event(10));
    const got = await take(handle, 3);
    expect(got.map(({ seq, replay, gap }) => [seq, replay, gap])).toEqual([[8, true, undefined], [9, true, undefined], [10, false, undefined]]);
    expect((await other.next()).value!.seq).toBe(10);
  });

  const answers: [string, object, Partial<Gap> | undefined, number][] = [
    ["recovered", { seq: 9, recovered: true, replayed: 4 }, undefined, 5],
    ["evicted", { seq: 9, reason: "evicted", lost: { from: 6, to: 9 } }, { from: 6, to: 9, missed: 4, reason: "evicted", exact: true }, 9],
    ["best effort", { seq: 9, reason: "over_limit", lost: { from: 6, to: 7 }, replayed: 2 }, { from: 6, to: 7, missed: 2, reason: "over_limit", exact: true }, 7],
    ["a new epoch", { epoch: "e2", seq: 3, reason: "epoch_changed", lost: { from: 1, to: 3 } }, { epoch: "e2", from: 1, to: 3, missed: 3, exact: false }, 3],
    ["a new, empty epoch", { epoch: "e2", seq: 0, reason: "epoch_changed" }, { epoch: "e2", missed: 0, reason: "epoch_changed", exact: false }, 0],
  ];

  it.each(answers)("R35 R37 the answer to a join with since: %s", async (_, result, gap, seq) => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore", { since: { epoch: "e1", seq: 5 } });
    const gaps: Gap[] = [];
    handle.on("gap", (one) => gaps.push(one));
    const socket = await welcome();
    await socket.joined(result);
    expect(handle.position!.seq).toBe(seq);
    expect(gaps).toMatchObject(gap ? [gap] : []);
    await socket.say(socket.event(seq + 1));
    const { value } = await handle.next();
    expect(value!.gap ?? undefined).toEqual(gap && expect.objectContaining(gap));
    await socket.say(socket.event(seq + 2));
    expect((await handle.next()).value!.gap).toBeUndefined();
  });

  it("R36 drops repeats, declares holes, and follows the server's gaps", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    const told: unknown[] = [];
    bus.on("gap", ({ address, gap }) => told.push([address, gap.reason]));
    const socket = await welcome();
    await socket.joined();
    await socket.say(
      socket.event(1), socket.event(1), socket.event(4), socket.event(2),
      system("gap", { ...HERE, epoch: "e1", from: 5, to: 6, reason: "drop_oldest" }), socket.event(6), socket.event(9),
    );
    const got = await take(handle, 3);
    expect(got.map(({ seq, gap }) => [seq, gap?.from, gap?.to, gap?.missed, gap?.reason])).toEqual([
      [1, undefined, undefined, undefined, undefined],
      [4, 2, 3, 2, "hole"],
      [9, 5, 8, 4, "drop_oldest"],
    ]);
    expect(told).toEqual([["science:explore", "hole"], ["science:explore", "drop_oldest"], ["science:explore", "hole"]]);
    expect(bus.stats()).toMatchObject({ repeats: 3, gaps: 3, missed: 6 });
  });

  it("R36 goes on in another epoch where the server says, and tells it even if nothing is missing", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.joined();
    const changed = (epoch: string, from: number, to: number) => system("gap", { ...HERE, epoch, from, to, reason: "epoch_changed" });
    await socket.say(
      socket.event(1), socket.event(2), changed("e2", 1, 0), socket.event(1), changed("e3", 1, 5), socket.event(5), socket.event(6),
    );
    expect((await take(handle, 4)).map(({ seq, gap }) => [seq, gap?.epoch, gap?.missed, gap?.exact])).toEqual([
      [1, undefined, undefined, undefined], [2, undefined, undefined, undefined], [1, "e2", 0, false], [6, "e3", 5, false],
    ]);
    expect(handle.position).toEqual({ epoch: "e3", seq: 6 });
    expect(bus.stats()).toMatchObject({ repeats: 1, gaps: 2, missed: 5 });
  });

  it("R30 a group comes back with its ticket, or is joined anew, and leaves without lingering", async () => {
    const { bus, clock, welcome, comeBack } = stage();
    const handle = bus.subscribe("science:explore", { group: "g" });
    let socket = await welcome();
    await socket.joined({ seq: 4, group: "g" });
    await socket.end(1006);
    socket = await comeBack({ resumed: [{ ...HERE, epoch: "e1", seq: 6, recovered: false, group: "g" }] });
    expect(socket.sent).toHaveLength(1);
    await socket.end(1006);
    socket = await comeBack({ client: "c-2" });
    expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, group: "g" });
    await socket.joined({ seq: 7, group: "g" });
    await socket.say(system("gap", { ...HERE, epoch: "e1", from: 8, to: 9, reason: "group_overflow" }), socket.event(12));
    expect((await handle.next()).value).toMatchObject({ seq: 12, gap: { from: 8, to: 9, missed: 2, reason: "group_overflow" } });
    handle.close();
    await clock.pass(0);
    expect(socket.last("leave_channel")["args"]).toEqual(HERE);
  });

  it("R36 in a group declares no holes, and knows the last seqs as repeats", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:explore", { group: "g" });
    const socket = await welcome();
    expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, group: "g" });
    await socket.joined({ seq: 4 });
    await socket.say(socket.event(9), socket.event(7), socket.event(9), socket.event(3));
    expect((await take(handle, 3)).map(({ seq, gap }) => [seq, gap])).toEqual([[9, undefined], [7, undefined], [3, undefined]]);
    expect(handle.position).toBeUndefined();
  });
});

describe("durable groups", () => {
  const given = (seq: number, attempt = 1) => ({ seq, delivery: { group: "g", attempt, epoch: "e1" } });

  it("R56 what is given again is no repeat, and what waits goes with its connection", async () => {
    const { bus, welcome, comeBack } = stage();
    const options = { group: "g", group_options: { prefetch: 4 } };
    const handle = bus.subscribe("science:explore", options);
    let socket = await welcome();
    expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, ...options });
    await socket.joined({ seq: 4 });
    await socket.say({ ...socket.event(5), ...given(5) }, { ...socket.event(5), ...given(5, 2) });
    expect((await take(handle, 2)).map(({ delivery }) => delivery!.attempt)).toEqual([1, 2]);
    await socket.say({ ...socket.event(6), ...given(6) });
    await socket.end(1006);
    socket = await comeBack({ resumed: [{ ...HERE, epoch: "e1", seq: 6, recovered: false, group: "g" }] });
    await socket.say({ ...socket.event(7), ...given(7) });
    expect((await handle.next()).value).toMatchObject({ seq: 7 });
    expect(bus.stats()).toMatchObject({ repeats: 1, gaps: 0 });
  });

  it("R57 a program says itself what is done, and what is not", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const done = bus.ack("science:explore", "g", [5, 6], { epoch: "e1" });
    expect(socket.last("ack")["args"]).toEqual({ ...HERE, group: "g", seqs: [5, 6], epoch: "e1" });
    await socket.ok(socket.last("ack"), { acked: 2 });
    expect(await done).toEqual({ acked: 2 });
    void bus.ack("science:explore", "g", [7], { retry_after_ms: 50 });
    expect(socket.last("ack")["args"]).toMatchObject({ seqs: [7], retry_after_ms: 50 });
  });

  it("R58 a run says how each handler ended", async () => {
    const { bus, errors, welcome } = stage();
    const handle = bus.subscribe("science:explore", { group: "g" });
    const socket = await welcome();
    await socket.joined({ seq: 4 });
    void handle.run(({ seq }) => {
      if (seq === 6) throw new Error("no");
    });
    await socket.say({ ...socket.event(5), ...given(5) });
    expect(socket.last("ack")["args"]).toEqual({ ...HERE, group: "g", epoch: "e1", seqs: [5] });
    await socket.ok(socket.last("ack"), { acked: 1 });
    await socket.say({ ...socket.event(6), ...given(6, 3) });
    expect(socket.last("ack")["args"]).toEqual({ ...HERE, group: "g", epoch: "e1", seqs: [6], retry_after_ms: 4000 });
    expect(errors).toHaveLength(1);
  });
});

describe("coming back", () => {
  it("R7 R28 R29 goes on where it was, by one connect", async () => {
    const { bus, changes, welcome, comeBack } = stage();
    const handle = bus.subscribe("science:explore");
    let socket = await welcome();
    await socket.joined({ seq: 3 });
    await socket.say(socket.event(4));
    await socket.end(1006);
    socket = await comeBack(back({ seq: 6 }));
    expect(socket.sent[0]!["args"].resume).toEqual({ ticket: "t-1", positions: [{ ...HERE, epoch: "e1", seq: 4 }] });
    expect(socket.sent).toHaveLength(1);
    expect(changes.at(-1)).toMatchObject({ resumed: true });
    await socket.say(socket.event(5), socket.event(6), socket.event(7));
    expect((await take(handle, 4)).map(({ seq, replay }) => [seq, replay])).toEqual([[4, false], [5, true], [6, true], [7, false]]);
  });

  it("R29 owns what could not be brought back", async () => {
    const { bus, welcome, comeBack } = stage();
    const handle = bus.subscribe("science:explore");
    let socket = await welcome();
    await socket.joined({ seq: 3 });
    await socket.end(1006);
    socket = await comeBack(back({ seq: 9, recovered: false, reason: "evicted", lost: { from: 4, to: 9 } }));
    await socket.say(socket.event(10));
    expect((await handle.next()).value).toMatchObject({ seq: 10, gap: { from: 4, to: 9, missed: 6, reason: "evicted" } });
  });

  it("R29 joins anew what was refused, later if that may help, and ends if it does not", async () => {
    const { bus, clock, welcome, comeBack } = stage();
    const handle = bus.subscribe("science:explore");
    let socket = await welcome();
    await socket.joined({ seq: 3 });
    await socket.end(1006);
    socket = await comeBack(back({ recovered: false, reason: "unavailable" }));
    expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, since: { epoch: "e1", seq: 3 } });
    await socket.no(socket.last("join_channel"), "unavailable", true);
    const n = socket.sent.length;
    await clock.pass(250);
    expect(socket.sent).toHaveLength(n + 1);
    await socket.no(socket.last("join_channel"), "not_found");
    await expect(handle.next()).rejects.toMatchObject({ name: "NotFound" });
    const never = bus.subscribe("science:lab");
    await socket.no(socket.last("join_channel"), "unavailable", true);
    await expect(never.ready()).rejects.toBeInstanceOf(TryLater);
  });

  it("R30 joins what a position cannot bring back, in order, and ignores events until the answer says from where", async () => {
    const { bus, welcome, comeBack } = stage();
    const latest = bus.subscribe("a:latest", { recover: "latest" });
    bus.subscribe("a:who", { presence: true });
    bus.subscribe("a:group", { group: "g" });
    let socket = await welcome();
    for (const join of socket.sent.slice(1)) {
      await socket.ok(join, { room: "a", channel: join["args"].channel, epoch: "e1", seq: 2, recovered: false, replayed: 0 });
    }
    await socket.end(1006);
    bus.subscribe("a:new");
    socket = await comeBack({ resumed: [{ room: "a", channel: "who", epoch: "e1", seq: 2, recovered: true }] });
    expect(socket.sent[0]!["args"].resume.positions).toEqual([{ room: "a", channel: "who", epoch: "e1", seq: 2 }]);
    expect(socket.sent.slice(1).map(({ args }) => args)).toEqual([
      { room: "a", channel: "latest", recover: "latest", since: { epoch: "e1", seq: 2 } },
      { room: "a", channel: "who", presence: true },
      { room: "a", channel: "group", group: "g" },
      { room: "a", channel: "new" },
    ]);
    const event = (seq: number) => socket.event(seq, seq, { room: "a", channel: "latest" });
    await socket.say(event(7));
    await socket.ok(socket.sent[1]!, { room: "a", channel: "latest", epoch: "e1", seq: 8, recovered: false, reason: "evicted", lost: { from: 3, to: 7 }, replayed: 1 });
    await socket.say(event(8));
    expect((await latest.next()).value).toMatchObject({ seq: 8, replay: true, gap: { from: 3, to: 7 } });
    expect(latest.queued).toBe(0);
  });

  it("R30 brings at most 1,000 channels back by position, the rest by joins", async () => {
    const { bus, welcome, comeBack } = stage();
    for (let n = 0; n < 1002; n++) bus.subscribe(`a:c${n}`);
    let socket = await welcome();
    for (const join of socket.sent.slice(1)) {
      socket.onmessage!({ data: JSON.stringify({ type: "response", request_id: join["id"], status: "ok", result: { ...join["args"], epoch: "e1", seq: 1, recovered: false, replayed: 0 } }) } as never);
    }
    await socket.end(1006);
    const resumed = Array.from({ length: 1000 }, (_, n) => ({ room: "a", channel: `c${n}`, epoch: "e1", seq: 1, recovered: true }));
    socket = await comeBack({ resumed });
    expect(socket.sent[0]!["args"].resume.positions).toHaveLength(1000);
    expect(socket.sent.slice(1).map(({ args }) => [args.channel, args.since.seq])).toEqual([["c1000", 1], ["c1001", 1]]);
  });

  it("R31 leaves what nobody wants any more", async () => {
    const { bus, clock, welcome, comeBack } = stage();
    const handle = bus.subscribe("science:explore");
    let socket = await welcome();
    await socket.joined();
    await socket.end(1006);
    handle.close();
    socket = await comeBack();
    expect(socket.sent.slice(1)).toMatchObject([{ command: "leave_channel", args: HERE }]);
    await clock.pass(1_000);
    expect(socket.sent.filter(({ command }) => command === "leave_channel")).toHaveLength(1);
  });
});

describe("a whole room", () => {
  const positions = [{ channel: "one", epoch: "e1", seq: 2 }, { channel: "two", epoch: "f1", seq: 0 }];
  const event = (channel: string, seq: number) => ({ type: "event", room: "science", channel, id: `${channel}${seq}`, from: "c", timestamp: "", seq, payload: 0 });

  async function joined() {
    const here = stage();
    const handle = here.bus.subscribe("science:*");
    const socket = await here.welcome();
    await socket.say(event("one", 2), event("one", 3));
    await socket.joined({ channel: "*", epoch: undefined, seq: undefined, positions });
    return { ...here, handle, socket };
  }

  it("R38 has a position in each channel; what came before the answer counts from there", async () => {
    const { handle, socket } = await joined();
    await socket.say(
      system("channel_created", { room: "science", channel: "three", epoch: "g1", seq: 4 }, { room: "science", channel: "three" }),
      event("two", 1), event("three", 5), event("four", 9), event("four", 10),
    );
    const got = await take(handle, 5);
    expect(got.map(({ channel, seq, gap }) => [channel, seq, gap])).toEqual([
      ["one", 3, undefined], ["two", 1, undefined], ["three", 5, undefined], ["four", 9, undefined], ["four", 10, undefined],
    ]);
  });

  it("R38 a channel that began while away starts with a gap", async () => {
    const { bus, handle, socket, comeBack } = await joined();
    await handle.next();
    await socket.end(1006);
    const resumed = [{ room: "science", channel: "one", epoch: "e1", seq: 4, recovered: true }];
    const next = await comeBack({ resumed });
    expect(next.sent[0]!["args"].resume.positions).toEqual([
      { room: "science", channel: "one", epoch: "e1", seq: 3 }, { room: "science", channel: "two", epoch: "f1", seq: 0 },
    ]);
    await next.say(event("one", 4));
    await next.joined({ channel: "*", epoch: undefined, seq: undefined, positions: [
      { channel: "one", epoch: "e1", seq: 4 }, { channel: "two", epoch: "f2", seq: 1 }, { channel: "new", epoch: "n1", seq: 3 },
    ] });
    await next.say(event("new", 4));
    const got = await take(handle, 2);
    expect(got.map(({ channel, seq, gap }) => [channel, seq, gap?.missed])).toEqual([["one", 4, undefined], ["new", 4, 4]]);
    expect(bus.stats().gaps).toBe(2);
  });

  it("R31 leaves channels that were brought back one by one, once the room is joined", async () => {
    const { socket, comeBack } = await joined();
    await socket.end(1006);
    const resumed = [{ room: "science", channel: "one", epoch: "e1", seq: 3, recovered: true }];
    const next = await comeBack({ client: "c-2", resumed });
    expect(next.sent.slice(1).map(({ command, args }) => [command, args.channel])).toEqual([["join_channel", "*"], ["leave_channel", "one"]]);
  });

  it("a handle on the room and one on a channel both get its events", async () => {
    const { bus, handle, socket } = await joined();
    const own = bus.subscribe("science:one");
    await socket.joined({ channel: "one", seq: 3 });
    await socket.say(event("one", 4));
    expect((await own.next()).value!.seq).toBe(4);
    expect((await take(handle, 2)).map(({ seq }) => seq)).toEqual([3, 4]);
  });

  it("a deleted channel ends only the handles on it", async () => {
    const { handle, socket } = await joined();
    await socket.say(
      system("channel_deleted", { reason: "deleted" }, { room: "science", channel: "one" }),
      system("channel_created", { room: "science", channel: "one", epoch: "e2", seq: 0 }, { room: "science", channel: "one" }),
      event("one", 1),
    );
    expect((await take(handle, 2)).map(({ seq }) => seq)).toEqual([3, 1]);
  });
});

it("counts what nobody reads", async () => {
  const { bus, welcome } = stage();
  const socket = await welcome();
  await socket.say(socket.event(1), { type: "private", id: "p", from: "c-2", to: ["c-1"], timestamp: "", payload: 1 });
  expect(bus.stats().unheard).toBe(2);
});

it("refuses a handle on a bus that is closed", async () => {
  const { bus } = stage();
  await bus.close();
  await settle();
  expect(() => bus.subscribe("a:b")).toThrow(BusClosed);
  expect(() => bus.inbox()).toThrow(BusClosed);
});
