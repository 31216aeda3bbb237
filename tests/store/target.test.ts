import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  InvalidReferenceError,
  NotFoundError,
  SizeMismatchError,
} from "../../lib/model/errors.ts";
import type { Deleter, Referrers, Roots, Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import {
  bucketStore,
  memoryFileSystem,
  memoryStore,
  ociArchiveTarget,
  ociLayout,
} from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import { describe, fetched, noise, OCI_INDEX, pieces, pushImage, utf8 } from "./content.ts";

type Place = Target & Roots & Deleter & Referrers;

const PLACES: readonly (readonly [string, () => Place])[] = [
  ["memoryStore()", () => memoryStore()],
  ["ociLayout()", () => ociLayout(memoryFileSystem(), "some/layout")],
  ["bucketStore()", () => bucketStore(new MemoryBucket({ pageSize: 2 }), { prefix: "images/" })],
  ["ociArchiveTarget()", () => ociArchiveTarget(memoryFileSystem(), "app.tar")],
];

async function names(place: Place): Promise<string[]> {
  const found: string[] = [];
  for await (const { reference, descriptor } of place.roots()) {
    found.push(reference ?? descriptor.digest);
  }
  return found.sort();
}

async function referrers(place: Place, subject: Descriptor, type?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of place.referrers(subject, { artifactType: type })) {
    found.push(digest);
  }
  return found.sort();
}

