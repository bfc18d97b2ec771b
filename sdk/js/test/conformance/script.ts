// A fake server of one client, driven by the steps of a vector: sees that the frames of the SDK are the vector's, and
// says what the vector expects.

import type { SocketClass, SocketLike } from "../../src/connection.js";
import { captures, filledIn, isMatch, type Json, type Names } from "./matching.js";
import { soon, type Script } from "./player.js";

const SAMPLES: [string, Json][] = [["$text", "text"], ["$number", 1], ["$time", "2026-11-21T19:00:00.123Z"], ["$any", null], ["$schema", {}]];

const placeOf = ({ room, channel }: Json) => `${room}:${channel}`;
const isPing = (frame: Json) => frame.command === "ping" && !Object.keys(frame.args ?? {}).length;

function withoutAbsent(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== "$absent").map(([key, inner]) => [key, withoutAbsent(inner)]));
}

/** Make the fake server of one client. */
export function script(at: string, names: Names): Script {
  const came: Json[] = [];
  const greetings: Json[] = [];
  const ids = new Map<string, string>(); // of the vector: that the SDK made; empty: answered already
  const positions = new Map<string, { epoch: string; seq: number }>();
  let resumed: Json[] = [];
  let arrived = (): void => {};
  let socket: SocketLike;

  const say = (frame: Json) => void socket.onmessage?.({ data: JSON.stringify(frame) } as never);
  const ok = (id: string, result: Json) => say({ type: "response", request_id: id, status: "ok", result });
  const welcome = { client: `c-${at}`, user: null, ticket: `ticket-of-${at}`, server: "fake", version: "1.0", heartbeat_s: 20, limits: { max_message_bytes: 1_048_576 } };

  const hear = (frame: Json): void => {
    if (frame.command === "connect") {
      greetings.push(frame);
      ok(frame.id, { ...welcome, resumed });
    } else if (isPing(frame)) {
      ok(frame.id, { time: "2026-11-21T19:00:00.123Z" });
    } else {
      came.push(frame);
      arrived();
    }
  };

  class Socket implements SocketLike {
    readyState = 0;
    bufferedAmount = 0;
    onopen: SocketLike["onopen"] = null;
    onmessage: SocketLike["onmessage"] = null;
    onerror: SocketLike["onerror"] = null;
    onclose: SocketLike["onclose"] = null;

    constructor() {
      socket = this;
      queueMicrotask(() => {
        this.readyState = 1;
        this.onopen?.({} as never);
      });
    }

    send(text: string): void {
      queueMicrotask(() => hear(JSON.parse(text)));
    }

    close(code?: number): void {
      this.readyState = 3;
      queueMicrotask(() => this.onclose?.({ code: code ?? 1005, reason: "" } as never));
    }
  }

  const follow = (told: Json): void => {
    const place = positions.get(placeOf(told));
    if (told.epoch && "recovered" in told) positions.set(placeOf(told), { epoch: told.epoch, seq: told.seq - told.replayed });
    else if (told.type === "event" && place) place.seq = told.seq;
  };

  return {
    Socket: Socket as SocketClass,

    async takes(said) {
      if (isPing(said)) {
        ids.set(said.id, "");
        return;
      }
      if (!came.length) await soon(new Promise<void>((resolve) => (arrived = resolve)), said);
      const got = came.shift();
      const { id, ...rest } = said;
      const want = said.type === "command" ? rest : said;
      if (!isMatch(want, got, names)) throw new Error(`the SDK was to say ${JSON.stringify(want)}, said ${JSON.stringify(got)}`);
      ids.set(id, got.id);
    },

    says(want) {
      for (const name of captures(want)) if (!names.has(name)) names.set(name, name === "$user" ? null : `of-${name.slice(1)}`);
      const frame = withoutAbsent(filledIn(want, new Map([...SAMPLES, ...names])));
      if (frame.type === "response") {
        frame.request_id = ids.get(frame.request_id);
        if (!frame.request_id) return; // a ping, which was answered at once
        follow(frame.result ?? {});
      } else if (frame.type === "event") {
        follow(frame);
      }
      say(frame);
    },

    comesBack(want) {
      resumed = withoutAbsent(filledIn(want.resumed, names));
    },

    greeted() {
      const { resume } = greetings.at(-1).args;
      const said = Object.fromEntries(resume.positions.map((one: Json) => [placeOf(one), { epoch: one.epoch, seq: one.seq }]));
      const wanted = Object.fromEntries(positions);
      const isSame = Object.keys(said).length === positions.size && isMatch(wanted, said, new Map());
      if (resume.ticket !== welcome.ticket || !isSame) throw new Error(`came back with ${JSON.stringify(resume)}, not with ${JSON.stringify(wanted)}`);
      for (const one of resumed) if (!one.recovered) positions.set(placeOf(one), { epoch: one.epoch, seq: one.seq });
    },

    end() {
      const left = came.filter(({ command }) => command !== "leave_channel");
      if (left.length) throw new Error(`the SDK said what no step had: ${JSON.stringify(left)}`);
    },
  };
}
