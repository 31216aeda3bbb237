import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { ociLayout, type RandomAccess } from "../../lib/store/mod.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { ociArchive } from "../../lib/store/oci_archive.ts";
import { copy } from "../../lib/ops/copy.ts";
import { corpusBytes } from "../support/corpus.ts";

const ARCHIVE = "made-by-umoci-skopeo/skopeo-oci-archive-v2.tar";

/** Gives the same memory to everybody who reads the same. */
function keeping(bytes: Uint8Array): RandomAccess {
  const kept = new Map<string, Bytes>();
  return {
    size: bytes.byteLength,
    read(position, length) {
      const key = `${position}+${length}`;
      const piece = kept.get(key) ?? new Uint8Array(bytes.subarray(position, position + length));
      kept.set(key, piece);
      return Promise.resolve(piece);
    },
    close: () => Promise.resolve(),
  };
}

test("what an access keeps of what it gave is not freed", async () => {
  const access = keeping(await corpusBytes(ARCHIVE));
  const fs = memoryFileSystem();
  const digests: string[] = [];
  for (const folder of ["a", "b"]) {
    const archive = ociArchive(() => Promise.resolve(access));
    digests.push((await copy(archive, "v2", ociLayout(fs, folder))).descriptor.digest);
    await archive.close();
  }
  assert.equal(digests[0], digests[1]);
});
