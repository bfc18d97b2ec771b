// Against a real server, over the package `ws`.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { connect, type Bus, type ConnectOptions, type Message, type Schema, type AnySchema } from "../../src/index.js";
import { python, Server } from "../kit/server.js";
import { take } from "../kit/stage.js";

let server: Server;
const buses: Bus<never>[] = [];
let rooms = 0;

function open<S extends Schema = AnySchema>(options: ConnectOptions = {}, url = server.url): Bus<S> {
  const bus = connect<S>(url, { WebSocket, ...options });
  buses.push(bus as never);
  return bus;
}

/** A room of the test's own. */
const room = () => `room-${++rooms}`;
const data = (messages: Message<unknown>[]) => messages.map((message) => message.data);

describe.skipIf(!python)("a real server", () => {
  beforeAll(async () => {
    server = await Server.start(["server.resume_grace_s = 5.0"]);
  });

  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await server?.stop();
  });

  it("welcomes, joins, delivers in order, and tells where it stands", async () => {
    const bus = await open({ profile: { screen_name: "Ada" } }).ready();
    const address = `${room()}:explore` as const;
    const handle = bus.subscribe<typeof address, { n: number }>(address);
    await handle.ready();
    expect(handle.position).toMatchObject({ seq: 0 });
    const acks = await Promise.all(Array.from({ length: 200 }, (_, n) => bus.publish(address, { n }, { ack: true })));
    expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    expect(acks[0]).toMatchObject({ duplicate: false, stored: "memory" });
    const got = await take(handle, 200);
    expect(got.map(({ seq, data: { n }, sender }) => [seq, n, sender])).toEqual(acks.map(({ seq }, n) => [seq, n, bus.client]));
    expect(await bus.whoami()).toMatchObject({ client: bus.client, profile: { screen_name: "Ada" } });
    const again = await bus.publish(address, { n: 0 }, { ack: true, id: acks[0]!.id });
    expect(again).toMatchObject({ seq: 1, duplicate: true });
  });

  it("R34 R35 starts from a position, from the newest, and owns what is no more", async () => {
    const bus = open();
    const address = `${room()}:explore` as const;
    await bus.createChannel(address, { history_limit: 5, persistent: true });
    for (let n = 1; n <= 8; n++) await bus.publish(address, n, { ack: true });
    const { epoch } = await bus.channelInfo(address);
    const since = bus.subscribe(address, { since: { epoch, seq: 5 } });
    expect((await take(since, 3)).map(({ seq, replay }) => [seq, replay])).toEqual([[6, true], [7, true], [8, true]]);
    const newest = bus.subscribe(address, { replay: 2 });
    expect(data(await take(newest, 2))).toEqual([7, 8]);
    const lost = bus.subscribe(address, { since: { epoch, seq: 1 } });
    await lost.ready();
    await bus.publish(address, 9);
    expect((await lost.next()).value).toMatchObject({ seq: 9, gap: { from: 2, to: 8, missed: 7, reason: "evicted", exact: true } });
    const page = await bus.history(address, { after: 0, limit: 2 });
    expect(page).toMatchObject({ first_seq: 5, last_seq: 9, more: true });
  });

  it("R38 a whole room is one handle", async () => {
    const bus = open();
    const name = room();
    await bus.publish(`${name}:old`, "before", { ack: true });
    const handle = bus.subscribe(`${name}:*`);
    await handle.ready();
    await bus.publish(`${name}:old`, "after");
    await bus.publish(`${name}:new`, "first");
    expect((await take(handle, 2)).map(({ channel, seq, gap }) => [channel, seq, gap])).toEqual([["old", 2, undefined], ["new", 1, undefined]]);
  });

  it("R43 carries private messages and broadcasts", async () => {
    const [ada, bea] = [await open().ready(), await open().ready()];
    const name = room();
    const [inbox, broadcasts] = [bea.inbox(), bea.broadcasts(name)];
    await bea.subscribe(`${name}:a`).ready();
    expect(await ada.sendPrivate([bea.client!, "c-nobody"], "hi", { ack: true })).toEqual({ delivered: 1, absent: ["c-nobody"] });
    expect(await ada.broadcast(name, "all", { ack: true })).toEqual({ delivered: 1 });
    expect((await inbox.next()).value).toMatchObject({ kind: "private", data: "hi", sender: ada.client });
    expect((await broadcasts.next()).value).toMatchObject({ kind: "broadcast", data: "all", room: name });
  });

  it("R44 R45 R46 asks and answers", async () => {
    type Math = { requests: Record<`${string}:add`, { data: { a: number; b: number }; reply: number }> };
    const [asker, answerer] = [open<Math>(), open<Math>({ onError: () => {} })];
    const address = `${room()}:add` as const;
    await expect(asker.request({ to: "c-nobody" }, 1 as never)).rejects.toMatchObject({ name: "NoResponder" });
    const serving = answerer.serve(address, ({ a, b }) => {
      if (a < 0) throw new Error("no");
      return a + b;
    });
    await serving.ready();
    expect(await asker.request(address, { a: 2, b: 3 })).toBe(5);
    await expect(asker.request(address, { a: -1, b: 3 })).rejects.toMatchObject({ name: "RequestFailed", code: "handler_failed" });
  });

  it("R47 follows who is there", async () => {
    const [ada, bea] = [await open({ profile: { screen_name: "Ada" } }).ready(), await open({ profile: { screen_name: "Bea" } }).ready()];
    const address = `${room()}:explore` as const;
    await bea.subscribe(address).ready();
    const presence = ada.presence(address);
    await presence.ready();
    const names = () => presence.snapshot().map(({ profile }) => profile.screen_name).sort();
    expect(names()).toEqual(["Ada", "Bea"]);
    const changes = presence.changes();
    const left = changes.next();
    await bea.close();
    expect((await left).value).toMatchObject({ kind: "left", reason: "left", count: 1 });
    expect(names()).toEqual(["Ada"]);
  });

  it("runs commands, and gives refusals their class", async () => {
    const bus = open();
    const name = room();
    await bus.createChannel(`${name}:a`, { persistent: true });
    await expect(bus.createChannel(`${name}:a`)).rejects.toMatchObject({ name: "Conflict", code: "already_exists" });
    await expect(bus.channelInfo(`${name}:nowhere`)).rejects.toMatchObject({ name: "NotFound" });
    expect((await bus.listChannels(name)).channels.map(({ channel }) => channel)).toEqual(["a"]);
    expect((await bus.listRooms({ limit: 1000 })).rooms.map((one) => one.room)).toContain(name);
    expect((await bus.setProfile({ client_type: "test" })).client_type).toBe("test");
    expect((await bus.help("ping")).commands).toHaveProperty("ping");
    expect((await bus.status()).draining).toBe(false);
    expect((await bus.members(name)).count).toBe(0);
    expect(Date.parse((await bus.ping()).time)).toBeGreaterThan(0);
    await bus.deleteChannel(`${name}:a`);
    const handle = bus.subscribe("science:denied", { create: false });
    await expect(handle.ready()).rejects.toMatchObject({ name: "NotFound" });
    const errors: unknown[] = [];
    const quiet = open({ onError: (error) => errors.push(error) });
    await quiet.publish("_telemetry:activity", 1);
    await quiet.ping();
    expect(errors).toMatchObject([{ name: "Denied", address: "_telemetry:activity" }]);
  });

  it("R33 ends with its channel", async () => {
    const bus = open();
    const address = `${room()}:gone` as const;
    const handle = bus.subscribe(address);
    await handle.ready();
    await bus.publish(address, 1, { ack: true });
    await bus.deleteChannel(address, { force: true });
    expect((await handle.next()).value!.data).toBe(1);
    await expect(handle.next()).rejects.toMatchObject({ name: "SubscriptionEnded", code: "deleted" });
  });

  it("R7 R24 R28 comes back after a cut as who it was, with what it missed, and sends again without doubling", async () => {
    const sockets: WebSocket[] = [];
    class Cut extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const bus = await open({ WebSocket: Cut }).ready();
    const other = open();
    const name = room();
    const [one, whole] = [bus.subscribe(`${name}:one`), bus.subscribe(`${name}:*`)];
    await Promise.all([one.ready(), whole.ready()]);
    const { client } = bus;
    await other.publish(`${name}:one`, 1, { ack: true });
    const [first] = await take(one, 1);
    sockets[0]!.terminate();
    await new Promise<void>((resolve) => bus.on("state", ({ to }) => to === "reconnecting" && resolve()));
    await other.publish(`${name}:one`, 2, { ack: true });
    await other.publish(`${name}:two`, "new", { ack: true });
    const queued = bus.publish(`${name}:one`, 3, { ack: true });
    await bus.ready();
    expect(bus.client).toBe(client);
    await queued;
    expect([first!, ...await take(one, 2)].map(({ seq, data: found, gap, replay }) => [seq, found, gap, replay])).toEqual([
      [1, 1, undefined, false], [2, 2, undefined, true], [3, 3, undefined, false],
    ]);
    const rest = await take(whole, 3);
    expect(rest.filter(({ channel }) => channel === "one").map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(bus.stats()).toMatchObject({ reconnects: 1 });
  });

  it("R48 drains: handlers finish, answers go out", async () => {
    const [bus, other] = [open(), await open().ready()];
    const address = `${room()}:jobs` as const;
    const done: unknown[] = [];
    const handle = bus.subscribe(address);
    void handle.run(async ({ data: job }) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      done.push(job);
    });
    await handle.ready();
    for (const job of [1, 2, 3]) await other.publish(address, job, { ack: true });
    await bus.ping();
    expect(await bus.drain()).toEqual({ calls: 0, messages: 0 });
    expect(done).toEqual([1, 2, 3]);
  });
});

