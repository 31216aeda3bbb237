import { test } from "node:test";
import assert from "node:assert/strict";
import { assertAsGo, isUndisputed, listings, readListed } from "./listings.ts";

test("readTar() reads every archive that four other readers agree on as they do", async () => {
  let archives = 0;
  let compressed = 0;
  for await (const listing of listings()) {
    // rules.test.ts has them: xz is no layer, and trailing garbage is refused here.
    const isOurs = /\.xz$|test_compat_gzip_2\.tgz$/.test(listing.file);
    if (isOurs || !isUndisputed(listing)) continue;
    assertAsGo(await readListed(listing.file), listing);
    archives++;
    if (!/\.(?:tar|pax)$/.test(listing.file)) compressed++;
  }
  assert.ok(archives >= 180 && compressed >= 15, `${archives}, ${compressed} of them compressed`);
});
