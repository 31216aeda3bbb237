import { SIZE_FIELD, TAR_BLOCK_BYTES } from "../../lib/kernel/tar_rules.ts";
import { TarScan } from "../../lib/kernel/tar_scan.ts";

/** Finds the headers of an archive in chunks of any size: the least that any reader has to do. */
export class Headers {
  count = 0;
  #skip = 0;
  #held = 0;
  readonly #block = new Uint8Array(TAR_BLOCK_BYTES);
  readonly #scan = new TarScan();

  take(chunk: Uint8Array<ArrayBuffer>): void {
    this.#scan.forget();
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const part = chunk.subarray(at, at + TAR_BLOCK_BYTES - this.#held);
      at += part.length;
      if (part.length === TAR_BLOCK_BYTES) {
        this.#read(part, chunk.length - at);
        continue;
      }
      this.#block.set(part, this.#held);
      this.#held += part.length;
      if (this.#held < TAR_BLOCK_BYTES) return;
      this.#held = 0;
      this.#read(this.#block, 0);
    }
  }

  #read(block: Uint8Array<ArrayBuffer>, behind: number): void {
    if (!this.#scan.read(block, behind)) return;
    this.count++;
    this.#skip = Math.ceil(this.#scan.field(SIZE_FIELD) / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  }
}
