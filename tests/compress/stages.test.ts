import { test } from "node:test";
import assert from "node:assert/strict";
import { stagesOf } from "../../lib/compress/stages.ts";
import {
  createHasher,
  createStreamHasher,
  hostHasherFactory,
  hostStreamHasher,
} from "../../lib/hash/mod.ts";
import { loadKernel } from "../../lib/kernel/mod.ts";
import { encodeHex } from "../../lib/model/mod.ts";

test("long streams are hashed by the kernel where the host has no digest, or on request", async () => {
  const isHost = hostStreamHasher("sha256") !== undefined;
  const prototype = Object.getPrototypeOf(loadKernel().hasher("sha256"));
  const update = prototype.update;
  let hashed = 0;
  prototype.update = function (chunk: Uint8Array) {
    hashed += chunk.byteLength;
    return update.call(this, chunk);
  };
  try {
    const choices = [
      [createHasher("sha256"), hostHasherFactory() === undefined],
      [createStreamHasher("sha256"), !isHost],
      [stagesOf("host").hasher("sha256"), !isHost],
      [stagesOf("wasm").hasher("sha256"), true],
    ] as const;
    for (const [hasher, isOwn] of choices) {
      hashed = 0;
      await hasher.update(new Uint8Array(1_000_000));
      await hasher.digest();
      assert.equal(hashed, isOwn ? 1_000_000 : 0);
    }
  } finally {
    prototype.update = update;
  }
});

test("all choices give the same digests of memory that changes", async () => {
  for (const algorithm of ["sha256", "sha512"] as const) {
    const digests = new Set<string>();
    for (const choice of ["host", "wasm", "js"] as const) {
      const hasher = stagesOf(choice).hasher(algorithm);
      const piece = new Uint8Array(70_000);
      for (let round = 0; round < 5; round++) {
        piece.fill(round);
        await hasher.update(piece);
      }
      digests.add(encodeHex(await hasher.digest()));
    }
    assert.equal(digests.size, 1, algorithm);
  }
});
