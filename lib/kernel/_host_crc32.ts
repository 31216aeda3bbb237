/** Continues a CRC-32 over a chunk. */
export type Crc32 = (chunk: Uint8Array, seed: number) => number;

/** The little of the host's compression module that is used. */
interface HostZlib {
  crc32?: Crc32;
}

interface HostProcess {
  getBuiltinModule?: (name: string) => unknown;
}

/** The kernel's own takes about 13 µs for so much; a host that has an instruction for it, 4. */
const SAMPLE_BYTES = 262_144;
const FAST_MS = 0.013;
const SAMPLES = 4;

let probed: Crc32 | false | undefined;

/**
 * Finds the host's own CRC-32 where it is faster than the kernel's: Deno and Bun have one that uses
 * instructions that WebAssembly lacks, the one of Node 20 and 24 takes three times the kernel's time.
 * It is looked up and timed once, with no import, so that bundlers and edge workers have nothing to
 * resolve. Both give the same, so a wrong guess costs nothing but time.
 */
export function hostCrc32(): Crc32 | undefined {
  probed ??= probe() ?? false;
  return probed === false ? undefined : probed;
}

function probe(): Crc32 | undefined {
  try {
    const { process } = globalThis as { process?: HostProcess };
    const zlib = process?.getBuiltinModule?.("node:zlib") as HostZlib | undefined;
    const crc32 = zlib?.crc32;
    if (typeof crc32 !== "function") return undefined;
    // The CRC of "123456789" in two parts: a polyfill may have the name alone.
    const digits = Uint8Array.from("123456789", (digit) => digit.charCodeAt(0));
    const crc = crc32(digits.subarray(4), crc32(digits.subarray(0, 4), 0));
    return crc === 0xcbf43926 && isFast(crc32) ? (chunk, seed) => crc32(chunk, seed) : undefined;
  } catch {
    return undefined;
  }
}

function isFast(crc32: Crc32): boolean {
  const sample = new Uint8Array(SAMPLE_BYTES);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < SAMPLES; round++) {
    const started = performance.now();
    crc32(sample, round);
    least = Math.min(least, performance.now() - started);
  }
  // Clocks of edge workers stand still while they compute: no time at all says nothing.
  return least > 0 && least < FAST_MS;
}
