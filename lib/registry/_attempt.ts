/** The signal of one attempt: aborts with the caller's, and by itself when the attempt is over. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #onAbort = () => this.abort(this.#outer?.reason);
  readonly #endings: (() => void)[] = [];

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#onAbort();
    else outer?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Registers what to do when the request is over: answered, failed or aborted. */
  onEnd(ending: () => void): void {
    this.#endings.push(ending);
  }

  /** Says that the answer is there, whose body may still come. */
  answered(): void {
    for (const ending of this.#endings.splice(0)) ending();
  }

  /** Ends the attempt and tears its connection down. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.close();
  }

  /** Ends the attempt; what was sent and received stays good. */
  close(): void {
    this.answered();
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }
}
