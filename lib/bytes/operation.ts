import { EventQueue } from "./_event_queue.ts";
import { whenAborted } from "./_abort.ts";

/**
 * Work under way. `await` gives its result when the work is done and proved, or its error.
 * `for await` gives its progress and ends, or throws, with the work. Nobody has to iterate: the
 * work never waits for that, and events that nobody took stay few. Nobody has to await: a failure
 * that nobody looks at is no unhandled rejection. Leaving the loop early does not end the work;
 * {@linkcode Operation.abort} does, and so does leaving the scope of an `await using`.
 */
export interface Operation<Result, Event>
  extends PromiseLike<Result>, AsyncIterable<Event>, AsyncDisposable {
  /**
   * Ends the work; the operation rejects with the reason once it has let go of what it held.
   *
   * @param reason The reason; default an `AbortError`.
   */
  abort(reason?: unknown): void;
  /**
   * Handles a failure, as a promise does.
   *
   * @param onRejected Gets the error.
   * @returns The promise of the result, or of what the handler gave.
   */
  catch<Other = never>(
    onRejected?: ((error: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Result | Other>;
  /**
   * Calls back when the work has settled, as a promise does.
   *
   * @param onFinally Called without arguments.
   * @returns The promise of the result.
   */
  finally(onFinally?: (() => void) | null): Promise<Result>;
}

/** What the work of an operation gets. */
export interface OperationContext<Event> {
  /** Reports progress; never waits, and does nothing after the end. */
  emit(event: Event): void;
  /** Aborts when the operation does. */
  readonly signal: AbortSignal;
}

/** Options of {@linkcode startOperation}. */
export interface OperationOptions<Event> {
  /** Aborts the operation. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Gives the key of an event: a later event takes the place of a waiting one with the same key,
   * so that only the newest state of each thing waits. `undefined` keeps the event apart.
   */
  readonly coalesce?: ((event: Event) => string | undefined) | undefined;
}

/**
 * Starts work that reports progress and can be aborted. The work begins in the next microtask, and
 * not at all when the signal has aborted by then.
 *
 * @param run Does the work.
 * @param options A signal, and how events replace each other.
 * @returns The operation.
 */
export function startOperation<Result, Event>(
  run: (context: OperationContext<Event>) => Promise<Result>,
  options: OperationOptions<Event> = {},
): Operation<Result, Event> {
  return new RunningOperation(run, options);
}

class RunningOperation<Result, Event> implements Operation<Result, Event> {
  readonly #controller = new AbortController();
  readonly #result: Promise<Result>;
  readonly #coalesce: ((event: Event) => string | undefined) | undefined;
  readonly #queues = new Set<EventQueue<Event>>();
  #backlog: EventQueue<Event> | undefined;
  #settled = false;

  constructor(
    run: (context: OperationContext<Event>) => Promise<Result>,
    options: OperationOptions<Event>,
  ) {
    this.#coalesce = options.coalesce;
    this.#backlog = this.#open();
    const forget = whenAborted(options.signal, (reason) => this.#controller.abort(reason));
    this.#result = this.#run(run).finally(() => {
      this.#settled = true;
      forget();
      for (const queue of this.#queues) queue.close();
    });
    this.#result.catch(() => {});
  }

  async #run(run: (context: OperationContext<Event>) => Promise<Result>): Promise<Result> {
    const { signal } = this.#controller;
    await undefined;
    signal.throwIfAborted();
    try {
      return await run({ signal, emit: (event) => this.#emit(event) });
    } catch (error) {
      // Whatever broke because of the abort, the caller asked for the abort.
      signal.throwIfAborted();
      throw error;
    }
  }

  #open(): EventQueue<Event> {
    const queue = new EventQueue<Event>(this.#coalesce);
    if (this.#settled) queue.close();
    else this.#queues.add(queue);
    return queue;
  }

  #emit(event: Event): void {
    for (const queue of this.#queues) queue.push(event);
  }

  abort(reason?: unknown): void {
    if (this.#settled) return;
    if (reason === undefined) this.#controller.abort();
    else this.#controller.abort(reason);
  }

  then<A = Result, B = never>(
    onFulfilled?: ((result: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<Other = never>(
    onRejected?: ((error: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Result | Other> {
    return this.#result.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#result.finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    const queue = this.#backlog ?? this.#open();
    this.#backlog = undefined;
    try {
      for (let event = await queue.next(); event !== undefined; event = await queue.next()) {
        yield event.value;
      }
    } finally {
      this.#queues.delete(queue);
    }
    await this.#result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await this.#result.catch(() => {});
  }
}
