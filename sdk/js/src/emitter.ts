// Callbacks by event. What a callback throws changes nothing for the others, nor for the bus.

export type Off = () => void;

/** Typed callbacks; `Events` names each event's argument. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(argument: never) => void>>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Call `listener` for each such event; call what is returned to stop. */
  on<Name extends keyof Events>(name: Name, listener: (argument: Events[Name]) => void): Off {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener as never));
    return () => void listeners.delete(listener as never);
  }

  /** Whether anybody listens. */
  has(name: keyof Events): boolean {
    return !!this.#listeners.get(name)?.size;
  }

  /** Tell everybody who listens. Returns whether there was somebody. */
  emit<Name extends keyof Events>(name: Name, argument: Events[Name]): boolean {
    const listeners = this.#listeners.get(name);
    for (const listener of [...(listeners ?? [])]) {
      try {
        listener(argument as never);
      } catch (error) {
        this.#report(error);
      }
    }
    return !!listeners?.size;
  }
}
