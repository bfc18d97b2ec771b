// Is the server still there? Judged by the clock at the moment of the check, never by how often a timer ran: timers of
// hidden pages and of machines that sleep run late.

import type { Clock } from "./clock.js";

/** How long past its heartbeat a connection may be silent. */
const PATIENCE_MS = 5_000;
/** How long a ping has before the connection counts as dead. */
const PROBE_MS = 3_000;
/** A timer so late means that the machine slept. */
const LATE_MS = 1_000;

export interface Heart {
  ping(): void;
  dead(): void;
}

/** Watches one connection at a time. */
export class Pulse {
  /** True: nothing is read on purpose, so silence says nothing. */
  #isDeaf = false;
  readonly #clock: Clock;
  readonly #heart: Heart;
  #heartbeatMs = 0;
  #heardAt = 0;
  /** Grows with each sign of life. */
  #beats = 0;
  #timer: unknown;

  constructor(clock: Clock, heart: Heart) {
    this.#clock = clock;
    this.#heart = heart;
  }

  /** Something came. */
  beat(): void {
    this.#heardAt = this.#clock.now();
    this.#beats++;
  }

  set isDeaf(isDeaf: boolean) {
    if (this.#isDeaf && !isDeaf) this.beat();
    this.#isDeaf = isDeaf;
  }

  /** Whether more than a heartbeat has passed in silence. */
  get isQuiet(): boolean {
    return this.#clock.now() - this.#heardAt > this.#heartbeatMs;
  }

  start(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
    this.beat();
    this.#checkLater();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  /** Ask for a sign of life; without one the connection is dead. */
  probe(): void {
    if (this.#isDeaf) return;
    const beats = this.#beats;
    this.#heart.ping();
    this.#setTimer(PROBE_MS, () => {
      if (this.#isDeaf || this.#beats > beats) this.#checkLater();
      else this.#heart.dead();
    });
  }

  #checkLater(): void {
    const limitMs = this.#heartbeatMs + PATIENCE_MS;
    if (this.#isDeaf) this.beat();
    const dueAt = this.#heardAt + limitMs;
    this.#setTimer(dueAt - this.#clock.now(), () => {
      const now = this.#clock.now();
      if (this.#isDeaf || now - this.#heardAt < limitMs) this.#checkLater();
      else if (now - dueAt > LATE_MS) this.probe();
      else this.#heart.dead();
    });
  }

  #setTimer(delayMs: number, run: () => void): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(run, delayMs);
  }
}
