import { SingleFlight } from "../bytes/single_flight.ts";
import { RecentMap } from "../bytes/recent_map.ts";

/** The most accounts and registries whose credentials are kept. */
const MAX_ENTRIES = 64;

/** Renewed this long before the end, so that a transfer that begins with them may take its time. */
const MAX_MARGIN_MS = 300_000;

/** Something that is good for a while. */
export interface Expiring<Value> {
  readonly value: Value;
  /** How long it is good, in milliseconds; 0 keeps it for those only who wait for it already. */
  readonly lifetimeMs: number;
}

/** Keeps things until shortly before they expire; equal questions at the same time share one. */
export class ExpiringCache<Value> {
  readonly #now: () => number;
  readonly #held = new RecentMap<string, { readonly value: Value; readonly renewAt: number }>(
    MAX_ENTRIES,
  );
  readonly #flights = new SingleFlight<string, Value>();

  constructor(now: (() => number) | undefined) {
    this.#now = now ?? Date.now;
  }

  async get(
    key: string,
    fetchNew: (signal: AbortSignal) => Promise<Expiring<Value>>,
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    signal?.throwIfAborted();
    const held = this.#held.get(key);
    if (held !== undefined && this.#now() < held.renewAt) return held.value;
    return await this.#flights.run(key, async (ours) => {
      const { value, lifetimeMs } = await fetchNew(ours);
      const margin = Math.min(MAX_MARGIN_MS, lifetimeMs / 10);
      this.#held.set(key, { value, renewAt: this.#now() + lifetimeMs - margin });
      return value;
    }, signal);
  }
}
