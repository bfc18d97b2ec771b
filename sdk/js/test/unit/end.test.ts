import { describe, expect, it } from "vitest";
import { BusClosed } from "../../src/index.js";
import { settle } from "../kit/clock.js";
import { stage, take } from "../kit/stage.js";

const ACK = { seq: 1, epoch: "e1", duplicate: false, stored: "memory" };

describe("drain", () => {
  it("R48 leaves, lets handlers finish and answers go out, gives what was queued, then closes", async () => {
    const { bus, changes, welcome } = stage();
    const served = bus.subscribe("science:explore");
    const read = bus.subscribe("science:explore");
    let finish = (): void => {};
    void served.run(async ({ seq }) => {
      await new Promise<void>((resolve) => (finish = resolve));
      await bus.publish("science:done", seq);
    });
    const socket = await welcome();
    await socket.joined();
    await socket.say(socket.event(1), socket.event(2));
    const acked = bus.publish("science:other", 1, { ack: true });
    const draining = bus.drain();
    await settle();
    expect(bus.state).toBe("draining");
    expect(socket.last("leave_channel")).toBeDefined();
    expect(() => bus.subscribe("a:b")).toThrow(BusClosed);
    await expect(bus.request("a:b", 1)).rejects.toBeInstanceOf(BusClosed);
    await socket.say(socket.event(3));
    await socket.ok(socket.last("leave_channel"));
    await socket.say(socket.event(4));
    expect((await take(read, 4)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    for (let job = 0; job < 3; job++) {
      finish();
      await settle();
    }
    expect(socket.sent.filter(({ channel }) => channel === "done").map(({ payload }) => payload)).toEqual([1, 2, 3]);
    expect(bus.state).toBe("draining");
    await socket.ok(socket.sent.find(({ channel }) => channel === "other")!, ACK);
    await acked;
    expect(await draining).toEqual({ calls: 0, messages: 0 });
    expect(socket.closedWith).toBe(1000);
    expect(changes.at(-1)).toMatchObject({ from: "draining", to: "closed", cause: "user" });
  });

  it("R48 does not wait for the answer to a leave when there is no connection", async () => {
    const { bus, clock, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    await (await welcome()).end(1006);
    const draining = bus.drain();
    expect((await handle.next()).done).toBe(true);
    await draining;
    await clock.pass(1_000);
    expect(bus.state).toBe("closed");
  });

  it("R48 in a group takes what comes up to the answer to its leave", async () => {
    const { bus, welcome } = stage();
    const handle = bus.subscribe("science:jobs", { group: "workers" });
    const socket = await welcome();
    await socket.joined();
    const job = (seq: number) => socket.event(seq, seq, { channel: "jobs" });
    await socket.say(job(3));
    const draining = bus.drain();
    await settle();
    await socket.say(job(4));
    await socket.ok(socket.last("leave_channel"));
    await socket.say(job(5));
    expect(await draining).toEqual({ calls: 0, messages: 2 });
    expect((await take(handle, 3)).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(socket.sent.filter(({ command }) => command === "leave_channel")).toHaveLength(1);
  });

  it("R48 a group whose leave is cut off ends with the connection", async () => {
    const { bus, clock, welcome, sockets } = stage();
    const handle = bus.subscribe("science:jobs", { group: "workers" });
    const running = handle.run(() => {});
    const socket = await welcome();
    await socket.joined();
    const draining = bus.drain();
    await settle();
    await socket.end(1006);
    await running;
    await clock.pass(0);
    await draining;
    expect(sockets).toHaveLength(1);
  });

  it("R48 gives up at the deadline, and says what", async () => {
    const { bus, clock, welcome } = stage();
    const handle = bus.subscribe("science:explore");
    const socket = await welcome();
    await socket.joined();
    await socket.say(socket.event(1));
    const acked = expect(bus.publish("a:b", 1, { ack: true })).rejects.toBeInstanceOf(BusClosed);
    void handle.run(() => new Promise(() => {}));
    await socket.say(socket.event(2));
    const draining = bus.drain({ timeoutMs: 1_000 });
    await clock.pass(1_000);
    expect(await draining).toEqual({ calls: 1, messages: 1 });
    await acked;
  });

  it("R48 being away it dials on, and sends what waits", async () => {
    const { bus, clock, sockets, welcome } = stage();
    await (await welcome()).end(1006);
    const acked = bus.publish("a:b", 1, { ack: true });
    const draining = bus.drain();
    await clock.pass(250);
    expect(bus.state).toBe("draining");
    expect(sockets).toHaveLength(2);
    const socket = await welcome();
    expect(bus.state).toBe("draining");
    await socket.ok(socket.sent.at(-1)!, ACK);
    await acked;
    await draining;
    expect(bus.state).toBe("closed");
  });
});

describe("close", () => {
  it("R49 sends what is in the outbox if it is connected, then closes 1000; calls that wait fail", async () => {
    const { bus, clock, welcome } = stage();
    const socket = await welcome();
    socket.bufferedAmount = 2 ** 20;
    await bus.publish("a:b", 1);
    const asked = expect(bus.status()).rejects.toBeInstanceOf(BusClosed);
    const closing = bus.close();
    await clock.pass(40);
    expect(bus.state).toBe("connected");
    socket.bufferedAmount = 0;
    await clock.pass(40);
    await closing;
    await asked;
    expect(socket.sent.map(({ payload }) => payload)).toContain(1);
    expect(socket.closedWith).toBe(1000);
  });

  it("R49 does not wait when it is away, and closing twice is one close", async () => {
    const { bus, changes } = stage();
    const acked = expect(bus.publish("a:b", 1, { ack: true })).rejects.toMatchObject({ name: "BusClosed" });
    await Promise.all([bus.close(), bus.close()]);
    await bus.drain();
    await acked;
    expect(changes.filter(({ to }) => to === "closed")).toHaveLength(1);
  });

  it("is what `await using` does", async () => {
    const { bus, welcome } = stage();
    await welcome();
    const handle = bus.subscribe("a:b");
    await handle[Symbol.asyncDispose]();
    expect(handle.closed).toBe(true);
    await bus[Symbol.asyncDispose]();
    expect(bus.state).toBe("closed");
  });
});
