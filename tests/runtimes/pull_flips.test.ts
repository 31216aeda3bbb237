// One wrong byte anywhere: the pull is refused, and nothing of it can be seen.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { pull } from "../../mod.ts";
import { faultyTransport, memoryRegistry, randomImage } from "../../lib/testing/mod.ts";

const FLIPS = 200;
const IMAGE = "registry.test/acme/app:1";

/** What can be seen of a layout: images with a name or without, and blobs, each as it should be. */
function visible(layout: string): string[] {
  if (!existsSync(layout)) return [];
  const blobs = join(layout, "blobs/sha256");
  for (const name of existsSync(blobs) ? readdirSync(blobs) : []) {
    const digest = createHash("sha256").update(readFileSync(join(blobs, name))).digest("hex");
    assert.equal(name, digest, "a blob is not what its name says");
  }
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  return manifests.map(({ digest }: { readonly digest: string }) => digest);
}

test(`pull() refuses ${FLIPS} of ${FLIPS} flipped bytes of manifest, config and layers`, async () => {
  const image = await randomImage("flips", { layers: 3, files: 12, maxFileBytes: 40_000 });
  const { store, transport } = memoryRegistry();
  await image.pushTo(store, "acme/app:1");
  const total = image.contents.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  const manifest = image.descriptor.digest;
  const hit = new Set<string>();
  const folder = mkdtempSync(join(tmpdir(), "lading-flips-"));
  try {
    for (let flip = 0; flip < FLIPS; flip++) {
      let offset = Math.floor((flip + 0.5) * total / FLIPS);
      // Every tenth goes to the small contents, which hardly any would hit otherwise.
      const small = image.contents.filter(({ bytes }) => bytes.byteLength < 2000);
      const one = flip % 10 === 0 ? small[flip / 10 % small.length] : undefined;
      if (one !== undefined) offset = flip * 7 % one.bytes.byteLength;
      const content = one ?? image.contents.find(({ bytes }) => {
        if (offset < bytes.byteLength) return true;
        offset -= bytes.byteLength;
        return false;
      });
      assert.ok(content !== undefined);
      const { digest } = content.descriptor;
      hit.add(digest);
      const path = digest === manifest ? /\/manifests\// : new RegExp(`/blobs/${digest}`);
      const faulty = faultyTransport(transport, [
        { method: "GET", path, fault: { kind: "flip", offset } },
      ]);
      const layout = join(folder, String(flip));
      const options = { transport: faulty, platform: "linux/amd64" };
      const where = `byte ${offset} of ${digest}`;
      await assert.rejects(
        Promise.resolve(pull(IMAGE, `oci:${layout}`, options)),
        { code: "DIGEST_MISMATCH" },
        where,
      );
      assert.deepEqual(visible(layout), [], where);
    }
    assert.equal(hit.size, image.contents.length, "every content was hit");
    const layout = join(folder, "whole");
    await pull(IMAGE, `oci:${layout}`, { transport, platform: "linux/amd64" });
    assert.deepEqual(visible(layout), [manifest]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
