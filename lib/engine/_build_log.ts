import type { BuildEvent } from "./build_events.ts";

/** How much of the output an error keeps: the last megabyte tells why a build failed. */
const MAX_LOG_LENGTH = 1024 * 1024;

/** Keeps the output of a build for its error. */
export class BuildLog {
  readonly #named = new Set<string>();
  #parts: string[] = [];
  #length = 0;

  /** Takes what is output; of BuildKit's steps also the name, when it begins, and the error. */
  take(event: BuildEvent): void {
    if (event.type === "log") this.#add(event.text);
    if (event.type !== "step") return;
    const { id, number, name, startedAt, isCached, error } = event;
    if ((startedAt !== undefined || isCached) && !this.#named.has(id)) {
      this.#named.add(id);
      this.#add(`#${number} ${name}${isCached ? " CACHED" : ""}\n`);
    }
    if (error !== "") this.#add(`#${number} ERROR: ${error}\n`);
  }

  /** The output; the begin of a long one is cut off. */
  get text(): string {
    return this.#parts.join("").slice(-MAX_LOG_LENGTH);
  }

  #add(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length < 2 * MAX_LOG_LENGTH) return;
    this.#parts = [this.text];
    this.#length = MAX_LOG_LENGTH;
  }
}
