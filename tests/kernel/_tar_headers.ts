// Headers of archives in the memory of a kernel, and what is read of them.
import assert from "node:assert/strict";
import * as rules from "../../lib/kernel/tar_rules.ts";
import { TarScan } from "../../lib/kernel/tar_scan.ts";
import type { Inflater, Kernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { deflate, KERNELS } from "./_kernels.ts";

/** What is read of a header: all fields. */
const FIELDS: readonly number[] = Array.from({ length: rules.TAR_FIELD_COUNT }, (_, at) => at);

/** What a scan has read last. */
export function fieldsOf(scan: TarScan): readonly number[] {
  return FIELDS.map((field) => scan.field(field));
}

/** Hands bytes over as a kernel that inflates has them: as views of its memory, 128 KiB at most. */
export function inWindows(kernel: Kernel, bytes: Uint8Array, take: (window: Bytes) => void): void {
  const [plain] = KERNELS;
  const stored = deflate(plain ?? assert.fail(), bytes, { level: 1, format: "deflate-raw" });
  const inflater: Inflater = kernel.inflater({ format: "deflate-raw" });
  const drain = (): void => {
    for (let view = inflater.read(); view !== undefined; view = inflater.read()) take(view);
  };
  inflater.push(stored);
  drain();
  inflater.end();
  drain();
  inflater.close();
}

/**
 * Reads headers one behind the other, as their sizes say, until there is none, in each window anew.
 * That is how a scan goes on when nobody says otherwise.
 *
 * @returns The fields of each.
 */
export function headersIn(window: Bytes): readonly (readonly number[])[] {
  const scan = new TarScan();
  const found: (readonly number[])[] = [];
  for (let at = 0; at + rules.TAR_BLOCK_BYTES <= window.length;) {
    const end = at + rules.TAR_BLOCK_BYTES;
    if (!scan.read(window.subarray(at, end), window.length - end)) break;
    found.push(fieldsOf(scan));
    const size = scan.field(rules.SIZE_FIELD);
    if (!(size >= 0)) break;
    const hasContent = rules.hasTarContent(scan.field(rules.TYPE_FIELD), 0);
    at = end + (hasContent ? Math.ceil(size / rules.TAR_BLOCK_BYTES) * rules.TAR_BLOCK_BYTES : 0);
  }
  return found;
}
