// Plays the sessions of the contract by the SDK: each client does what the vector says by the calls that users have.
// Nothing of Node and nothing of the SDK's inside is used here, so it runs in browsers, on any build.

import type { Bus, ConnectOptions, Message, Reader, Subscription } from "../../src/index.js";
import type { SocketClass, SocketLike } from "../../src/connection.js";
import { filledIn, isMatch, type Json, type Names } from "./matching.js";

export interface Step {
  at: string;
  send?: Json;
  expect?: Json;
  quiet_ms?: number;
  close?: number;
  cut?: boolean;
  back?: Json;
}

export interface SessionVector {
  name: string;
  proves: string;
  raw?: boolean;
  steps: Step[];
}

/** The fake server of one client; a real one needs none. */
export interface Script {
  Socket: SocketClass;
  takes(said: Json): Promise<void>;
  says(want: Json): void;
  comesBack(want: Json): void;
  greeted(): void;
  end(): void;
}

export type Connect = (url: string, options: ConnectOptions) => Bus;

const PATIENCE_MS = 5_000;
const QUIET_MS = 20;
const JOIN_OPTIONS = ["since", "replay", "recover", "group", "overflow", "create"];
const SAID: Record<string, string> = { id: "id", metadata: "metadata", reply_to: "replyTo", traceparent: "traceparent", tracestate: "tracestate" };

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function must(holds: boolean, want: Json, got: Json): void {
  if (!holds) throw new Error(`expected ${JSON.stringify(want)}, came ${JSON.stringify(got)}`);
}

export function soon<T>(work: Promise<T>, what: Json): Promise<T> {
  let late: ReturnType<typeof setTimeout>;
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`nothing came: ${JSON.stringify(what)}`)), PATIENCE_MS);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(late));
}

/** The network of one client: lets no dial through while it is cut. */
class Line {
  #isWhole = true;
  #held: (() => void) | undefined;
  #drop = (): void => {};
  readonly Socket: SocketClass;

  constructor(Inner: SocketClass) {
    const line = this;
    this.Socket = class implements SocketLike {
      onopen: SocketLike["onopen"] = null;
      onmessage: SocketLike["onmessage"] = null;
      onerror: SocketLike["onerror"] = null;
      onclose: SocketLike["onclose"] = null;
      #inner: SocketLike | undefined;

      constructor(url: string, protocols?: string[]) {
        const dial = () => {
          const inner = (this.#inner = new Inner(url, protocols));
          inner.onopen = (event) => this.onopen?.(event);
          inner.onmessage = (event) => this.onmessage?.(event);
          inner.onerror = (event) => this.onerror?.(event);
          inner.onclose = (event) => this.onclose?.(event);
        };
        if (line.#isWhole) dial();
        else line.#held = dial;
        line.#drop = () => {
          const inner = this.#inner;
          if (!inner) return;
          inner.onopen = inner.onmessage = inner.onerror = inner.onclose = null;
          inner.close(3000); // any code but 1000 and 1001 means to the server that the client was lost
          this.onclose?.({ code: 1006, reason: "" } as never);
        };
      }

      get readyState() {
        return this.#inner?.readyState ?? 0;
      }

      get bufferedAmount() {
        return this.#inner?.bufferedAmount ?? 0;
      }

      send(text: string) {
        this.#inner!.send(text);
      }

      close(code?: number) {
        this.#inner?.close(code);
      }
    };
  }

  cut(): void {
    this.#isWhole = false;
    this.#drop();
  }

  mend(): void {
    this.#isWhole = true;
    const dial = this.#held;
    this.#held = undefined;
    dial?.();
  }
}

/** One client of a session, by the SDK. */
class Actor {
  readonly line: Line;
  readonly bus: Bus;
  readonly #inbox: Reader<Json>;
  readonly #broadcasts: Reader<Json>;
  readonly #handles = new Map<string, Subscription<Json>>();
  readonly #calls = new Map<string, Promise<Json>>();
  readonly #joins = new Map<string, string>();
  readonly lost = new Map<string, Json>();
  readonly #system: Json[] = [];
  #heard = (): void => {};

