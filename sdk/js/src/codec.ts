// Text to frames and back, names, and ids.

import { InvalidRequest, type BusError } from "./errors.js";

/** One message of the server, as it was parsed. */
export type Frame = Record<string, any>;

const NAME = "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}";
const ADDRESS = new RegExp(`^(${NAME}):(${NAME}|\\*)$`);
const ROOM = new RegExp(`^${NAME}$`);
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/i;
const SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Write a frame. Throws InvalidRequest for what is no JSON, or holds a lone surrogate. */
export function encode(frame: object): string {
  let text: string;
  try {
    text = JSON.stringify(frame);
  } catch (cause) {
    throw invalid(`the payload cannot be written as JSON: ${(cause as Error).message}`, cause);
  }
  // Lone surrogates are what JSON.stringify escapes so; the server refuses them.
  if (text.includes("\\ud") && LONE_SURROGATE.test(text)) throw invalid("a text holds a lone surrogate");
  return text;
}

/** Read a frame; undefined for what is none. */
export function decode(text: unknown): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(text as string);
    return typeof (frame as Frame)?.["type"] === "string" ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}

/** Count the bytes of a text in UTF-8, exactly where it could pass the limit. */
export function sizeOf(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : new TextEncoder().encode(text).length;
}

/** Read an address `room:channel` or `room:*`. Throws InvalidRequest. */
export function split(address: string): [room: string, channel: string] {
  const found = ADDRESS.exec(address);
  if (!found) throw invalid(`expected an address room:channel, got ${JSON.stringify(address)}`);
  return [found[1]!, found[2]!];
}

/** Check the name of a room. Throws InvalidRequest. */
export function roomName(room: string): string {
  if (!ROOM.test(room)) throw invalid(`expected the name of a room, got ${JSON.stringify(room)}`);
  return room;
}

/** Make a source of ids: 12 random characters, then a count. */
export function ids(): () => string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const prefix = Array.from(bytes, (byte) => SYMBOLS[byte & 63]).join("");
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}

function invalid(message: string, cause?: unknown): BusError {
  return new InvalidRequest(message, { cause });
}
