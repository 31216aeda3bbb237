import { SingleFlight } from "../bytes/single_flight.ts";

/** Holds a value once it was worked out; a failure, or an abort by one caller, is not kept. */
export class Memo<Value> {
  readonly #flights = new SingleFlight<"value", Value>();
  #value: { readonly held: Value } | undefined;

  /**
   * Gives the value, working it out when there is none yet. Callers at the same time share the
   * work, and each can leave by its own signal.
   */
  async get(
    work: (signal: AbortSignal) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    signal?.throwIfAborted();
    if (this.#value !== undefined) return this.#value.held;
    const held = await this.#flights.run("value", work, signal);
    this.#value = { held };
    return held;
  }
}
