import { loadKernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { chunks } from "./_bench.ts";

/** What is compressed and hashed of a layer: enough for a second of the slowest. */
const SAMPLE_BYTES = 16 << 20;

/** Gives the first bytes of a layer, uncompressed. */
export function sampleOf(compressed: Uint8Array): Bytes {
  const sample = new Uint8Array(SAMPLE_BYTES);
  let length = 0;
  const inflater = loadKernel().inflater();
  for (const chunk of chunks(compressed)) {
    inflater.push(chunk);
    for (let view = inflater.read(); view !== undefined; view = inflater.read()) {
      const part = view.subarray(0, SAMPLE_BYTES - length);
      sample.set(part, length);
      length += part.length;
    }
    if (length === SAMPLE_BYTES) break;
  }
  inflater.close();
  return sample.subarray(0, length);
}
