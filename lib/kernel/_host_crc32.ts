/** Continues a CRC-32 over a chunk. */
export type Crc32 = (chunk: Uint8Array, seed: number) => number;

/** The little of the host's compression module that is used. */
interface HostZlib {
  crc32?: Crc32;
}

interface HostProcess {
  getBuiltinModule?: (name: string) => unknown;
}

let probed: Crc32 | false | undefined;

/**
 * Finds the host's own CRC-32, which uses instructions that WebAssembly lacks: Node from 20.15,
 * Deno and Bun have one. It is looked up once, with no import, so that bundlers and edge workers
 * have nothing to resolve.
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
    return crc === 0xcbf43926 ? (chunk, seed) => crc32(chunk, seed) : undefined;
  } catch {
    return undefined;
  }
}
