import { whenAborted } from "./_abort.ts";

interface Flight<Value> {
  readonly promise: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
  settled: boolean;
}

/**
 * Lets callers who want the same thing at the same time share one piece of work. Each caller may
 * leave by its own signal; the work is aborted when the last one has left. Nothing is kept after
 * the work has settled.
 */
export class SingleFlight<Key, Value> {
  readonly #flights = new Map<Key, Flight<Value>>();

  /** Tells how many pieces of work are under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * Tells whether work for a key is under way, so that a call would join it.
   *
   * @param key What is wanted.
   * @returns Whether a call would share work that somebody else has started.
   */
  has(key: Key): boolean {
    return this.#flights.has(key);
  }

  /**
   * Starts the work for a key, or joins the work that is under way.
   *
   * @param key What is wanted.
   * @param work Does it; its signal aborts when no caller is left.
   * @param signal Takes this caller out; the promise rejects with its reason.
   * @returns What the work gave; or its error, the same for all who wait.
   */
  async run(
    key: Key,
    work: (signal: AbortSignal) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    flight.waiting++;
    let forget = () => {};
    try {
      return await new Promise<Value>((resolve, reject) => {
        forget = whenAborted(signal, (reason) => {
          // The last one waits until the work has cleaned up; others just leave.
          if (--flight.waiting > 0 || flight.settled) return reject(reason);
          if (this.#flights.get(key) === flight) this.#flights.delete(key);
          flight.controller.abort(reason);
          flight.promise.then(() => reject(reason), () => reject(reason));
        });
        flight.promise.then(resolve, (error) => {
          if (!signal?.aborted) reject(error);
        });
      });
    } finally {
      forget();
    }
  }

  #start(key: Key, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> {
    const controller = new AbortController();
    const flight: Flight<Value> = {
      controller,
      waiting: 0,
      settled: false,
      promise: Promise.resolve().then(() => work(controller.signal)).finally(() => {
        flight.settled = true;
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }),
    };
    this.#flights.set(key, flight);
    return flight;
  }
}
