import { test } from "node:test";
import assert from "node:assert/strict";
import { stagesOf } from "../../lib/compress/stages.ts";
import { createStreamHasher, hostStreamHasher } from "../../lib/hash/mod.ts";
import { loadKernel } from "../../lib/kernel/mod.ts";
import { encodeHex } from "../../lib/model/mod.ts";

test("streams are hashed by the kernel where the host has no digest", () => {
  if (hostStreamHasher("sha256") !== undefined) {
    assert.equal("exportState" in createStreamHasher("sha256"), false);
    return;
  }
  const kernel = loadKernel().hasher("sha256");
  assert.equal(createStreamHasher("sha256").constructor, kernel.constructor);
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
