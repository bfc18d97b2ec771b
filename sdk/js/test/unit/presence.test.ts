import { describe, expect, it } from "vitest";
import type { PresenceChange } from "../../src/index.js";
import { settle } from "../kit/clock.js";
import { stage } from "../kit/stage.js";

const HERE = { room: "science", channel: "explore" };
const member = (client: string, name = client) => ({ client, user: null, profile: { screen_name: name }, joined_at: "t" });
const system = (event: string, payload: object) => ({ type: "system", event, ...HERE, payload });

async function followed(answer: object) {
  const here = stage();
  const presence = here.bus.presence("science:explore");
  const changes: PresenceChange[] = [];
  presence.subscribe((change) => changes.push(change));
  const socket = await here.welcome();
  expect(socket.last("join_channel")["args"]).toEqual({ ...HERE, presence: true });
  await socket.joined(answer);
  return { ...here, presence, changes, socket, names: () => presence.snapshot().map(({ client }) => client) };
}

describe("presence", () => {
  it("R47 starts from `present`, then follows; count is taken as it is", async () => {
    const { presence, changes, socket, names } = await followed({ present: [member("c-1")], members: 1 });
    await presence.ready();
    const first = presence.snapshot();
    expect(presence.snapshot()).toBe(first);
    await socket.say(
      system("member_joined", { ...member("c-2"), count: 2 }),
      system("member_updated", member("c-2", "Bea")),
      system("member_left", { client: "c-1", user: null, reason: "lost", count: 41 }),
    );
    expect(names()).toEqual(["c-2"]);
    expect(presence.count).toBe(41);
    expect(presence.snapshot()).not.toBe(first);
    expect(changes).toMatchObject([
      { kind: "reset", count: 1 },
      { kind: "joined", client: "c-2", count: 2 },
      { kind: "updated", member: { profile: { screen_name: "Bea" } }, count: 2 },
      { kind: "left", client: "c-1", reason: "lost", member: { client: "c-1" }, count: 41 },
    ]);
    await socket.say(system("member_count", { count: 5000 }));
    expect([presence.count, names()]).toEqual([5000, []]);
    await socket.say(system("members_present", { present: [member("c-7")], count: 1 }));
    expect([presence.count, names()]).toEqual([1, ["c-7"]]);
  });

  it("R47 without `present` asks for all pages, and applies what came meanwhile after them", async () => {
    const { presence, socket, names } = await followed({ members: 3 });
    const ask = socket.last("members");
    expect(ask["args"]).toEqual({ ...HERE, limit: 1000 });
    await socket.say(system("member_left", { client: "c-1", user: null, reason: "left" }));
    await socket.ok(ask, { members: [member("c-1"), member("c-2")], count: 3, cursor: "p2" });
    expect(socket.last("members")["args"]).toEqual({ ...HERE, limit: 1000, cursor: "p2" });
    await socket.ok(socket.last("members"), { members: [member("c-3")], count: 3, cursor: null });
    await presence.ready();
    expect([names(), presence.count]).toEqual([["c-2", "c-3"], 2]);
  });

  it("R47 after a reconnect there is one reset", async () => {
    const { socket, changes, comeBack, names } = await followed({ present: [member("c-1"), member("c-2")], members: 2 });
    await socket.end(1006);
    const next = await comeBack();
    await next.joined({ present: [member("c-1")], members: 1 });
    expect(names()).toEqual(["c-1"]);
    expect(changes.map(({ kind }) => kind)).toEqual(["reset", "reset"]);
  });

  it("R47 a snapshot from before the join is passed over, a crowd is only counted", async () => {
    const { presence, socket, changes, comeBack, names } = await followed({ present: [member("c-1")], members: 1 });
    await socket.end(1006);
    const next = await comeBack();
    await next.say(system("members_present", { present: [member("c-old")], count: 1 }));
    await next.joined({ members: 1500 });
    expect([names(), presence.count]).toEqual([[], 1500]);
    expect(changes.map(({ kind }) => kind)).toEqual(["reset", "reset"]);
    expect(next.sent.map(({ command }) => command)).not.toContain("members");
  });

  it("R47 what is told of a room and of one of its channels is kept apart", async () => {
    const here = stage();
    const [room, channel] = [here.bus.presence("science:*"), here.bus.presence("science:explore")];
    const socket = await here.welcome();
    for (const join of socket.sent.slice(1)) await socket.ok(join, { ...join["args"], recovered: false, replayed: 0, members: 0, present: [], positions: [], epoch: "e1", seq: 0 });
    await socket.say(
      { ...system("member_joined", { ...member("c-2"), count: 1 }), channel: "*" },
      system("member_joined", { ...member("c-2"), count: 1 }),
    );
    expect([room.count, channel.count]).toEqual([1, 1]);
    await socket.say(system("member_left", { client: "c-2", user: null, reason: "left", count: 0 }));
    expect([room.count, channel.count]).toEqual([1, 0]);
  });

  it("R47 changes are an iterator that ends with it; many unread ones become one reset", async () => {
    const { presence, socket } = await followed({ present: [], members: 0 });
    const changes = presence.changes();
    const first = changes.next();
    for (let n = 0; n < 300; n++) await socket.say(system("member_joined", member(`c-${n}`)));
    expect((await first).value).toMatchObject({ kind: "joined", client: "c-0" });
    expect((await changes.next()).value).toMatchObject({ kind: "reset" });
    const seen = [];
    presence.close();
    for await (const { kind } of changes) seen.push(kind);
    expect(seen.length).toBeLessThan(256);
  });

  it("leaves when it is closed, and never queues events", async () => {
    const { bus, clock, presence, socket } = await followed({ present: [], members: 0 });
    await socket.say(socket.event(1));
    expect(bus.stats().queued).toBe(0);
    presence.close();
    await clock.pass(250);
    await settle();
    expect(socket.last("leave_channel")["args"]).toEqual(HERE);
  });
});
