import { through } from "../bytes/through.ts";
import type { ByteStream } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import { BLOCK_SIZE, isZeroBlock, parseHeader } from "../tar/header.ts";

/**
 * Passes an archive on that begins with a header or with the end of an archive, and errors with
 * {@linkcode InvalidTarError} otherwise: what is no archive at all is not taken for a layer. The
 * rest is not looked into; readers differ in what they take.
 */
export function startsAsTar(archive: ByteStream): ByteStream {
  const block = new Uint8Array(BLOCK_SIZE);
  let held = 0;
  return through(archive, {
    chunk(chunk) {
      if (held < BLOCK_SIZE) {
        const part = chunk.subarray(0, BLOCK_SIZE - held);
        block.set(part, held);
        held += part.byteLength;
        if (held === BLOCK_SIZE && !isZeroBlock(block)) parseHeader(block, 0);
      }
      return chunk;
    },
    end() {
      if (held === 0 || held === BLOCK_SIZE) return;
      throw new InvalidTarError(`Cannot make the layer: ${held} bytes are no tar archive`, {
        offset: 0,
      });
    },
  });
}
