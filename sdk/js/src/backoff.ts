// Full jitter: a delay is uniform between nothing and a bound that doubles, so that lost clients never come as one herd.

/** Bound of the first delay, in milliseconds. */
export const FIRST_MS = 500;
/** Bound that no delay passes. With 10,000 clients it spreads the return over 15 s at a few hundred in 100 ms. */
export const LONGEST_MS = 15_000;
/** A session that lived so long counts as stable: the next loss begins with short delays again. */
export const STABLE_MS = 10_000;

/** Counts dials that failed, and says how long to wait before the next one. */
export class Backoff {
  /** Dials since the last stable session. */
  attempt = 0;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Give the delay before the next dial, in milliseconds: uniform in [0, min(longest, 500 * 2^attempt)). */
  next(longestMs: number = LONGEST_MS): number {
    return this.#random() * Math.min(longestMs, FIRST_MS * 2 ** this.attempt++);
  }

  /** Begin with short delays again. */
  reset(): void {
    this.attempt = 0;
  }
}
