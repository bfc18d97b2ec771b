// One socket: dialled once, ended once. Whoever owns it hears of its end exactly one time, whatever the platform does.

import { NO_CLOSE_FRAME } from "./codes.js";

/** The part of WebSocket that is used: that of browsers, of Node 22 and later, and of the package `ws`. */
export interface SocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Only `ws` can stop to read. */
  pause?(): void;
  resume?(): void;
}

export type SocketClass = new (url: string, protocols?: string[]) => SocketLike;

export interface Ears {
  opened(): void;
  heard(text: unknown): void;
  ended(code: number, reason: string): void;
}

/** A socket with the subprotocol of the bus. */
export class Connection {
  readonly #socket: SocketLike;
  #ears: Ears | undefined;

  constructor(Socket: SocketClass, url: string, ears: Ears) {
    this.#ears = ears;
    const socket = (this.#socket = new Socket(url, ["arqonbus.v1"]));
    socket.onopen = () => this.#ears?.opened();
    socket.onmessage = (event: { data: unknown }) => this.#ears?.heard(event.data);
    // Node 22 tells a dial that failed by `error` alone (nodejs/undici#3546), so an error is an end, too.
    socket.onerror = (event: { message?: string }) => this.#end(NO_CLOSE_FRAME, event?.message ?? "");
    socket.onclose = (event: { code: number; reason: string }) => this.#end(event.code, event.reason);
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  get canPause(): boolean {
    return !!this.#socket.pause;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  pause(on: boolean): void {
    if (on) this.#socket.pause?.();
    else this.#socket.resume?.();
  }

  /** Hear nothing of it any more, and close it without waiting. */
  drop(code: number): void {
    this.#ears = undefined;
    try {
      this.#socket.close(code);
    } catch {
      // it is closed, or never opened
    }
  }

  #end(code: number, reason: string): void {
    const ears = this.#ears;
    this.#ears = undefined;
    ears?.ended(code, reason);
  }
}