  constructor(connect: Connect, url: string, room: string, Socket: SocketClass) {
    this.line = new Line(Socket);
    this.bus = connect(url, { WebSocket: this.line.Socket, lingerMs: 0, random: () => 0.02, lifecycle: false, onError: () => {} });
    this.#inbox = this.bus.inbox();
    this.#broadcasts = this.bus.broadcasts(room);
    this.bus.on("system", (event) => {
      this.#system.push({ type: "system", ...event });
      this.#heard();
    });
  }

  /** Begin the call that sends such a frame. */
  do(frame: Json): void {
    const call = this.#call(frame);
    call.catch(() => {});
    this.#calls.set(frame.id, call);
  }

  async #call(frame: Json): Promise<Json> {
    const { type, payload = null, ack, args = {}, command } = frame;
    const options: Json = { ack };
    for (const [key, name] of Object.entries(SAID)) if (frame[key] != null) options[name] = frame[key];
    if (type === "event") return this.bus.publish(`${frame.room}:${frame.channel}`, payload, options);
    if (type === "private") return this.bus.sendPrivate(frame.to, payload, options);
    if (type === "broadcast") return this.bus.broadcast(frame.room, payload, options);
    if (command === "join_channel") return this.#join(frame.id, args);
    if (command === "leave_channel") return this.#leave(args);
    return this.bus.command(command, args);
  }

