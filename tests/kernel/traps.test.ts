// What WebAssembly does when it reads outside of its memory: the instance may be left in any state.
import { test } from "node:test";
import assert from "node:assert/strict";
import core from "#wasm";
import type { KernelExports } from "../../lib/kernel/_exports.ts";
import { WasmDeflateEngine } from "../../lib/kernel/_wasm_deflate.ts";
import { WasmInflater } from "../../lib/kernel/_wasm_inflater.ts";
import { WasmInstances } from "../../lib/kernel/_wasm_instances.ts";
import { crc32 } from "../../lib/hash/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

/** Reads behind the end of the memory. */
function trap(kernel: KernelExports): never {
  kernel.crc32(0, 0xffff0000, 100);
  throw new Error("there was no trap");
}

/** Instances of which the first one traps where it is told to; notes which ones come back. */
class TrappingInstances extends WasmInstances {
  readonly trapping: KernelExports;
  readonly given: KernelExports[] = [];

  constructor(module: WebAssembly.Module, name: "inflateRun" | "deflateRun") {
    super(module);
    const kernel = super.take();
    this.trapping = { ...kernel, [name]: () => trap(kernel) };
    super.give(this.trapping);
  }

  override give(kernel: KernelExports): void {
    this.given.push(kernel);
    super.give(kernel);
  }
}

function isTrap(cause: unknown): boolean {
  return cause instanceof WebAssembly.RuntimeError;
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

test("an inflater that traps says so, and nobody gets its instance", async () => {
  assert.ok(core !== undefined);
  const input = await corpusBytes("go-gunzip-tests/05-gettysburg.gz");
  const instances = new TrappingInstances(core, "inflateRun");
  const broken = new WasmInflater(instances);
  broken.push(input);
  const first = thrownBy(() => broken.read()) as Error & { code?: string };
  assert.deepEqual([first.name, first.code], ["CorruptStreamError", "CORRUPT_STREAM"]);
  assert.ok(isTrap(first.cause));
  assert.equal(thrownBy(() => broken.read()), first, "what went wrong is told again");
  broken.close();
  assert.throws(() => broken.read(), { name: "TypeError", message: /it is closed/ });
  assert.equal(instances.given.length, 0);
  const next = new WasmInflater(instances);
  next.push(input);
  assert.equal(next.read()?.length, 1562);
  next.close();
  assert.equal(instances.given.length, 1);
  assert.notEqual(instances.given[0], instances.trapping);
});

test("a deflater that traps says so, and nobody gets its instance", () => {
  assert.ok(core !== undefined);
  const effort = { depth: 8, nice: 32, isLazy: true };
  const instances = new TrappingInstances(core, "deflateRun");
  const broken = new WasmDeflateEngine(instances, effort);
  broken.write(new Uint8Array(1000));
  broken.end();
  assert.throws(() => broken.run(), (error: Error & { code?: string }) => {
    return error.code === "KERNEL_FAILED" && isTrap(error.cause);
  });
  broken.close();
  assert.equal(instances.given.length, 0);
  const next = new WasmDeflateEngine(instances, effort);
  next.write(new Uint8Array(1000));
  next.end();
  assert.ok((next.run()?.length ?? 0) > 0);
  next.close();
  assert.equal(instances.given.length, 1);
  assert.notEqual(instances.given[0], instances.trapping);
});

test("when a hash or a CRC traps, the shared instance is replaced", () => {
  assert.ok(core !== undefined);
  const instances = new WasmInstances(core);
  const first = instances.use((kernel) => kernel);
  assert.equal(instances.use((kernel) => kernel), first);
  assert.throws(() => instances.use(trap), (error: Error & { code?: string }) => {
    return error.code === "KERNEL_FAILED" && isTrap(error.cause);
  });
  const second = instances.use((kernel) => kernel);
  assert.notEqual(second, first);
  assert.notEqual(instances.take(), first);
  const bytes = new Uint8Array(100).fill(7);
  const crc = instances.use((kernel) => {
    const address = kernel.INPUT.value as number;
    new Uint8Array(kernel.memory.buffer, address, 100).set(bytes);
    return kernel.crc32(0, address, 100) >>> 0;
  });
  assert.equal(crc, crc32(bytes));
});

test("of many instances that are given back four are kept", () => {
  assert.ok(core !== undefined);
  const instances = new WasmInstances(core);
  const used = Array.from({ length: 10 }, () => instances.take());
  assert.equal(new Set(used).size, 10);
  for (const kernel of used) instances.give(kernel);
  const again = Array.from({ length: 10 }, () => instances.take());
  assert.equal(again.filter((kernel) => used.includes(kernel)).length, 4);
});
