/** What a transport cannot do. An absent trait means that it can. */
export interface TransportTraits {
  /** `false` when a request body cannot be a stream. */
  readonly streamingUpload?: boolean | undefined;
  /** `false` when `redirect: "manual"` hides the answer, as in browsers. */
  readonly manualRedirect?: boolean | undefined;
  /** The largest request body in bytes. */
  readonly maxRequestBytes?: number | undefined;
}

/**
 * Sends a request. `fetch` is one, a registry handler is one, and a middleware returns one.
 * Transports compose as plain functions.
 */
export interface Transport {
  /**
   * Sends the request and gives the answer once its header is there. What it throws is no answer, and
   * reason to send the request again, unless it is a `LadingError` or has `isFinal: true`.
   */
  (request: Request): Promise<Response>;
  /** What this transport cannot do. */
  readonly traits?: TransportTraits | undefined;
}
