// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Reads the headers of a tar archive where they lie in memory, and passes over the contents. What a
// header says is read by the rules of lib/kernel/tar_rules.ts, which this is compiled with.
//
// A scan starts at an address that the host takes for that of a header, and fills a buffer of
// entries, each of which is an address and the fields of the header there:
//
//   0         8
//   | address | fields, in the order of tar_rules.ts | nothing
//
// The entries behind the first are a guess, and a good one: the host asks for the header at an address,
// and finds it in the buffer or scans from there. Metadata that changes what follows is the host's, and
// may prove a guess wrong. So a scan has no state: it stops at the end of what there is, at what is no
// header, and when the buffer is full, and goes on wherever the host likes.
import { TAR_ENTRIES, TAR_ENTRY_BYTES, TAR_ENTRY_COUNT } from "./memory";
import {
  hasTarChecksum,
  hasTarContent,
  readTarFields,
  SIZE_FIELD,
  TAR_BLOCK_BYTES,
  TYPE_FIELD,
} from "./tar_rules";

const FIELDS: usize = 8;

/** Reads headers from `block` on, in what ends at `end`; gives how many entries there are. */
export function tarScan(block: usize, end: usize): u32 {
  let count: u32 = 0;
  while (count < TAR_ENTRY_COUNT && block + TAR_BLOCK_BYTES <= end && hasTarChecksum(block)) {
    const entry = TAR_ENTRIES + count * TAR_ENTRY_BYTES;
    store<f64>(entry, <f64>block);
    readTarFields(block, entry + FIELDS);
    count++;
    const hasContent = hasTarContent(<i32>load<f64>(entry, FIELDS + (TYPE_FIELD << 3)), 0);
    const size = hasContent ? load<f64>(entry, FIELDS + (SIZE_FIELD << 3)) : 0;
    // No comparison holds for what is no number.
    if (!(size >= 0 && size <= <f64>(end - block))) break;
    block += TAR_BLOCK_BYTES + (<usize>size + TAR_BLOCK_BYTES - 1 & ~(TAR_BLOCK_BYTES - 1));
  }
  return count;
}