describe.skipIf(!python)("groups", () => {
  beforeAll(async () => {
    server = await Server.start(["server.resume_grace_s = 5.0"]);
  });
  afterAll(() => server?.stop());

  it("R30 R36 R48 share a channel's events, each to one member, over a cut and a drain", async () => {
    const sockets: WebSocket[] = [];
    class Cut extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const [one, two, writer] = [await open({ WebSocket: Cut }).ready(), await open().ready(), open()];
    const address = `${room()}:jobs` as const;
    const done: number[] = [];
    const handles = [one, two].map((bus) => bus.subscribe<typeof address, number>(address, { group: "workers" }));
    const works = handles.map((handle) => handle.run(({ data: job, gap }) => {
      expect(gap).toBeUndefined();
      done.push(job);
    }));
    await Promise.all(handles.map((handle) => handle.ready()));
    expect(handles[0]!.position).toBeUndefined();
    expect((await writer.publish(address, 0, { ack: true })).delivered).toBe(1);
    for (let job = 1; job <= 100; job++) await writer.publish(address, job, { ack: true });
    await Promise.all([one.ping(), two.ping()]);
    expect([...done].sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, n) => n));

    const { client } = one;
    sockets[0]!.terminate();
    await new Promise<void>((resolve) => one.on("state", ({ to }) => to === "connected" && resolve()));
    expect(one.client).toBe(client);
    for (let job = 101; job <= 150; job++) await writer.publish(address, job, { ack: true });
    await Promise.all([one.ping(), two.ping()]);
    expect(new Set(done).size).toBe(151);

    const publishing = (async () => {
      for (let job = 151; job <= 400; job++) await writer.publish(address, job, { ack: true });
    })();
    expect(await one.drain()).toEqual({ calls: 0, messages: 0 });
    await publishing;
    await two.ping();
    expect(done.length).toBe(401);
    expect(new Set(done).size).toBe(401);
    await two.drain();
    await Promise.all(works);
  });

  it("R45 nobody serves: told at once", async () => {
    const bus = open();
    const address = `${room()}:service` as const;
    await bus.createChannel(address, { persistent: true });
    await expect(bus.request(address, 1)).rejects.toMatchObject({ name: "NoResponder" });
    await bus.serve(address, () => "here", { group: "workers" }).ready();
    expect(await bus.request(address, 1)).toBe("here");
  });
});