for (const [name, make] of PLACES) {
  test(`${name} gives back what was pushed, in pieces or at once`, async () => {
    const place = make();
    for (const length of [0, 1, 4095, 300_000]) {
      const bytes = noise(length, length + 1);
      const descriptor = describe(bytes);
      assert.equal(await place.exists(descriptor), false);
      await place.push(descriptor, pieces(bytes, 1000).stream);
      assert.equal(await place.exists(descriptor), true);
      assert.deepEqual(await fetched(place, descriptor), bytes, `${length} bytes`);
    }
  });

  test(`${name} fetches ranges, both ends included`, async () => {
    const place = make();
    const bytes = noise(200_000, 7);
    const descriptor = describe(bytes);
    await place.push(descriptor, bytes);
    const cases = [
      [{ start: 0, end: 0 }, 0, 1],
      [{ start: 5 }, 5, 200_000],
      [{ start: 65_535, end: 131_072 }, 65_535, 131_073],
      [{ start: 199_999, end: 500_000 }, 199_999, 200_000],
    ] as const;
    for (const [range, start, end] of cases) {
      const stream = await place.fetch(descriptor, { range });
      const got = await readAll(stream, { maxBytes: 1e6 });
      assert.deepEqual(got, bytes.slice(start, end), JSON.stringify(range));
    }
    for (const range of [{ start: 200_000 }, { start: -1 }, { start: 5, end: 4 }, { start: 0.5 }]) {
      await assert.rejects(place.fetch(descriptor, { range }), RangeError, JSON.stringify(range));
    }
  });

  test(`${name} refuses content of another digest or size, and keeps nothing of it`, async () => {
    const place = make();
    const bytes = noise(5000, 3);
    const descriptor = describe(bytes);
    const flipped = bytes.slice();
    flipped[4999] = (flipped[4999] ?? 0) ^ 1;
    await assert.rejects(place.push(descriptor, flipped), DigestMismatchError);
    const longer = pieces(noise(6000, 3), 100);
    await assert.rejects(place.push(descriptor, longer.stream), SizeMismatchError);
    assert.equal(longer.cancelled(), 1, "the rest of the content is not read");
    await assert.rejects(place.push(descriptor, bytes.slice(1)), SizeMismatchError);
    assert.equal(await place.exists(descriptor), false);
    await assert.rejects(place.fetch(descriptor), NotFoundError);
    await place.push(descriptor, bytes);
    await assert.rejects(place.fetch({ ...descriptor, size: 4999 }), SizeMismatchError);
  });

  test(`${name} keeps its own copy of what is pushed and fetched`, async () => {
    const place = make();
    const bytes = noise(100, 3);
    const descriptor = describe(bytes);
    const pushed = bytes.slice();
    await place.push(descriptor, pushed);
    pushed.fill(0);
    (await fetched(place, descriptor)).fill(0);
    assert.deepEqual(await fetched(place, descriptor), bytes);
  });

  test(`${name} takes content that is there already, and cancels its source`, async () => {
    const place = make();
    const bytes = noise(5000, 4);
    await place.push(describe(bytes), bytes);
    const { stream, cancelled } = pieces(bytes, 10);
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    await place.push(describe(bytes), stream);
    assert.equal(cancelled(), 1);
  });

  test(`${name} rejects with the reason of the signal, unchanged`, async () => {
    const place = make();
    const bytes = noise(50_000, 5);
    const reason = { stop: "please" };
    const aborted = AbortSignal.abort(reason);
    const is = (error: unknown) => error === reason;
    await assert.rejects(place.push(describe(bytes), bytes, { signal: aborted }), is);
    await assert.rejects(place.resolve("x", { signal: aborted }), is);
    await assert.rejects(place.exists(describe(bytes), { signal: aborted }), is);
    const controller = new AbortController();
    let sent = 0;
    const endless = new ReadableStream({
      pull(stream) {
        if (++sent === 3) return controller.abort(reason);
        stream.enqueue(bytes.slice(0, 1000));
      },
    }, { highWaterMark: 0 });
    const push = place.push(describe(bytes), endless, { signal: controller.signal });
    await assert.rejects(push, is);
    assert.equal(await place.exists(describe(bytes)), false);
  });

  test(`${name} finds manifests by name, by any spelling of it, and by digest`, async () => {
    const place = make();
    const alpine = await pushImage(place, 1);
    const other = await pushImage(place, 2);
    await place.tag(alpine, "docker.io/library/alpine:3.20");
    await place.tag(other, "v1");
    // By their grammar, these could be digests of strange algorithms.
    for (const name of ["alpine:latest", "a:1", "sha256:latest"]) {
      await place.tag(other, name);
      assert.equal((await place.resolve(name)).digest, other.digest, name);
      await place.untag(name);
    }
    for (
      const reference of ["docker.io/library/alpine:3.20", "alpine:3.20", "library/alpine:3.20"]
    ) {
      assert.equal((await place.resolve(reference)).digest, alpine.digest, reference);
    }
    assert.equal((await place.resolve("v1")).digest, other.digest);
    const found = await place.resolve(other.digest);
    assert.deepEqual([found.mediaType, found.size], [other.mediaType, other.size]);
    for (const reference of ["v2", "alpine", "alpine:3.2", "quay.io/library/alpine:3.20"]) {
      await assert.rejects(place.resolve(reference), NotFoundError, reference);
    }
    await assert.rejects(place.resolve(describe(utf8("nothing")).digest), NotFoundError);
  });

  test(`${name} resolves a digest only where it is that of a manifest`, async () => {
    const place = make();
    const layer = noise(2000, 9);
    await place.push(describe(layer), layer);
    await assert.rejects(place.resolve(describe(layer).digest), NotFoundError);
    const index = utf8(JSON.stringify({ schemaVersion: 2, manifests: [] }));
    // As a registry gets it: the type is not known when the blob arrives.
    await place.push(describe(index), index);
    assert.equal((await place.resolve(describe(index).digest)).mediaType, OCI_INDEX);
  });

  test(`${name} lists as roots what was tagged, and nothing else`, async () => {
    const place = make();
    const first = await pushImage(place, 1);
    const second = await pushImage(place, 2);
    await pushImage(place, 3);
    await place.tag(first, "a");
    await place.tag(first, "b");
    await place.tag(second, second.digest);
    await place.tag(second, second.digest);
    assert.deepEqual(await names(place), ["a", "b", second.digest].sort());
    await place.tag(second, "a");
    assert.equal((await place.resolve("a")).digest, second.digest);
    assert.deepEqual(await names(place), ["a", "b", second.digest].sort());
  });

  test(`${name} takes the empty reference as its only image`, async () => {
    const place = make();
    const first = await pushImage(place, 1);
    await place.tag(first, "a");
    await place.tag(first, "b");
    assert.equal((await place.resolve("")).digest, first.digest);
    await place.tag(await pushImage(place, 2), "c");
    await assert.rejects(place.resolve(""), /"a", "b", "c"/);
  });

  test(`${name} refuses to tag what is not there, under a wrong digest or a wrong name`, async () => {
    const place = make();
    const image = await pushImage(place, 1);
    const absent = describe(utf8("absent"), OCI_INDEX);
    await assert.rejects(place.tag(absent, "x"), NotFoundError);
    await assert.rejects(place.tag(image, absent.digest), InvalidReferenceError);
    for (const reference of ["", "a b", "a\nb", "-a", "ä", "x".repeat(2000)]) {
      await assert.rejects(place.tag(image, reference), InvalidReferenceError, reference);
    }
    await assert.rejects(place.tag({ ...image, size: 1 }, "x"), SizeMismatchError);
  });

  test(`${name} removes names and content`, async () => {
    const place = make();
    const image = await pushImage(place, 1);
    await place.tag(image, "a");
    await place.tag(image, "b");
    await place.tag(image, image.digest);
    await place.untag("a");
    await assert.rejects(place.untag("a"), NotFoundError);
    await assert.rejects(place.resolve("a"), NotFoundError);
    assert.equal(await place.exists(image), true);
    await place.untag(image.digest);
    assert.deepEqual(await names(place), ["b"]);
    await place.delete(image);
    assert.deepEqual(await names(place), []);
    assert.equal(await place.exists(image), false);
    await assert.rejects(place.resolve(image.digest), NotFoundError);
    await place.delete(image);
  });

  test(`${name} lists referrers with their type and annotations`, async () => {
    const place = make();
    const subject = await pushImage(place, 1);
    const first = await pushImage(place, 2, subject);
    const index = utf8(JSON.stringify({
      schemaVersion: 2,
      manifests: [],
      subject,
      annotations: { "__proto__": "kept", a: "b" },
    }));
    await place.push(describe(index, OCI_INDEX), index);
    await place.tag(subject, "a");
    assert.deepEqual(
      await referrers(place, subject),
      [first.digest, describe(index).digest].sort(),
    );
    assert.deepEqual(await referrers(place, subject, "application/x.note"), [first.digest]);
    assert.deepEqual(await referrers(place, first), []);
    for await (const { digest, artifactType, annotations } of place.referrers(subject)) {
      if (digest === first.digest) assert.equal(artifactType, "application/x.note");
      else assert.equal(annotations?.["a"], "b");
    }
    await place.delete(first);
    assert.deepEqual(await referrers(place, subject), [describe(index).digest]);
  });

  test(`${name} refuses digests that it cannot prove, before they become a path`, async () => {
    const place = make();
    const hex = "0".repeat(64);
    const digests = [
      "sha256:../../../../etc/passwd",
      `sha256:${hex.slice(1)}`,
      `sha256:${hex}0`,
      `sha256:${hex.slice(1)}A`,
      `md5:${hex}`,
      `sha256-${hex}`,
      "",
    ];
    for (const digest of digests) {
      const descriptor = { mediaType: "text/plain", digest, size: 0 };
      const code = (error: unknown) => (error as { code?: string }).code === "INVALID_DIGEST";
      await assert.rejects(place.exists(descriptor), code, `exists ${digest}`);
      await assert.rejects(place.fetch(descriptor), code, `fetch ${digest}`);
      await assert.rejects(place.push(descriptor, utf8("")), code, `push ${digest}`);
    }
  });

  test(`${name} takes many pushes of one blob at the same time`, async () => {
    const place = make();
    const bytes = noise(20_000, 6);
    let opened = 0;
    const open = () => {
      opened++;
      return pieces(bytes, 500).stream;
    };
    await Promise.all(Array.from({ length: 20 }, () => place.push(describe(bytes), open)));
    assert.deepEqual(await fetched(place, describe(bytes)), bytes);
    if (name === "ociLayout()") assert.equal(opened, 1);
  });
}

// Buckets keep no types of what has no name.
for (const [name, make] of PLACES.filter(([name]) => name !== "bucketStore()")) {
  test(`${name} means its only image by the empty reference, whatever was attached to it`, async () => {
    const place = make();
    const record = async (root: Descriptor): Promise<Descriptor> => {
      await place.tag(root, root.digest);
      return root;
    };
    const artifactType = "application/x.note";
    const attach = async (subject: Descriptor, seed: number): Promise<Descriptor> =>
      await record({ ...await pushImage(place, seed, subject), artifactType });
    const image = await pushImage(place, 1);
    const note = await attach(image, 2);
    assert.equal((await place.resolve("")).digest, note.digest);
    await record(image);
    assert.equal((await place.resolve("")).digest, image.digest);
    await attach(image, 3);
    assert.equal((await place.resolve("")).digest, image.digest);
    const other = await record(await pushImage(place, 4));
    await assert.rejects(place.resolve(""), new RegExp(`holds 2; say .*"${image.digest}"`));
    await place.tag(other, "app:2");
    await assert.rejects(place.resolve(""), /it holds 2; say which one \("app:2"\)/);
  });
}
