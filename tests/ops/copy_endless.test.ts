import { test } from "node:test";
import assert from "node:assert/strict";
import { copy } from "../../lib/ops/mod.ts";
import type { Referrers, Source } from "../../lib/model/content.ts";
import {
  type Descriptor,
  LimitExceededError,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { put, putImage, putIndex } from "./content.ts";

test("copy() ends where each referrer has a referrer of its own, and names nothing", async () => {
  const store = memoryStore();
  await putImage(store, ["layer"], { reference: "app:1" });
  const config = await put(store, "application/vnd.oci.empty.v1+json", "{}");
  let made = 0;
  const endless: Source & Referrers = {
    exists: (target, options) => store.exists(target, options),
    fetch: (target, options) => store.fetch(target, options),
    resolve: (reference, options) => store.resolve(reference, options),
    async *referrers({ mediaType, digest, size }): AsyncGenerator<Descriptor> {
      if (++made > 2000) return;
      yield await put(store, MEDIA_TYPE_OCI_MANIFEST, {
        schemaVersion: 2,
        mediaType: MEDIA_TYPE_OCI_MANIFEST,
        config,
        layers: [],
        subject: { mediaType, digest, size },
      });
    },
  };
  const target = memoryStore();
  await assert.rejects(
    async () => await copy(endless, "app:1", target, { referrers: true }),
    (error: unknown) => error instanceof LimitExceededError && error.unit === "manifests",
  );
  await assert.rejects(target.resolve("app:1"), { code: "NOT_FOUND" });
});

test("copy() looks at each manifest once where each level of an index names all of the next", async () => {
  const store = memoryStore();
  let level: readonly Descriptor[] = [await putImage(store, ["layer"])];
  for (let depth = 0; depth < 4; depth++) {
    level = await Promise.all(
      Array.from({ length: 70 }, (_, at) =>
        putIndex(
          store,
          level.map((entry) => ({ ...entry, annotations: { place: `${depth}-${at}` } })),
        )),
    );
  }
  await putIndex(store, level, "app:1");
  const target = memoryStore();
  const { manifests } = await copy(store, "app:1", target);
  assert.equal(manifests, 1 + 4 * 70 + 1);
  assert.deepEqual(await target.resolve("app:1"), await store.resolve("app:1"));
});
