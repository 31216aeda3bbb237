import type { Bytes } from "../model/bytes.ts";
import { bytesAt, INPUT_BYTES, type KernelExports } from "./_exports.ts";
import type { WasmInstances } from "./_wasm_instances.ts";
import type { TarRecord, TarScan, TarScanner, TarScanStop } from "./kernel.ts";

// The layout of wasm/assembly/tar.ts.
const STATE_BYTES = 544;
const OFFSET_AT = 0;
const SKIP_AT = 8;
const USED_AT = 20;
const RECORDS_AT = 24;
const RECORD_BYTES = 528;
const BLOCK_BYTES = 512;

const STOPS: readonly TarScanStop[] = [
  "input",
  "handover",
  "full",
  "zeros",
  "bad-checksum",
  "bad-size",
];

/** Scans tar with the kernel. Its state is kept here, so that any instance can go on. */
export class WasmTarScanner implements TarScanner {
  readonly #instances: WasmInstances;
  readonly #state: Bytes = new Uint8Array(STATE_BYTES);
  readonly #view = new DataView(this.#state.buffer);

  constructor(instances: WasmInstances) {
    this.#instances = instances;
  }

  get offset(): number {
    return this.#number(OFFSET_AT);
  }

  skip(bytes: number): void {
    this.#add(SKIP_AT, bytes);
  }

  advance(bytes: number): void {
    this.#add(OFFSET_AT, bytes);
  }

  scan(piece: Uint8Array): TarScan {
    return this.#instances.use((kernel) => {
      const state = kernel.TAR_STATE.value as number;
      bytesAt(kernel, state, STATE_BYTES).set(this.#state);
      let scan: TarScan = { used: 0, stop: "input", records: [] };
      do {
        const { used, stop, records } = scanPiece(kernel, state, piece.subarray(scan.used));
        scan = { used: scan.used + used, stop, records: [...scan.records, ...records] };
      } while (scan.stop === "input" && scan.used < piece.length);
      this.#state.set(bytesAt(kernel, state, STATE_BYTES));
      return scan;
    });
  }

  #number(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  #add(at: number, bytes: number): void {
    this.#view.setBigUint64(at, BigInt(this.#number(at) + bytes), true);
  }
}

function scanPiece(kernel: KernelExports, state: number, rest: Uint8Array): TarScan {
  const piece = rest.subarray(0, INPUT_BYTES);
  const address = kernel.INPUT.value as number;
  bytesAt(kernel, address, piece.length).set(piece);
  const stop = STOPS[kernel.tarScan(state, address, piece.length)] ?? "bad-checksum";
  const view = new DataView(kernel.memory.buffer);
  const records: TarRecord[] = [];
  const count = view.getUint32(state + RECORDS_AT, true);
  for (let index = 0; index < count; index++) {
    const at = (kernel.TAR_RECORDS.value as number) + index * RECORD_BYTES;
    records.push({
      offset: Number(view.getBigUint64(at, true)),
      size: Number(view.getBigUint64(at + 8, true)),
      block: bytesAt(kernel, at + 16, BLOCK_BYTES).slice(),
    });
  }
  return { used: view.getUint32(state + USED_AT, true), stop, records };
}
