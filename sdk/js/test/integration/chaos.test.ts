// A proxy cuts, stalls and splits the link at random. Every event comes once and in order, and whatever did not come was
// told as a gap. About 20 s; ARQONBUS_CHAOS_S makes it longer, ARQONBUS_CHAOS_SEED another one.

import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { connect, OutcomeUnknown, type Gap, type Message } from "../../src/index.js";
import { ChaosProxy } from "../kit/proxy.js";
import { python, Server } from "../kit/server.js";

const SECONDS = Number(process.env["ARQONBUS_CHAOS_S"] ?? 15);
const SEED = Number(process.env["ARQONBUS_CHAOS_SEED"] ?? Date.now() % 100_000);

interface Story {
  messages: Message<number>[];
  gaps: Gap[];
}

/** Everything that a handle gave, with what it told to be missing, has no hole and no repeat. */
function check({ messages, gaps }: Story, top: number): void {
  let at = 0;
  for (const { seq, gap } of messages) {
    if (gap) {
      expect(gap.exact, "no epoch ends here").toBe(true);
      expect(gap.from).toBe(at + 1);
      at += gap.missed;
      expect(gap.to).toBe(at);
    }
    expect(seq).toBe(at + 1);
    at = seq;
  }
  expect(at).toBe(top);
  const inBand = messages.reduce((sum, { gap }) => sum + (gap?.missed ?? 0), 0);
  expect(gaps.reduce((sum, { missed }) => sum + missed, 0)).toBe(inBand);
  expect(messages.length + inBand).toBe(top);
}

describe.skipIf(!python)("chaos", () => {
  it(`R24 R35 R36 R37 every event once and in order, every gap told (seed ${SEED}, ${SECONDS} s)`, async () => {
    const server = await Server.start(["server.resume_grace_s = 2.0", "server.heartbeat_s = 2.0"]);
    const proxy = await ChaosProxy.start(server.port, SEED);
    // Delays of a third: history keeps what comes in a few seconds, and the test has only so many.
    const open = () => connect(proxy.url, { WebSocket, onError: () => {}, random: () => Math.random() / 3 });
    const [writer, reader, direct] = [open(), open(), connect(server.url, { WebSocket })];
    try {
      await direct.createChannel("chaos:kept", { history_limit: 100_000, persistent: true });
      await direct.createChannel("chaos:short", { history_limit: 20, persistent: true });
      const stories: Record<string, Story> = {};
      const handles = ["kept", "short"].map((name) => {
        const handle = reader.subscribe<`${string}:${string}`, number>(`chaos:${name}`);
        const story: Story = (stories[name] = { messages: [], gaps: [] });
        handle.on("gap", (gap) => story.gaps.push(gap));
        const reading = (async () => {
          for await (const message of handle) story.messages.push(message);
        })();
        return { handle, reading };
      });
      await Promise.all(handles.map(({ handle }) => handle.ready()));

      proxy.storm(500);
      const until = Date.now() + SECONDS * 1000;
      const acked = new Set<number>();
      const unknown = new Set<number>();
      const calls: Promise<void>[] = [];
      let n = 0;
      while (Date.now() < until) {
        // A publisher that watches its outbox never sees it full, however long a stall takes.
        if (writer.stats().outbox > 200) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        const value = ++n;
        calls.push(writer.publish("chaos:kept", value, { ack: true }).then(
          () => void acked.add(value),
          (error) => {
            if (!(error instanceof OutcomeUnknown)) throw error;
            unknown.add(value);
          },
        ));
        void direct.publish("chaos:short", value);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      proxy.calm();
      await Promise.all(calls);
      // One more of each, behind everything, once the reader is back: a gap at the very end has no message to stand on.
      await reader.ping({ timeoutMs: 40_000 });
      const [kept, short] = await Promise.all([
        direct.publish("chaos:kept", 0, { ack: true }), direct.publish("chaos:short", 0, { ack: true }),
      ]);
      const last = () => Object.values(stories).map(({ messages }) => messages.at(-1)?.data);
      for (let wait = 0; wait < 300 && last().some((value) => value !== 0); wait++) await new Promise((resolve) => setTimeout(resolve, 100));
      for (const { handle, reading } of handles) {
        handle.close();
        await reading;
      }

      check(stories["kept"]!, kept.seq);
      check(stories["short"]!, short.seq);
      expect(stories["kept"]!.gaps, "history reaches back far enough").toEqual([]);
      const values = stories["kept"]!.messages.map(({ data }) => data);
      expect(new Set(values).size, "nothing is doubled").toBe(values.length);
      for (const value of acked) expect(values).toContain(value);
      const order = values.filter((value) => acked.has(value));
      expect(order, "messages of one sender keep their order").toEqual([...order].sort((a, b) => a - b));
      expect(proxy.cuts + proxy.stalls).toBeGreaterThan(0);
      console.log(
        `${n} published, ${proxy.cuts} cuts, ${proxy.stalls} stalls, ${reader.stats().reconnects} and ${writer.stats().reconnects} reconnects, ` +
        `${unknown.size} of unknown outcome, ${reader.stats().repeats} repeats dropped, ${stories["short"]!.gaps.length} gaps told`,
      );
    } finally {
      await Promise.all([writer, reader, direct].map((bus) => bus.close()));
      await proxy.stop();
      await server.stop();
    }
  }, (SECONDS + 60) * 1000);
});
