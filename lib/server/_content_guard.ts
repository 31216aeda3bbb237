/**
 * Keeps content from being removed while somebody pushes the same content: a push that finds it
 * there must not be left with nothing.
 */
export class ContentGuard {
  readonly #pins = new Map<string, number>();
  readonly #removals = new Map<string, Promise<void>>();

  /**
   * Keeps the content while the work runs; waits first for a removal that is under way.
   *
   * @param digest The content.
   * @param work Pushes it and notes who holds it.
   * @returns What the work gave.
   */
  async keep<Result>(digest: string, work: () => Promise<Result>): Promise<Result> {
    for (let removal; (removal = this.#removals.get(digest)) !== undefined;) await removal;
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const rest = (this.#pins.get(digest) ?? 1) - 1;
      if (rest === 0) this.#pins.delete(digest);
      else this.#pins.set(digest, rest);
    }
  }

  /**
   * Removes the content unless somebody pushes it right now, or has just done so.
   *
   * @param digest The content.
   * @param isHeld Tells whether somebody holds it.
   * @param work Removes it.
   */
  async remove(digest: string, isHeld: () => boolean, work: () => Promise<void>): Promise<void> {
    if (this.#pins.has(digest) || isHeld()) return;
    const removal = work();
    this.#removals.set(digest, removal.catch(() => {}));
    try {
      await removal;
    } finally {
      this.#removals.delete(digest);
    }
  }
}
