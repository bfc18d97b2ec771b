import { describe, expect, it } from "vitest";
import { DecodeError, SlowReader, type Message, type SubscribeOptions } from "../../src/index.js";
import { settle } from "../kit/clock.js";
import { stage, take, type FakeSocket } from "../kit/stage.js";

async function handle<T = number>(options: SubscribeOptions<T> = {}, more: object = {}) {
  const here = stage(more);
  const handle = here.bus.subscribe<`${string}:${string}`, T>("science:explore", options);
  const socket = await here.welcome();
  await socket.joined();
  const events = async (from: number, to: number) => {
    for (let seq = from; seq <= to; seq++) await socket.say(socket.event(seq));
  };
  return { ...here, handle, socket, events };
}

const seqs = (messages: Message<unknown>[]) => messages.map(({ seq }) => seq);

describe("queue", () => {
  it("R40 drop_oldest: the range that went is a gap before the next message", async () => {
    const { bus, handle: one, events } = await handle({ queue: 3 });
    await events(1, 6);
    expect(bus.stats()).toMatchObject({ queued: 3, gaps: 3, missed: 3 });
    const got = await take(one, 3);
    expect(seqs(got)).toEqual([4, 5, 6]);
    expect(got[0]!.gap).toEqual({ channel: "explore", epoch: "e1", from: 1, to: 3, missed: 3, reason: "overflow", exact: true });
    expect(got[1]!.gap).toBeUndefined();
  });

  it("R40 drop_newest: what was not taken is a gap before the next one that is", async () => {
    const { handle: one, events } = await handle({ queue: 2, whenFull: "drop_newest" });
    await events(1, 4);
    expect(seqs(await take(one, 2))).toEqual([1, 2]);
    await events(5, 5);
    expect((await one.next()).value).toMatchObject({ seq: 5, gap: { from: 3, to: 4, missed: 2, reason: "overflow" } });
  });

  it("R40 error: it ends with SlowReader after what it has", async () => {
    const { handle: one, events } = await handle({ queue: 2, whenFull: "error" });
    await events(1, 3);
    expect(seqs(await take(one, 2))).toEqual([1, 2]);
    await expect(one.next()).rejects.toBeInstanceOf(SlowReader);
  });

  it("R40 counts text, but takes one message of any size", async () => {
    const { handle: one, socket } = await handle<string>({ queueBytes: 1000 });
    await socket.say(socket.event(1, "x".repeat(5000)), socket.event(2, "small"));
    expect((await one.next()).value).toMatchObject({ seq: 2, gap: { from: 1, to: 1 } });
  });

  it("R37 gaps before one message are joined, with the first reason; received + missed = published", async () => {
    const { handle: one, socket, events } = await handle({ queue: 2 });
    await events(1, 1);
    await socket.say(socket.event(4));
    await events(5, 7);
    const got = await take(one, 2);
    expect(seqs(got)).toEqual([6, 7]);
    expect(got[0]!.gap).toMatchObject({ from: 1, to: 5, missed: 5, reason: "overflow" });
    expect(got.length + got[0]!.gap!.missed).toBe(7);
  });

  it("R40 R41 block: stops to read the socket until there is room, where the platform can", async () => {
    const calls: string[] = [];
    const { bus, clock, handle: one, socket, events } = await handle({ queue: 2, whenFull: "block" });
    Object.assign(socket, { pause: () => calls.push("pause"), resume: () => calls.push("resume") });
    await events(1, 4);
    expect(calls).toEqual(["pause"]);
    expect(one.queued).toBe(4);
    await clock.pass(600_000);
    expect(bus.state).toBe("connected");
    await take(one, 3);
    expect(calls).toEqual(["pause"]);
    await take(one, 1);
    expect(calls).toEqual(["pause", "resume"]);
    await clock.pass(25_000);
    expect(bus.state).toBe("reconnecting");
  });

  it("R40 block is error where the platform cannot stop to read", async () => {
    const { handle: one, events } = await handle({ queue: 1, whenFull: "block" });
    await events(1, 2);
    await one.next();
    await expect(one.next()).rejects.toBeInstanceOf(SlowReader);
  });

  it("a handle that is closed while it blocks lets the socket go on", async () => {
    const calls: string[] = [];
    const { handle: one, socket, events } = await handle({ queue: 1, whenFull: "block" });
    Object.assign(socket, { pause: () => calls.push("pause"), resume: () => calls.push("resume") });
    await events(1, 2);
    one.close();
    expect(calls).toEqual(["pause", "resume"]);
  });
});