  async #join(id: string, args: Json): Promise<Json> {
    const address = `${args.room}:${args.channel}`;
    const options = Object.fromEntries(Object.entries(args).filter(([key]) => JOIN_OPTIONS.includes(key)));
    this.#joins.set(id, address);
    const handle = this.bus.subscribe(address as `${string}:${string}`, options);
    this.#handles.set(address, handle);
    await handle.ready();
    return { ...handle.position };
  }

  async #leave(args: Json): Promise<Json> {
    const address = `${args.room}:${args.channel}`;
    this.#handles.get(address)!.close();
    this.#handles.delete(address);
    await pause(0); // the linger of no time
    await this.bus.ping();
    return {};
  }

  /** Wait until a call without an answer has been made. */
  async done(id: string): Promise<void> {
    await soon(this.#calls.get(id)!, id);
  }

  /** See that the call of this response ends as it says. */
  async answered(want: Json, names: Names): Promise<void> {
    const call = soon(this.#calls.get(want.request_id)!, want);
    if (want.status === "error") {
      const error: Json = await call.then(() => undefined, (raised) => raised);
      const told = error && { code: error.code, message: error.message, retryable: error.retryable, details: error.details };
      must(isMatch(want.error, told, names), want, told);
      return;
    }
    const result = await call;
    const address = this.#joins.get(want.request_id);
    if (address === undefined) {
      if (result !== undefined) must(isMatch(want.result, result, names), want.result, result);
      return;
    }
    if (want.result.lost?.from) this.lost.set(address, { ...want.result.lost, reason: want.result.reason });
    if (!result.epoch || !want.result.epoch) return;
    must(isMatch(want.result.epoch, result.epoch, names) && want.result.seq - want.result.replayed <= result.seq, want.result, result);
  }

  /** See that the SDK gives its user this message. */
  async message(want: Json, names: Names): Promise<void> {
    const { value, done } = await soon(this.#handle(want).next(), want);
    must(!done, want, "the end");
    const told = frameOf(value as Message<Json>);
    must(isMatch(want, told, names), want, told);
    const address = `${told.room}:${told.channel}`;
    const lost = this.lost.get(address);
    this.lost.delete(address);
    const gap = (value as Message).gap;
    if (lost) must(gap?.from === lost.from && gap?.to === lost.to && gap?.reason === lost.reason, lost, gap);
  }

  #handle(want: Json): Reader<Json> {
    if (want.type === "private") return this.#inbox;
    if (want.type === "broadcast") return this.#broadcasts;
    const found = this.#handles.get(`${want.room}:${want.channel}`) ?? this.#handles.get(`${want.room}:*`);
    must(!!found, want, "no handle");
    return found!;
  }

  /** See that the SDK tells this system event. */
  async system(want: Json, names: Names): Promise<void> {
    if (!this.#system.length) await soon(new Promise<void>((resolve) => (this.#heard = resolve)), want);
    const got = this.#system.shift();
    must(isMatch(want, got, names), want, got);
  }

  mustBeQuiet(): void {
    must(this.bus.stats().queued === 0, "nothing", `${this.bus.stats().queued} messages`);
  }
}

/** Write a message as the frame that it came in. */
function frameOf({ kind, id, sender, timestamp, data, metadata, replyTo, traceparent, tracestate, room, channel, seq }: Message<Json>): Json {
  const headers = metadata && Object.keys(metadata).length ? metadata : undefined;
  const frame = { type: kind, id, from: sender, timestamp, payload: data, metadata: headers, reply_to: replyTo, traceparent, tracestate };
  return { ...frame, ...(room && { room }), ...(kind === "event" && { channel, seq }) };
}

/** Play one session. Rejects with the step that went wrong. */
export async function play(vector: SessionVector, connect: Connect, url: string, room: string, socketFor: (at: string, names: Names) => SocketClass | Script): Promise<void> {
  const names: Names = new Map([["$room", room]]);
  const actors = new Map<string, [Actor, Script | undefined]>();
  const enter = async (at: string): Promise<[Actor, Script | undefined]> => {
    const known = actors.get(at);
    if (known) return known;
    const found = socketFor(at, names);
    const script = "Socket" in found ? found : undefined;
    const actor = new Actor(connect, url, room, script ? script.Socket : (found as SocketClass));
    actors.set(at, [actor, script]);
    await soon(actor.bus.ready(), `the session of ${at}`);
    names.set(`$${at}`, actor.bus.client);
    return [actor, script];
  };
  try {
    for (const [number, step] of vector.steps.entries()) {
      try {
        await act(step, ...(await enter(step.at)), names);
      } catch (error) {
        throw new Error(`step ${number + 1} at ${step.at}: ${(error as Error).message}`, { cause: error });
      }
    }
    await pause(QUIET_MS);
    for (const [actor, script] of actors.values()) {
      actor.mustBeQuiet();
      script?.end();
    }
  } finally {
    for (const [actor] of actors.values()) {
      actor.line.mend();
      await actor.bus.close();
    }
  }
}

async function act(step: Step, actor: Actor, script: Script | undefined, names: Names): Promise<void> {
  if (step.send) {
    const frame = filledIn(step.send, names);
    actor.do(frame);
    if (script) await script.takes(frame);
    else if (!frame.ack && frame.type !== "command") await actor.done(frame.id);
  } else if (step.expect) {
    for (const want of [step.expect].flat()) {
      script?.says(want);
      await see(actor, want, names);
    }
  } else if (step.quiet_ms !== undefined) {
    await pause(QUIET_MS);
    actor.mustBeQuiet();
  } else if (step.close !== undefined) {
    await actor.bus.close();
  } else if (step.cut) {
    actor.line.cut();
  } else if (step.back) {
    await comeBack(step.back, actor, script, names);
  }
}

async function see(actor: Actor, want: Json, names: Names): Promise<void> {
  const { to: _, ...told } = want; // to oneself, so the SDK does not say it
  if (want.type === "response") await actor.answered(filledIn(want, names), names);
  else if (want.type === "system") await actor.system(filledIn(want, names), names);
  else await actor.message(filledIn(told, names), names);
}

async function comeBack(want: Json, actor: Actor, script: Script | undefined, names: Names): Promise<void> {
  const before = actor.bus.client;
  script?.comesBack(want);
  actor.line.mend();
  await soon(actor.bus.ready(), want);
  script?.greeted();
  must(actor.bus.client === before && before === filledIn(want.client, names), want.client, actor.bus.client);
  for (const { room, channel, lost, reason } of filledIn(want.resumed, names)) if (lost) actor.lost.set(`${room}:${channel}`, { ...lost, reason });
}
