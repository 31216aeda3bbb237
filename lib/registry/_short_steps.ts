/** What a step has to bring so that as many as it takes are no sign of a server that leads on. */
const STEP_BYTES = 16 * 1024;

/** How many steps may bring next to nothing. */
const MAX_SHORT_STEPS = 32;

/**
 * Bounds a transfer that goes on where it broke off, in proportion to its size: each step costs one,
 * and gives one back for {@linkcode STEP_BYTES} that it brings. So a bad link may break as often as it
 * does, and a server that gives a byte per request is not asked for every byte.
 */
export class ShortSteps {
  #short = 0;

  /** Counts a step that did not get to the end; tells whether such steps have brought too little. */
  isTooShort(bytes: number): boolean {
    this.#short = Math.max(0, this.#short + 1 - bytes / STEP_BYTES);
    return this.#short > MAX_SHORT_STEPS;
  }
}
