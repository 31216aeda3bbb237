import { test } from "node:test";
import assert from "node:assert/strict";
import core from "#wasm";
import { type Crc32, HostCrc32 } from "../../lib/kernel/_host_crc32.ts";
import { loadKernel, wasmKernel } from "../../lib/kernel/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { KERNELS, randomNumbers } from "./_kernels.ts";

/** The definition, one bit at a time (RFC 1952 §8). */
function slowCRC32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("the kernel's CRC-32 is the definition for every length and split", () => {
  const next = randomNumbers(5);
  const bytes = Uint8Array.from({ length: 300 }, () => next() & 0xff);
  for (const kernel of KERNELS) {
    for (let length = 0; length <= bytes.length; length++) {
      const message = bytes.subarray(bytes.length - length);
      const expected = slowCRC32(message);
      const at = length === 0 ? 0 : next() % length;
      assert.equal(kernel.crc32(message), expected, `${kernel.kind}: ${length} bytes`);
      const first = kernel.crc32(message.subarray(0, at));
      assert.equal(kernel.crc32(message.subarray(at), first), expected, `${length} cut at ${at}`);
    }
  }
});

test("the kernel's CRC-32 is the definition where it goes from one method to the next", () => {
  const next = randomNumbers(7);
  const bytes = Uint8Array.from({ length: 31_000 }, () => next() & 0xff);
  // Twice 53 and twice 300 vectors of 16 bytes, and where the vectors between them are moved.
  const lengths = [1696, 2544, 9600, 15_168, 15_170, 25_537].flatMap((length) =>
    Array.from({ length: 35 }, (_, index) => length - 17 + index)
  );
  for (const kernel of KERNELS) {
    for (const length of lengths) {
      const at = next() % 17;
      const message = bytes.subarray(at, at + length);
      assert.equal(kernel.crc32(message), slowCRC32(message), `${kernel.kind}: ${length} bytes`);
      const first = kernel.crc32(message.subarray(0, 5));
      const seeded = kernel.crc32(message.subarray(5), first);
      assert.equal(seeded, slowCRC32(message), `${kernel.kind}: ${length} - 5 bytes`);
    }
  }
});

test("the kernels agree on a CRC-32 of more than an input buffer", () => {
  const next = randomNumbers(6);
  const bytes = Uint8Array.from({ length: 400_003 }, () => next() & 0xff);
  const [wasm, js] = KERNELS;
  assert.equal(wasm?.crc32(bytes), js?.crc32(bytes));
  assert.equal(wasm?.crc32(bytes, 0xdeadbeef), js?.crc32(bytes, 0xdeadbeef));
});

test("the host is not asked before 256 MiB were checked, and gives what the kernel gives", () => {
  const host = new HostCrc32();
  host.checked(2 ** 28 - 1);
  assert.equal(host.get(), undefined);
  host.checked(1);
  const bytes = new TextEncoder().encode("123456789");
  for (const kernel of KERNELS) {
    const crc32 = host.get() ?? kernel.crc32;
    assert.equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4), 0)), 0xcbf43926);
  }
});

/** Does something while the host has a module for compression; tells whether it was asked for. */
function withHost(crc32: Crc32 | undefined, act: () => void): boolean {
  let isAsked = false;
  const getBuiltinModule = (name: string): { crc32: Crc32 | undefined } => {
    isAsked ||= name === "node:zlib";
    return { crc32 };
  };
  const own = Object.getOwnPropertyDescriptor(globalThis, "process");
  const value = { getBuiltinModule };
  Object.defineProperty(globalThis, "process", { value, configurable: true, writable: true });
  try {
    act();
  } finally {
    if (own === undefined) delete (globalThis as { process?: unknown }).process;
    else Object.defineProperty(globalThis, "process", own);
  }
  return isAsked;
}

test("a CRC-32 of the host that is none is not used", () => {
  const none: readonly (Crc32 | undefined)[] = [
    undefined,
    () => 0,
    () => {
      throw new Error("not implemented");
    },
  ];
  for (const crc32 of none) {
    const isAsked = withHost(crc32, () => {
      const host = new HostCrc32();
      host.checked(2 ** 28);
      assert.equal(host.get(), undefined);
    });
    assert.ok(isAsked);
  }
});

test("the host is never asked where all is to be done in WebAssembly", async () => {
  assert.ok(core !== undefined);
  const kernel = wasmKernel(core, { host: false });
  assert.equal(loadKernel({ kind: "wasm" }).kind, "wasm");
  const input = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  for (const used of [kernel, loadKernel({ kind: "wasm" })]) {
    const isAsked = withHost(undefined, () => {
      for (let turn = 0; turn < 4; turn++) {
        const inflater = used.inflater();
        inflater.push(input);
        while (inflater.read() !== undefined);
        inflater.close();
      }
    });
    assert.ok(!isAsked);
  }
});
