import { through } from "../../bytes/through.ts";
import { createHasher } from "../../hash/create_hasher.ts";
import type { ByteStream } from "../../model/bytes.ts";
import { formatDigest } from "../../model/digest.ts";
import { DigestMismatchError } from "../../model/errors.ts";
import type { V1ImageInfo } from "./v1_image_info.ts";

/** Turns what a socket throws into errors of the registry. */
export function wrapErrors(stream: ByteStream, wrap: (error: unknown) => unknown): ByteStream {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        throw wrap(error);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Proves a layer by the checksum of its document and itself. */
export function withChecksum(content: ByteStream, image: V1ImageInfo): ByteStream {
  const { payloadChecksum: expected, raw, value } = image;
  if (expected === undefined) return content;
  const hasher = createHasher("sha256");
  hasher.update(raw);
  hasher.update(Uint8Array.of(10));
  return through(content, {
    chunk(chunk) {
      hasher.update(chunk);
      return chunk;
    },
    end() {
      const actual = formatDigest("sha256", hasher.digest());
      if (actual === expected) return;
      throw new DigestMismatchError(
        `Cannot read the layer of ${value.id}: its checksum is ${actual}, expected ${expected}`,
        { expected, actual },
      );
    },
  });
}