describe("reading", () => {
  it("is an async iterator that survives a break", async () => {
    const { handle: one, events } = await handle();
    await events(1, 4);
    const got: number[] = [];
    for await (const { seq } of one) {
      got.push(seq);
      if (seq === 2) break;
    }
    for await (const { seq } of one) {
      got.push(seq);
      if (seq === 4) one.close();
    }
    expect(got).toEqual([1, 2, 3, 4]);
  });

  it("tells messages, gaps and the end by callback; a callback that throws changes nothing", async () => {
    const { handle: one, errors, socket, events } = await handle();
    await events(1, 1);
    const told: unknown[] = [];
    const off = one.on("message", ({ seq }) => told.push(seq));
    one.on("message", () => {
      throw new Error("of the callback");
    });
    one.on("gap", ({ from }) => told.push(["gap", from]));
    one.on("end", (error) => told.push(["end", error]));
    await socket.say(socket.event(2), socket.event(4));
    off();
    await socket.say(socket.event(5));
    one.close();
    expect(told).toEqual([1, 2, ["gap", 3], 4, ["end", undefined]]);
    expect(errors).toHaveLength(3);
  });

  it("R41 calls of the SDK work from inside a reader", async () => {
    const { bus, handle: one, socket, events } = await handle();
    const asked = (async () => {
      for await (const _ of one) return bus.status();
      return undefined;
    })();
    await events(1, 1);
    await socket.ok(socket.last("status"), { server: "node-1" });
    expect(await asked).toEqual({ server: "node-1" });
  });

  const upper = (payload: unknown): string => {
    if (typeof payload !== "string") throw new TypeError("no text");
    return payload.toUpperCase();
  };

  it("R39 reads payloads when they are taken; one that does not fit fails that step alone, its gap goes to the next", async () => {
    const { handle: one, socket } = await handle<string>({ decode: upper });
    await socket.say(socket.event(1, "a"), socket.event(3, 7), socket.event(4, "b"));
    expect((await one.next()).value!.data).toBe("A");
    await expect(one.next()).rejects.toMatchObject({ name: "DecodeError", cause: { message: "no text" } });
    expect((await one.next()).value).toMatchObject({ data: "B", gap: { from: 2, to: 2 } });
  });

  it("R39 skip: tells onError and goes on", async () => {
    const { handle: one, errors, socket } = await handle<string>({ decode: upper, onDecodeError: "skip" });
    const next = one.next();
    await socket.say(socket.event(1, 7), socket.event(2, "b"));
    expect((await next).value!.data).toBe("B");
    expect(errors[0]).toBeInstanceOf(DecodeError);
  });
});

describe("run", () => {
  it("R42 handles one after the other, tells what a handler throws, and ends with the handle", async () => {
    const { handle: one, errors, events } = await handle();
    const log: string[] = [];
    const open: (() => void)[] = [];
    const running = one.run(async ({ seq }) => {
      log.push(`begin ${seq}`);
      await new Promise<void>((resolve) => open.push(resolve));
      log.push(`end ${seq}`);
      if (seq === 1) throw new Error("of the handler");
    });
    await events(1, 2);
    expect(log).toEqual(["begin 1"]);
    open[0]!();
    await settle();
    expect(log).toEqual(["begin 1", "end 1", "begin 2"]);
    expect(errors.map(String)).toEqual(["Error: of the handler"]);
    one.close();
    open[1]!();
    await running;
    expect(log.at(-1)).toBe("end 2");
  });

  it("R42 runs so many at once, in order for each key", async () => {
    const { handle: one, socket } = await handle<string>();
    const log: string[] = [];
    const open = new Map<number, () => void>();
    void one.run(
      async ({ seq }) => {
        log.push(`begin ${seq}`);
        await new Promise<void>((resolve) => open.set(seq, resolve));
        log.push(`end ${seq}`);
      },
      { concurrency: 3, perKey: ({ data }) => data },
    );
    await socket.say(socket.event(1, "a"), socket.event(2, "a"), socket.event(3, "b"), socket.event(4, "b"));
    expect(log).toEqual(["begin 1", "begin 3"]);
    open.get(1)!();
    await settle();
    expect(log).toEqual(["begin 1", "begin 3", "end 1", "begin 2"]);
    open.get(3)!();
    await settle();
    expect(log.slice(4)).toEqual(["end 3", "begin 4"]);
  });

  it("R42 ends with the error of the handle; nobody has to wait for it", async () => {
    const { handle: one, events } = await handle({ queue: 1, whenFull: "error" });
    const running = one.run(() => new Promise(() => {}), { concurrency: 1 });
    await events(1, 3);
    const other = await handle({ queue: 1, whenFull: "error" });
    const done = other.handle.run(() => {});
    await other.socket.no({ id: "none" }, "internal");
    await other.socket.end(4503);
    await expect(done).rejects.toMatchObject({ name: "BusClosed" });
    void running;
  });
});

describe("inbox and broadcasts", () => {
  const letter = (id: string, more: object = {}) => ({ type: "private", id, from: "c-2", to: ["c-1"], timestamp: "t", payload: id, ...more });
  const say = (socket: FakeSocket, room: string, id: string) =>
    socket.say({ type: "broadcast", room, id, from: "c-2", timestamp: "t", payload: id });

  it("R43 give private messages, and broadcasts of their room", async () => {
    const { bus, welcome } = stage();
    const [inbox, science] = [bus.inbox<string>(), bus.broadcasts<string>("science")];
    const socket = await welcome();
    await socket.say(letter("p1", { reply_to: "m1" }));
    await say(socket, "lab", "b0");
    await say(socket, "science", "b1");
    expect((await inbox.next()).value).toMatchObject({ kind: "private", sender: "c-2", data: "p1", replyTo: "m1" });
    expect((await science.next()).value).toMatchObject({ kind: "broadcast", room: "science", data: "b1" });
    expect(bus.stats().unheard).toBe(1);
    inbox.close();
    await socket.say(letter("p2"));
    expect(bus.stats().unheard).toBe(2);
  });

  it("R43 a full one has a gap that says how many", async () => {
    const { bus, welcome } = stage();
    const inbox = bus.inbox({ queue: 1 });
    const socket = await welcome();
    await socket.say(letter("p1"), letter("p2"), letter("p3"));
    expect((await inbox.next()).value).toMatchObject({ data: "p3", gap: { missed: 2, reason: "overflow" } });
  });
});