describe.skipIf(!python)("a server that lets members bear losses, and keeps last words", () => {
  beforeAll(async () => {
    server = await Server.start(["server.resume_grace_s = 0.5"]);
  });
  afterAll(() => server?.stop());

  it("R36 R37 tells what the server dropped for a reader that blocks its socket", async () => {
    const [reader, writer] = [await open().ready(), await open().ready()];
    const address = `${room()}:state` as const;
    const handle = reader.subscribe<typeof address, { n: number }>(address, { overflow: "conflate", queue: 4, whenFull: "block" });
    await handle.ready();
    const n = 1500;
    const filler = "x".repeat(20_000);
    let top = 0;
    for (let i = 1; i <= n; i++) top = (await writer.publish(address, { n: i, filler }, { ack: true })).seq;
    const got: Message<{ n: number }>[] = [];
    while (got.at(-1)?.seq !== top) got.push(...await take(handle, 1));
    const missed = got.reduce((sum, { gap }) => sum + (gap?.missed ?? 0), 0);
    expect(got.length + missed).toBe(n);
    expect(missed).toBeGreaterThan(0);
    expect(new Set(got.map(({ gap }) => gap?.reason))).toEqual(new Set([undefined, "conflate"]));
  });

  it("R7 leaves a will that the server publishes when the client is lost for good", async () => {
    const sockets: WebSocket[] = [];
    class Cut extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const name = room();
    const watcher = open();
    const handle = watcher.subscribe(`${name}:ends`);
    await handle.ready();
    const mortal = await open({ WebSocket: Cut, will: { room: name, channel: "ends", payload: "gone" } }).ready();
    sockets[0]!.terminate();
    await mortal.close();
    expect((await handle.next()).value).toMatchObject({ data: "gone", sender: mortal.client });
  });
});

