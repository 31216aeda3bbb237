/** A registry sent a warning (distribution-spec, warnings). Each text is reported once per host. */
export interface WarningEvent {
  /** What kind of event this is. */
  readonly type: "warning";
  /** The registry. */
  readonly registry: string;
  /** What it says, at most 4,096 characters. */
  readonly text: string;
}

/** A request failed and is sent again. */
export interface RetryEvent {
  /** What kind of event this is. */
  readonly type: "retry";
  /** The registry. */
  readonly registry: string;
  /** The method of the request. */
  readonly method: string;
  /** The URL without its query. */
  readonly url: string;
  /** How many times it has been sent so far. */
  readonly attempt: number;
  /** How long until it is sent again, in milliseconds. */
  readonly delayMs: number;
  /** What went wrong. */
  readonly reason: string;
}

/** A registry does not do what the specification asks for, and another way was taken. */
export interface FallbackEvent {
  /** What kind of event this is. */
  readonly type: "fallback";
  /** The registry. */
  readonly registry: string;
  /** What it lacks and what was done. */
  readonly reason: string;
}

/** What the registry client reports while it works. */
export type RegistryEvent = WarningEvent | RetryEvent | FallbackEvent;
