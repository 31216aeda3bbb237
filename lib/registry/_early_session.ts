import { Attempt } from "./_attempt.ts";
import type { Clock } from "./clock.ts";
import type { RepositoryContext } from "./_context.ts";
import { CANCEL_MS, UploadSession } from "./_upload_session.ts";

/** A session that is opened while the content is read: that is a round trip less. */
export class EarlySession {
  readonly #clock: Clock;
  readonly #attempt: Attempt;
  readonly #opening: Promise<UploadSession>;

  constructor(context: RepositoryContext, action: string, signal: AbortSignal | undefined) {
    this.#clock = context.client.clock;
    this.#attempt = new Attempt(signal);
    this.#opening = UploadSession.open(context, action, this.#attempt.signal)
      .finally(() => this.#attempt.close());
    this.#opening.catch(() => {});
  }

  /** Gives the session, once it is open, to whoever sends the content. */
  async take(): Promise<UploadSession> {
    return await this.#opening;
  }

  /**
   * Gives the session back to the registry. Nobody waits for that: one that is not open yet is given
   * back when it is, or given up after a while.
   */
  giveBack(): void {
    const stop = this.#clock.setTimer(CANCEL_MS, () => this.#attempt.abort(undefined));
    this.#opening.then((session) => session.cancel(), () => {}).finally(stop);
  }
}
