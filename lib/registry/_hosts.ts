import { type Clock, sleep } from "./clock.ts";

/** Remembers which hosts asked to be left alone for a while, so that parallel requests wait too. */
export class HostWaits {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that an origin asked for a pause. */
  pause(origin: string, ms: number): void {
    const until = this.#clock.now() + ms;
    if (until > (this.#until.get(origin) ?? 0)) this.#until.set(origin, until);
  }

  /** Waits until an origin may be asked again. */
  async wait(origin: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const ms = (this.#until.get(origin) ?? 0) - this.#clock.now();
      if (ms <= 0) {
        this.#until.delete(origin);
        return;
      }
      await sleep(this.#clock, ms, signal);
    }
  }
}
