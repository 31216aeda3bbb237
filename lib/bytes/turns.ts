/**
 * Bytes that are worked on before others get their turn: timers, sockets, the screen. To inflate and
 * hash so many takes some 10 ms, to wait for the others some 10 µs. It is bytes and no time, because
 * the clocks of edge workers stand still while they compute.
 */
const TURN_BYTES: number = 4 * 1024 * 1024;

interface Host {
  readonly navigator?: { readonly userAgent?: string };
}

/**
 * As it is when this is loaded: who tests with a clock of his own may never let the others go on. One
 * behind a getter is not asked for yet: Deno takes 4 ms for its first timer.
 */
const SET_IMMEDIATE = Object.getOwnPropertyDescriptor(globalThis, "setImmediate");

/** Of all work in this thread: what takes turns with one another counts together. */
let bytesOfTurn = 0;

/** Notes that so many bytes were worked on, or will be at once. */
export function noteWork(bytes: number): void {
  bytesOfTurn += bytes;
}

/** What all wait for that is under way. */
let turn: Promise<void> | undefined;

/**
 * Lets timers and others go on where there was much work since they last could: promises alone keep
 * them waiting. All that wait go on together, so that layers whose digests are computed side by side
 * stay side by side. In an edge worker each waits for itself: a request may not wait for another one.
 *
 * @returns A promise where it is the turn of others.
 */
export function turnOfOthers(): Promise<void> | undefined {
  if (bytesOfTurn < TURN_BYTES) return undefined;
  return "WebSocketPair" in globalThis ? nextTurn() : turn ??= nextTurn();
}

async function nextTurn(): Promise<void> {
  await new Promise<void>(afterOthers);
  bytesOfTurn = 0;
  turn = undefined;
}

/** Calls back in a turn of its own. */
function afterOthers(callback: () => void): void {
  const setImmediate = SET_IMMEDIATE?.value ?? SET_IMMEDIATE?.get?.call(globalThis);
  if (setImmediate !== undefined) return void setImmediate(callback);
  // Browsers make timers wait for 4 ms, but no messages; workerd gives messages before timers.
  const agent = (globalThis as Host).navigator?.userAgent;
  if (!agent?.startsWith("Mozilla")) return void setTimeout(callback, 0);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(0);
}