describe.skipIf(!python)("a server with keys, that goes and comes", () => {
  it("R9 R14 shows its key, is told of a wrong one, and gets another chance by its function", async () => {
    server = await Server.start(['auth.keys.alice = "key-of-alice"', "auth.anonymous = false"]);
    try {
      expect((await open({ token: "key-of-alice" }).ready()).session).toMatchObject({ user: "alice" });
      await expect(open({ token: "wrong" }).ready()).rejects.toMatchObject({ name: "BusClosed", cause: { name: "Unauthorized" } });
      await expect(open().ready()).rejects.toMatchObject({ cause: { name: "Unauthorized" } });
      const asked: string[] = [];
      const bus = open({ token: async ({ reason }) => (asked.push(reason), reason === "rejected" ? "key-of-alice" : "stale") });
      await bus.ready();
      expect(asked).toEqual(["first", "rejected"]);
      await bus.close();
    } finally {
      await server.stop();
    }
  });

  it("R15 R24 survives a drain and a restart: the same port, another epoch, told as such", async () => {
    const settings = ["server.drain_timeout_s = 2.0", "server.drain_spread_s = 0.5"];
    let own = await Server.start(settings);
    const { port } = own;
    const bus = await open({}, own.url).ready();
    try {
      const handle = bus.subscribe("science:explore");
      await handle.ready();
      await bus.publish("science:explore", 1, { ack: true });
      const draining = new Promise<void>((resolve) => bus.on("system", ({ event }) => event === "draining" && resolve()));
      const lost = new Promise<number | undefined>((resolve) => bus.on("state", ({ to, code }) => to === "reconnecting" && code !== 1006 && resolve(code)));
      await Promise.all([own.stop(), draining]);
      expect(await lost).toBe(4000);
      const acked = bus.publish("science:explore", 2, { ack: true });
      own = await Server.start(settings, port);
      expect(await acked).toMatchObject({ seq: 1 });
      const got = await take(handle, 2);
      expect(got.map(({ data: found, gap }) => [found, gap?.reason, gap?.exact])).toEqual([[1, undefined, undefined], [2, "epoch_changed", false]]);
    } finally {
      await bus.close();
      await own.stop();
    }
  });
});
