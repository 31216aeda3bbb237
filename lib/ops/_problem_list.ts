import type { Descriptor } from "../model/descriptor.ts";
import type { Problem, ProblemCode } from "./problem.ts";

/** The most problems that are listed: one damaged layer may have millions. */
export const MAX_PROBLEMS = 1000;

/** Problems in the order they were found, each once. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  readonly #keys = new Set<string>();

  /** What is listed. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Takes a problem down. */
  report(descriptor: Descriptor, code: ProblemCode, message: string, path?: string): void {
    this.#add({
      code,
      message: `${descriptor.digest}: ${message}`,
      descriptor,
      ...(path === undefined ? {} : { path }),
    });
  }

  /** Takes over what another list has, behind what is here. */
  append({ problems }: ProblemList): void {
    for (const problem of problems) this.#add(problem);
  }

  #add(problem: Problem): void {
    // What several descriptors lead to is wrong once.
    const key = `${problem.code} ${problem.message}`;
    if (this.#problems.length >= MAX_PROBLEMS || this.#keys.has(key)) return;
    this.#keys.add(key);
    this.#problems.push(problem);
  }
}
