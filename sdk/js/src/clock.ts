// Time as an argument, so that tests can set it.

/** What the bus needs of time; the default is that of the machine. */
export interface Clock {
  /** Milliseconds, of any origin. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const machineClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as number),
};
