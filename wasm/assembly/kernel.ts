// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// What the host calls. Pointers and lengths are u32, results are numbers; there is no import, no
// garbage-collected object and no string inside. lib/kernel/wasm_kernel.ts is the other side.
import { setupBlockWriter } from "./block_writer";
import { setupCodeTables } from "./code_tables";
import { setupCrc32 } from "./crc32";
import { setupFixedLengths } from "./huffman";
import { setupPatterns } from "./symbols";

export { crc32 } from "./crc32";
export {
  deflateCrc,
  deflateEnd,
  deflateInput,
  deflateOutput,
  deflateOutputBytes,
  deflateRun,
  deflateSpace,
  deflateStart,
  deflateWritten,
} from "./deflate";
export { HASH_STATE, INPUT, LANE_PAGES, LANE_WORDS, TAR_ENTRIES } from "./memory";
export {
  inflateBitsLeft,
  inflateCrc,
  inflateEnd,
  inflateGoodBytes,
  inflateInput,
  inflateMembers,
  inflateOutput,
  inflateOutputBytes,
  inflatePosition,
  inflateResume,
  inflateRun,
  inflateSetCrc,
  inflateStart,
} from "./inflate";
export { sha256Finish, sha256Start, sha256Update } from "./sha256";
export { sha256Lanes } from "./sha256_lanes";
export { sha512Finish, sha512Start, sha512Update } from "./sha512";
export { tarScan } from "./tar";

/** Computes the tables; the host calls it once, before anything else. */
export function setup(): void {
  setupCrc32();
  setupCodeTables();
  setupFixedLengths();
  setupPatterns();
  setupBlockWriter();
}
