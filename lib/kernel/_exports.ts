// What a compiled kernel exports (wasm/assembly/kernel.ts), and the parts of its memory that the
// host reads and writes.

/** An instance of the kernel. Every pointer and length is an unsigned number of 32 bits. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly HASH_STATE: WebAssembly.Global;
  readonly INPUT: WebAssembly.Global;
  readonly LANE_PAGES: WebAssembly.Global;
  readonly LANE_WORDS: WebAssembly.Global;
  readonly TAR_ENTRIES: WebAssembly.Global;
  setup(): void;
  crc32(seed: number, data: number, bytes: number): number;
  sha256Start(state: number): void;
  sha256Update(state: number, data: number, bytes: number): void;
  sha256Finish(state: number): void;
  sha256Lanes(data0: number, data1: number, data2: number, data3: number, blocks: number): void;
  sha512Start(state: number): void;
  sha512Update(state: number, data: number, bytes: number): void;
  sha512Finish(state: number): void;
  inflateStart(raw: number, checkedByHost: number, boundaries: number): void;
  inflateResume(bit: number, historyBytes: number): void;
  inflateBitsLeft(): number;
  inflateCrc(): number;
  inflateSetCrc(crc: number): void;
  inflateInput(bytes: number): void;
  inflateEnd(): void;
  inflateRun(): number;
  inflateOutput(): number;
  inflateOutputBytes(): number;
  inflatePosition(): number;
  inflateGoodBytes(): number;
  inflateMembers(): number;
  deflateStart(depth: number, nice: number, lazy: number): void;
  deflateInput(): number;
  deflateSpace(): number;
  deflateWritten(bytes: number): void;
  deflateEnd(): void;
  deflateRun(): number;
  deflateOutput(): number;
  deflateOutputBytes(): number;
  deflateCrc(): number;
  tarScan(block: number, end: number): number;
}

/** The size of the kernel's input buffer. */
export const INPUT_BYTES = 131072;

/** Whose memory a buffer is. */
const KERNELS = new WeakMap<ArrayBufferLike, KernelExports>();

/** Gives the instance whose memory a buffer is. */
export function kernelOf(buffer: ArrayBufferLike): KernelExports | undefined {
  return KERNELS.get(buffer);
}

/** Instances that have trapped while somebody else had them. */
const BROKEN = new WeakSet<KernelExports>();

/** Notes that an instance has trapped: it may be in any state, and is not to be used again. */
export function markBroken(kernel: KernelExports): void {
  BROKEN.add(kernel);
}

/** Tells whether an instance has trapped. */
export function isBroken(kernel: KernelExports): boolean {
  return BROKEN.has(kernel);
}

/**
 * Makes an instance and its tables.
 *
 * @throws {TypeError} when the module is not the kernel.
 */
export function instantiate(module: WebAssembly.Module): KernelExports {
  const kernel = new WebAssembly.Instance(module).exports as unknown as KernelExports;
  if (typeof kernel.setup !== "function" || typeof kernel.inflateRun !== "function") {
    throw new TypeError("Cannot load the kernel: the module is not lading's kernel");
  }
  kernel.setup();
  KERNELS.set(kernel.memory.buffer, kernel);
  return kernel;
}

/** Makes a view of the kernel's memory. It is made anew for each use and never kept. */
export function bytesAt(
  kernel: KernelExports,
  address: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(kernel.memory.buffer as ArrayBuffer, address, bytes);
}

/**
 * Writes data to the kernel's input buffer, piece by piece.
 *
 * @param kernel The instance.
 * @param data Bytes of any number.
 * @param use Called for each piece, with its address and length.
 */
export function forEachPiece(
  kernel: KernelExports,
  data: Uint8Array,
  use: (address: number, bytes: number) => void,
): void {
  const address = kernel.INPUT.value as number;
  for (let at = 0; at < data.length; at += INPUT_BYTES) {
    const piece = data.subarray(at, at + INPUT_BYTES);
    bytesAt(kernel, address, piece.length).set(piece);
    use(address, piece.length);
  }
}
