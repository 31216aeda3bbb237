/** A server that runs. */
export interface RunningServer {
  /** Where it is: `http://127.0.0.1:5000`. */
  readonly url: string;
  /** The port it listens on. */
  readonly port: number;
  /**
   * Stops taking connections and waits for the requests under way. Closing again waits for the
   * same.
   */
  close(): Promise<void>;
}
