/** Continues a CRC-32 over a chunk. */
export type Crc32 = (chunk: Uint8Array, seed: number) => number;

/** Who takes the CRC-32s of inflated bytes. */
export interface CrcSource {
  /** Gives what takes them, or `undefined` for the kernel itself. */
  get(): Crc32 | undefined;
  /** Takes note of bytes that were checked. */
  checked(bytes: number): void;
}

/** The little of the host's compression module that is used. */
interface HostZlib {
  crc32?: Crc32;
}

interface HostProcess {
  getBuiltinModule?: (name: string) => unknown;
}

/**
 * Bytes that the kernel checks itself before the host is asked. To load the host's module takes 1 ms
 * (Node) to 30 ms (Deno), and it gives back at most 30 ms for each GB.
 */
const KERNEL_BYTES = 268_435_456;

/** The kernel's own takes about 13 µs for so much; a host that has an instruction for it, 4. */
const SAMPLE_BYTES = 262_144;
const FAST_MS = 0.013;
const SAMPLES = 4;

/**
 * The host's own CRC-32, from when it pays to load it, and where it is faster than the kernel's: Deno
 * and Bun have one that uses instructions that WebAssembly lacks, that of Node takes three times the
 * kernel's time. It is timed once. Both give the same, so a wrong guess costs nothing but time.
 */
export class HostCrc32 implements CrcSource {
  #checkedBytes = 0;
  #found: Crc32 | false | undefined;

  checked(bytes: number): void {
    this.#checkedBytes += bytes;
  }

  get(): Crc32 | undefined {
    if (this.#checkedBytes < KERNEL_BYTES) return undefined;
    this.#found ??= probe() ?? false;
    return this.#found === false ? undefined : this.#found;
  }
}

/** Looks the module up without an import: bundlers and edge workers have nothing to resolve. */
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
