import { hasTarChecksum, readTarNumber } from "../../lib/kernel/tar_fields.ts";

const BLOCK = 512;

/** Finds the headers of an archive in chunks of any size: the least that any reader has to do. */
export class Headers {
  count = 0;
  #skip = 0;
  #held = 0;
  readonly #block = new Uint8Array(BLOCK);

  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const part = chunk.subarray(at, at + BLOCK - this.#held);
      this.#block.set(part, this.#held);
      this.#held += part.length;
      at += part.length;
      if (this.#held < BLOCK) return;
      this.#held = 0;
      if (!hasTarChecksum(this.#block)) continue;
      this.count++;
      const size = readTarNumber(this.#block, 124, 12) ?? 0;
      this.#skip = Math.ceil(size / BLOCK) * BLOCK;
    }
  }
}
