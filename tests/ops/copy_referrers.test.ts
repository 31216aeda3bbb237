import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type Descriptor,
  LimitExceededError,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { memoryFileSystem, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { copy, planCopy } from "../../lib/ops/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { get, put, putImage, putIndex, type Store, watched } from "./content.ts";

const SIGNATURE = "application/vnd.example.signature";
const SBOM = "application/spdx+json";

/** Stores an artifact that speaks about a manifest. */
async function attach(
  store: Store,
  subject: Descriptor,
  artifactType: string,
  content: string,
): Promise<Descriptor> {
  const { mediaType, digest, size } = subject;
  return await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    artifactType,
    config: await put(store, MEDIA_TYPE_OCI_EMPTY, "{}"),
    layers: [await put(store, "text/plain", content)],
    subject: { mediaType, digest, size },
  });
}

function repository(name: string): Repository {
  const { host, transport } = memoryRegistry();
  return new Registry(host, { transport }).repository(name);
}

async function digestsOf(list: AsyncIterable<Descriptor>): Promise<string[]> {
  const digests: string[] = [];
  for await (const { digest } of list) digests.push(digest);
  return digests.sort();
}

async function signedIndex(store: Store) {
  const amd64 = await putImage(store, ["one"]);
  const arm64 = await putImage(store, ["two"], { architecture: "arm64" });
  const root = await putIndex(store, [amd64, arm64], "app:1");
  const signature = await attach(store, root, SIGNATURE, "root");
  const sbom = await attach(store, arm64, SBOM, "arm64");
  const countersigned = await attach(store, sbom, SIGNATURE, "of the sbom");
  return { root, amd64, arm64, signature, sbom, countersigned };
}

test("copy() leaves referrers behind unless they are asked for", async () => {
  const from = memoryStore();
  const to = memoryStore();
  const { root, signature } = await signedIndex(from);
  const { referrers } = await copy(from, "app:1", to);
  assert.deepEqual(referrers, []);
  assert.equal(await to.exists(signature), false);
  assert.deepEqual(await digestsOf(to.referrers(root)), []);
});

test("copy() brings the referrers of an index, of its images and of referrers", async () => {
  const from = memoryStore();
  const to = memoryStore();
  const { root, arm64, signature, sbom, countersigned } = await signedIndex(from);
  const result = await copy(from, "app:1", to, { referrers: true });
  assert.deepEqual(
    result.referrers.map(({ digest }) => digest).sort(),
    [signature, sbom, countersigned].map(({ digest }) => digest).sort(),
  );
  assert.equal(result.manifests, 6);
  assert.deepEqual(await digestsOf(to.referrers(root)), [signature.digest]);
  assert.deepEqual(await digestsOf(to.referrers(arm64)), [sbom.digest]);
  assert.deepEqual(await digestsOf(to.referrers(sbom)), [countersigned.digest]);
  for (const one of [signature, sbom, countersigned]) {
    assert.deepEqual(await get(to, one), await get(from, one));
  }
});

test("copy() stores a referrer behind its subject and before the name", async () => {
  const from = memoryStore();
  const to = watched(memoryStore());
  const { root, arm64, signature, sbom, countersigned } = await signedIndex(from);
  await copy(from, "app:1", to, { referrers: true });
  const at = (digest: string) => to.written.indexOf(digest);
  assert.ok(at(root.digest) < at(signature.digest));
  assert.ok(at(arm64.digest) < at(sbom.digest));
  assert.ok(at(sbom.digest) < at(countersigned.digest));
  assert.equal(to.written.at(-1), "app:1");
});

test("copy() brings the referrers of the wanted types, and all of theirs", async () => {
  const from = memoryStore();
  const to = memoryStore();
  const { signature, sbom, countersigned } = await signedIndex(from);
  const { referrers } = await copy(from, "app:1", to, { referrers: { artifactTypes: [SBOM] } });
  assert.deepEqual(referrers.map(({ digest }) => digest), [sbom.digest, countersigned.digest]);
  assert.equal(await to.exists(signature), false);
});

