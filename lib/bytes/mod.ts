/**
 * Tools for streams of bytes: reading, bounding and verifying them without queueing more than a
 * chunk, and {@linkcode Operation}, the shape of everything that takes long.
 *
 * @example Read a stream, proved and bounded
 * ```ts
 * import { readAll, streamOf, verified } from "./mod.ts";
 *
 * const stream = streamOf(new TextEncoder().encode("hello"));
 * const descriptor = {
 *   mediaType: "text/plain",
 *   digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
 *   size: 5,
 * };
 * const bytes = await readAll(verified(stream, descriptor), { maxBytes: 1024 });
 * console.log(new TextDecoder().decode(bytes));
 * ```
 *
 * @module
 */
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type { Descriptor } from "../model/descriptor.ts";
export type { Platform } from "../model/platform.ts";
export type { HashAlgorithm, Hasher, HasherFactory } from "../hash/hasher.ts";
export { concatBytes } from "./concat.ts";
export { iterate } from "./iterate.ts";
export { limited } from "./limit.ts";
export { mapConcurrent } from "./map_concurrent.ts";
export {
  type Operation,
  type OperationContext,
  type OperationOptions,
  startOperation,
} from "./operation.ts";
export { readAll, type ReadAllOptions } from "./read_all.ts";
export { withSignal } from "./signal.ts";
export { SingleFlight } from "./single_flight.ts";
export { isReplayable, openSource } from "./source.ts";
export { streamFrom, streamOf } from "./stream_from.ts";
export { through, type ThroughHandlers } from "./through.ts";
export { freeChunk, noteOwnedChunks, ownsChunks, passLineage } from "./lineage.ts";
export { watched, type WatchHandlers } from "./watched.ts";
export { verified, type VerifiedOptions, verifyBytes, type VerifyBytesOptions } from "./verify.ts";
