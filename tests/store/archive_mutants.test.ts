import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { copy } from "../../lib/ops/copy.ts";
import {
  dockerArchive,
  memoryStore,
  type OCIArchive,
  ociArchive,
  writeDockerArchive,
} from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { fetched, pieces } from "./content.ts";

const WAYS: readonly (readonly [
  string,
  (bytes: Bytes) => Pick<OCIArchive, "close" | "fetch" | "exists" | "resolve">,
])[] = [
  ["ociArchive(bytes)", (bytes) => ociArchive(bytes)],
  ["ociArchive(stream)", (bytes) => ociArchive(pieces(bytes, 700).stream)],
  ["dockerArchive(bytes)", (bytes) => dockerArchive(bytes)],
  ["dockerArchive(stream)", (bytes) => dockerArchive(pieces(bytes, 700).stream)],
];

/** Every so many bytes of an archive are changed, one at a time. */
const STRIDE = 29;

async function smallArchive(): Promise<Bytes> {
  const store = memoryStore();
  const image = await randomImage("mutant", { layers: 1, files: 1, maxFileBytes: 100 });
  await image.pushTo(store);
  const roots = [{ descriptor: image.descriptor, reference: "app:1" }];
  return await readAll(writeDockerArchive(store, roots), { maxBytes: 1e6 });
}

for (const [name, open] of WAYS) {
  test(`${name} reads or refuses archives with a wrong byte, by errors of its own, and never hangs`, async () => {
    const bytes = await smallArchive();
    let [copied, refused] = [0, 0];
    for (let at = 0; at < bytes.byteLength; at += STRIDE) {
      const mutant = bytes.slice();
      mutant[at] = (mutant[at] ?? 0) ^ (1 << at % 8);
      const archive = open(mutant);
      const target = memoryStore();
      try {
        const { descriptor } = await copy(archive, "app:1", target);
        await fetched(target, descriptor);
        copied++;
      } catch (error) {
        assert.ok(isLadingError(error), `byte ${at}: ${error}`);
        refused++;
      } finally {
        await archive.close();
      }
    }
    // Padding may be anything.
    assert.ok(copied > 10 && refused > 50, `${copied} copied, ${refused} refused`);
  });
}