test("copy() of one platform brings the referrers of that image alone", async () => {
  const from = memoryStore();
  const to = memoryStore();
  const { sbom, countersigned } = await signedIndex(from);
  const platform = { os: "linux", architecture: "arm64" };
  const { referrers } = await copy(from, "app:1", to, { platform, referrers: true });
  assert.deepEqual(referrers.map(({ digest }) => digest), [sbom.digest, countersigned.digest]);
});

test("a second copy() with referrers fetches nothing", async () => {
  const store = memoryStore();
  const to = memoryStore();
  await signedIndex(store);
  await copy(store, "app:1", to, { referrers: true });
  const from = Object.assign(watched(store), { referrers: store.referrers.bind(store) });
  const { bytesFetched, referrers } = await copy(from, "app:1", to, { referrers: true });
  assert.equal(bytesFetched, 0);
  assert.equal(referrers.length, 3);
  assert.deepEqual(from.fetched, []);
});

test("planCopy() lists referrers, and moves nothing", async () => {
  const from = memoryStore();
  const to = watched(memoryStore());
  const { signature } = await signedIndex(from);
  const plan = await planCopy(from, "app:1", to, { referrers: true });
  assert.equal(plan.manifests.length, 6);
  const planned = plan.manifests.find(({ descriptor }) => descriptor.digest === signature.digest);
  assert.equal(planned?.action, "copy");
  assert.deepEqual(to.written, []);
});

test("copy() lists referrers in the index of an OCI layout, where other tools look", async () => {
  const from = memoryStore();
  const { root, signature } = await signedIndex(from);
  const layout = ociLayout(memoryFileSystem(), "copy");
  await copy(from, "app:1", layout, { referrers: true });
  const roots: string[] = [];
  for await (const { descriptor } of layout.roots()) roots.push(descriptor.digest);
  assert.ok(roots.includes(root.digest) && roots.includes(signature.digest));
  assert.equal((await layout.resolve("app:1")).digest, root.digest);
});

test("copy() brings referrers from one registry to another", async () => {
  const store = memoryStore();
  const { root, arm64, signature, sbom } = await signedIndex(store);
  const from = repository("acme/app");
  const to = repository("mirror/app");
  await copy(store, "app:1", from, { targetReference: "1", referrers: true });
  const { referrers } = await copy(from, "1", to, { referrers: true });
  assert.equal(referrers.length, 3);
  assert.deepEqual(await digestsOf(to.referrers(root)), [signature.digest]);
  assert.deepEqual(await digestsOf(to.referrers(arm64)), [sbom.digest]);
});

test("copy() from a source without referrers copies the image", async () => {
  const store = memoryStore();
  const to = memoryStore();
  await signedIndex(store);
  const { referrers, manifests } = await copy(watched(store), "app:1", to, { referrers: true });
  assert.deepEqual(referrers, []);
  assert.equal(manifests, 3);
});

test("copy() follows referrers that lead in a circle once", async () => {
  const store = memoryStore();
  const to = memoryStore();
  const { root, signature } = await signedIndex(store);
  const from = Object.assign(watched(store), {
    async *referrers(subject: Descriptor) {
      yield* store.referrers(subject);
      if (subject.digest === signature.digest) yield* [root, signature];
    },
  });
  const { referrers } = await copy(from, "app:1", to, { referrers: true });
  assert.equal(referrers.length, 3);
});

test("copy() refuses referrers without end", async () => {
  const store = memoryStore();
  await signedIndex(store);
  const from = Object.assign(watched(store), {
    async *referrers(subject: Descriptor) {
      while (true) yield subject;
    },
  });
  await assert.rejects(
    Promise.resolve(copy(from, "app:1", memoryStore(), { referrers: true })),
    LimitExceededError,
  );
});
