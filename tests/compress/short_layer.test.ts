// In a file of its own: where each file has modules of its own, nothing has asked the host before.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf, verified } from "../../lib/bytes/mod.ts";
import { streamOfFeed } from "../../lib/bytes/feed.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { readArchive } from "../../lib/compress/read_archive.ts";
import { readyHasherFactory } from "../../lib/hash/host.ts";
import { createResumableHasher, hostHasherFactory } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { formatDigest } from "../../lib/model/digest.ts";

function digestOf(bytes: Bytes): string {
  const hasher = createResumableHasher("sha256");
  hasher.update(bytes);
  return formatDigest("sha256", hasher.digest());
}

/** Reads a stored layer, proves its bytes, and gives the digest of what they hold. */
async function readLayer(stored: Bytes): Promise<string | undefined> {
  const { length: size } = stored;
  const proved = verified(streamOf(stored), { mediaType: "", digest: digestOf(stored), size });
  let found: string | undefined;
  const archive = readArchive(proved, { size, algorithm: "sha256" }, {
    end: ({ digest }) => {
      found = digest;
    },
  });
  await readAll(streamOfFeed(archive), { maxBytes: 1 << 20 });
  return found;
}

test("a short layer is read without asking for the hash of the host, a long one with it", async () => {
  const content = Uint8Array.from({ length: 400_000 }, (_, index) => index * 31 + (index >> 9));
  const before = readyHasherFactory();
  const short = content.subarray(0, 65_536);
  const stored = await readAll(gzip(streamOf(short)), { maxBytes: 1 << 20 });
  assert.equal(await readLayer(stored), digestOf(short));
  assert.equal(readyHasherFactory(), before);
  assert.equal(await readLayer(content), digestOf(content));
  assert.equal(readyHasherFactory(), hostHasherFactory());
});
