import assert from "node:assert/strict";
import { test } from "node:test";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip, type GzipLevel, unzstd } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Layer, type LayerEntry, layerFrom, type LayerOptions } from "../../lib/image/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { memoryUploads, type UploadStore } from "../../lib/server/mod.ts";
import { type TarEntry, writeTar } from "../../lib/tar/mod.ts";
import { entry, tarOf } from "./images.ts";

const bytes = async (stream: ByteStream): Promise<Bytes> =>
  await readAll(stream, { maxBytes: 1 << 26 });
const text = (value: string): Bytes => new TextEncoder().encode(value);

async function entriesOf(layer: Layer): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const found of layer.entries()) entries.push(found);
  return entries;
}

async function namesOf(layer: Layer): Promise<string[]> {
  return (await entriesOf(layer)).map(({ path }) => path);
}

const FILES: readonly LayerEntry[] = [
  { path: "b/z.txt", body: text("z"), uid: 1000, gid: 1000, userName: "me", mtime: 1_700_000_000 },
  { path: "a.txt", body: text("a"), mode: 0o600 },
  { path: "b", type: "directory", mode: 0o700 },
  { path: "link", type: "symlink", linkPath: "b/z.txt" },
];

test("layerFrom() gives digest, diffID and size of what it stores", async () => {
  const layer = await layerFrom(FILES);
  const stored = await bytes(await layer.compressed());
  const { mediaType, digest, size } = layer.descriptor();
  assert.equal(mediaType, "application/vnd.oci.image.layer.v1.tar+gzip");
  assert.equal(digestBytes("sha256", stored), digest);
  assert.equal(stored.length, size);
  assert.equal(
    digestBytes("sha256", await bytes(await layer.uncompressed())),
    await layer.diffID(),
  );
});

test("layerFrom() sorts entries, and resets owners and times", async () => {
  const layer = await layerFrom(FILES);
  const entries = await entriesOf(layer);
  assert.deepEqual(entries.map(({ path }) => path), ["a.txt", "b/", "b/z.txt", "link"]);
  for (const { path, uid, gid, userName, mtime } of entries) {
    assert.deepEqual([uid, gid, userName, mtime], [0, 0, "", 0], path);
  }
  assert.deepEqual(entries.map(({ mode }) => mode), [0o600, 0o700, 0o644, 0o644]);
});

test("layerFrom() takes texts, bytes and functions for the same content", async () => {
  const content = "grüße\n";
  const size = text(content).length;
  const bodies: readonly LayerEntry["body"][] = [
    content,
    text(content),
    () => streamOf(text(content)),
  ];
  const digests = new Set<string>();
  for (const body of bodies) {
    const layer = await layerFrom([{ path: "motd", body, size }]);
    for await (const entry of layer.entries()) assert.equal(await entry.text(), content);
    digests.add(layer.descriptor().digest);
  }
  assert.equal(digests.size, 1);
});

test("layerFrom() gives the same bytes whatever the order of the entries", async () => {
  const [one, other] = [await layerFrom(FILES), await layerFrom([...FILES].reverse())];
  assert.equal(one.descriptor().digest, other.descriptor().digest);
});

// Written once; every runtime, and every day, has to come to the same.
test("layerFrom() gives the same digest on every runtime and day", async () => {
  const gzipped = await layerFrom(FILES, { prefix: "/app", owner: "0:0", mtime: 0 });
  const plain = await layerFrom(FILES, { prefix: "/app", compression: "none" });
  assert.equal(await gzipped.diffID(), await plain.diffID());
  assert.equal(
    await plain.diffID(),
    "sha256:4a698d85c27ef72d79262fbdf88141979093b388711eba5f9543a3c1fa37c3c8",
  );
  assert.equal(
    gzipped.descriptor().digest,
    "sha256:cce982d027f8a164ad8c55ea332530679fba79a28376b782540398f5329d2943",
  );
});

test("layerFrom() puts entries under a prefix, with the directories above them", async () => {
  const layer = await layerFrom([
    { path: "./x/y.txt", body: text("y") },
    { path: ".", type: "directory", mode: 0o750 },
    { path: "h", type: "hardlink", linkPath: "x/y.txt" },
  ], { prefix: "/opt/app/", owner: { uid: 5, gid: 6 }, mtime: new Date(1_000_000) });
  const entries = await entriesOf(layer);
  assert.deepEqual(entries.map(({ path, mode }) => [path, mode]), [
    ["opt/", 0o755],
    ["opt/app/", 0o750],
    ["opt/app/x/", 0o755],
    ["opt/app/x/y.txt", 0o644],
    ["opt/app/h", 0o644],
  ]);
  assert.equal(entries.at(-1)?.linkPath, "opt/app/x/y.txt");
  assert.ok(entries.every(({ uid, gid, mtime }) => uid === 5 && gid === 6 && mtime === 1000));
});

test("layerFrom() writes no directories that nobody named when told so", async () => {
  const layer = await layerFrom([{ path: "a/b", body: text("") }], {
    prefix: "/tmp",
    parents: false,
  });
  assert.deepEqual(await namesOf(layer), ["tmp/a/b"]);
});

test("layerFrom() leaves the root out where there is no prefix", async () => {
  const layer = await layerFrom([{ path: "./", type: "directory", mode: 0o700 }, ...FILES]);
  assert.deepEqual(await namesOf(layer), ["a.txt", "b/", "b/z.txt", "link"]);
});

test("layerFrom() puts hard links behind the file they lead to, through other links", async () => {
  const layer = await layerFrom([
    { path: "a", type: "hardlink", linkPath: "b" },
    { path: "b", type: "hardlink", linkPath: "./c" },
    { path: "c", body: text("c") },
    { path: "d", type: "hardlink", linkPath: "etc/of-the-base" },
  ]);
  assert.deepEqual(
    (await entriesOf(layer)).map(({ path, linkPath }) => [path, linkPath]),
    [["c", undefined], ["a", "c"], ["b", "c"], ["d", "etc/of-the-base"]],
  );
});

test("layerFrom() keeps owners and times, and sets modes, when told so", async () => {
  const layer = await layerFrom(FILES, {
    owner: "keep",
    mtime: "keep",
    mode: { file: 0o444, directory: 0o555 },
  });
  const [a, b, z] = await entriesOf(layer);
  assert.deepEqual([a?.mode, b?.mode, z?.mode], [0o444, 0o555, 0o444]);
  assert.deepEqual([z?.uid, z?.gid, z?.userName, z?.mtime], [1000, 1000, "me", 1_700_000_000]);
});

test("layerFrom() opens contents when their turn has come, one at a time", async () => {
  let [open, most, opened] = [0, 0, 0];
  const names = ["a", "b", "c", "d"];
  const entries = names.map((path): LayerEntry => ({
    path,
    size: 3,
    body: () => {
      most = Math.max(most, ++open);
      opened++;
      return new ReadableStream<Bytes>({
        pull(controller) {
          controller.enqueue(text("abc"));
          controller.close();
          open--;
        },
      }, { highWaterMark: 0 });
    },
  }));
  const layer = await layerFrom(entries);
  assert.equal(opened, 4);
  assert.equal(most, 1);
  await bytes(await layer.compressed());
  assert.equal(opened, 8);
});

test("layerFrom() takes an archive as it is, byte for byte", async () => {
  const tar = await tarOf(["z=1", "a=2", entry({ path: "o", uid: 7, mtime: 9 })]);
  for (const source of [tar, () => streamOf(tar.slice())]) {
    const layer = await layerFrom(source);
    assert.deepEqual(await bytes(await layer.uncompressed()), tar);
    assert.equal(await layer.diffID(), digestBytes("sha256", tar));
    assert.equal(layer.descriptor().digest, (await layerFrom(tar)).descriptor().digest);
  }
});

test("layerFrom() keeps an archive that is compressed already", async () => {
  const tar = await tarOf(["z=1"]);
  const stored = await bytes(gzip(streamOf(tar), { level: 1 }));
  const layer = await layerFrom(stored);
  assert.equal(layer.descriptor().digest, digestBytes("sha256", stored));
  assert.equal(await layer.diffID(), digestBytes("sha256", tar));
  const plain = await layerFrom(stored, { compression: "none" });
  assert.deepEqual(await bytes(await plain.compressed()), tar);
  assert.equal(plain.descriptor().mediaType, "application/vnd.oci.image.layer.v1.tar");
});

/** Stores bytes in a Zstandard frame without compressing them (RFC 8878 §3.1.1). */
function zstdFrame(content: Bytes): Bytes {
  const { length } = content;
  const frame = new Uint8Array(10 + length);
  // A single segment with a content size of two bytes, which counts from 256; one raw, last block.
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x60, (length - 256) & 0xff, (length - 256) >> 8]);
  const block = length << 3 | 1;
  frame.set([block & 0xff, block >> 8 & 0xff, block >> 16], 7);
  frame.set(content, 10);
  return frame;
}

test("layerFrom() compresses with zstd when told so", async () => {
  const tar = await tarOf(["z=1"]);
  const sources = { files: [{ path: "z", body: tar }], archive: tar };
  for (const [name, source] of Object.entries(sources)) {
    const layer = await layerFrom(source, { compression: "zstd", level: 9 });
    const { mediaType, digest } = layer.descriptor();
    assert.equal(mediaType, "application/vnd.oci.image.layer.v1.tar+zstd", name);
    const stored = await bytes(await layer.compressed());
    assert.equal(digestBytes("sha256", stored), digest, name);
    const plain = await bytes(unzstd(streamOf(stored)));
    assert.equal(digestBytes("sha256", plain), await layer.diffID(), name);
    const { digest: kept } = (await layerFrom(stored, { compression: "zstd" })).descriptor();
    assert.equal(kept, digest, name);
  }
  const wrong = layerFrom(tar, { compression: "zstd", level: 10 as GzipLevel });
  await assert.rejects(wrong, RangeError);
});

test("layerFrom() keeps an archive of Zstandard, or stores it as gzip when told so", async () => {
  const tar = await tarOf(["z=1"]);
  const stored = zstdFrame(tar);
  const layer = await layerFrom(stored);
  assert.equal(layer.descriptor().mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
  assert.equal(layer.descriptor().digest, digestBytes("sha256", stored));
  assert.equal(await layer.diffID(), digestBytes("sha256", tar));
  assert.deepEqual(await bytes(await layer.uncompressed()), tar);
  const zipped = await layerFrom(stored, { compression: "gzip" });
  assert.equal(zipped.descriptor().digest, (await layerFrom(tar)).descriptor().digest);
});

test("layerFrom() rewrites an archive in its order when an option says so", async () => {
  const tar = await tarOf([
    "z=1",
    entry({ path: "a", uid: 7, mtime: 9, xattrs: new Map([["user.x", text("y")]]) }),
    "l->/z",
    "h=>z",
  ]);
  const layer = await layerFrom(tar, { prefix: "in/side", mtime: 5 });
  const entries = await entriesOf(layer);
  assert.deepEqual(
    entries.map(({ path, uid, mtime, linkPath }) => [path, uid, mtime, linkPath]),
    [
      ["in/", 0, 5, undefined],
      ["in/side/", 0, 5, undefined],
      ["in/side/z", 0, 5, undefined],
      ["in/side/a", 7, 5, undefined],
      ["in/side/l", 0, 5, "/z"],
      ["in/side/h", 0, 5, "in/side/z"],
    ],
  );
  assert.deepEqual(entries[3]?.xattrs.get("user.x"), text("y"));
});

test("layerFrom() refuses a source that can be read once only, unless a spool keeps it", async () => {
  const tar = await tarOf(["a=1"]);
  const once = { name: "TypeError" };
  await assert.rejects(layerFrom(streamOf(tar)), once);
  await assert.rejects(layerFrom((function* () {})()), once);
  await assert.rejects(layerFrom([{ path: "a", size: 0, body: streamOf(tar) }]), once);
  const layer = await layerFrom(writeTar(["a=1"].map(entry)), { spool: memoryUploads() });
  assert.equal(layer.descriptor().digest, (await layerFrom(tar)).descriptor().digest);
  for (let i = 0; i < 2; i++) assert.deepEqual(await bytes(await layer.uncompressed()), tar);
  await layer.close();
});

test("layerFrom() reads a source once when a spool keeps the layer", async () => {
  let opened = 0;
  const tar = await tarOf(["a=1"]);
  const stored = await bytes(gzip(streamOf(tar)));
  for (const archive of [tar, stored]) {
    opened = 0;
    const source = () => {
      opened++;
      return streamOf(archive);
    };
    const layer = await layerFrom(source, { spool: memoryUploads() });
    await bytes(await layer.compressed());
    assert.deepEqual(await bytes(await layer.uncompressed()), tar);
    assert.equal(opened, 1);
  }
});

test("layerFrom() lets its source go when nothing comes of the layer", async () => {
  const tar = await tarOf(["a=1"]);
  const full = new Error("no room");
  const none: UploadStore = { create: () => Promise.reject(full) };
  const over = AbortSignal.abort(full);
  const wrong: readonly [string, LayerOptions][] = [
    ["a spool that cannot be made", { spool: none }],
    ["a level that is none", { spool: memoryUploads(), level: 11 as 9 }],
    ["a prefix that leads out", { spool: memoryUploads(), prefix: "../.." }],
    ["an abort", { spool: memoryUploads(), signal: over }],
    ["no spool", {}],
  ];
  for (const [what, options] of wrong) {
    const reasons: unknown[] = [];
    const source = new ReadableStream<Bytes>({
      start: (controller) => controller.enqueue(tar),
      cancel: (reason) => void reasons.push(reason),
    });
    const error = await layerFrom(source, options).then(() => undefined, (error) => error);
    assert.ok(error instanceof Error, what);
    assert.deepEqual(reasons, [error], what);
  }
  let opened = 0;
  const reasons: unknown[] = [];
  const opening = () => {
    opened++;
    return new ReadableStream<Bytes>({
      start: (controller) => controller.enqueue(tar),
      cancel: (reason) => void reasons.push(reason),
    });
  };
  await assert.rejects(layerFrom(opening, { spool: none }), full);
  assert.deepEqual([opened, reasons], [1, [full]]);
});

test("a layer whose source has changed errors instead of being pushed", async () => {
  let content = "before";
  const layer = await layerFrom(() => [{ path: "a", body: text(content) }]);
  content = "after!";
  await assert.rejects(bytes(await layer.compressed()), { code: "DIGEST_MISMATCH" });
});

test("layerFrom() refuses names and options that make no layer", async () => {
  const body = text("x");
  const cases: readonly [unknown, () => Promise<unknown>, string][] = [
    ["..", () => layerFrom([{ path: "../x", body }]), "UnsafePathError"],
    ["prefix", () => layerFrom([{ path: "x", body }], { prefix: "a/../.." }), "UnsafePathError"],
    ["twice", () => layerFrom([{ path: "x", body }, { path: "./x", body }]), "RangeError"],
    ["slash", () => layerFrom([{ path: "x/", body }]), "RangeError"],
    ["owner", () => layerFrom([{ path: "x", body }], { owner: "root" }), "RangeError"],
    ["mtime", () => layerFrom([{ path: "x", body }], { mtime: NaN }), "RangeError"],
    ["level", () => layerFrom([{ path: "x", body }], { level: 11 as 9 }), "RangeError"],
    ["circle", () =>
      layerFrom([
        { path: "a", type: "hardlink", linkPath: "b" },
        { path: "b", type: "hardlink", linkPath: "a" },
      ]), "RangeError"],
    [
      "size",
      () => layerFrom([{ path: "x", size: 2, body: () => streamOf(body) }]),
      "SizeMismatchError",
    ],
    ["no tar", () => layerFrom(new Uint8Array(600).fill(1)), "InvalidTarError"],
    ["short", () => layerFrom(new Uint8Array(100)), "InvalidTarError"],
    ["zipped text", async () => layerFrom(await bytes(gzip(streamOf(body)))), "InvalidTarError"],
    ["damaged", async () => {
      const tar = await tarOf(["a=1", "b=2"]);
      return layerFrom(tar.fill(1, 1024, 1030), { mtime: 0 });
    }, "InvalidTarError"],
    ["bzip2", () => layerFrom(text("BZh91AY&SY______")), "UnsupportedMediaTypeError"],
  ];
  for (const [what, make, name] of cases) {
    await assert.rejects(make(), { name }, String(what));
  }
});

test("layerFrom() takes an empty archive", async () => {
  const end = new Uint8Array(1024);
  assert.equal(await (await layerFrom(end)).diffID(), digestBytes("sha256", end));
  assert.equal(await (await layerFrom([])).diffID(), digestBytes("sha256", end));
});

test("layerFrom() stops when its signal does", async () => {
  const abort = new AbortController();
  const reason = new Error("enough");
  let cancelled = false;
  const endless = () =>
    new ReadableStream<Bytes>({
      pull(controller) {
        controller.enqueue(new Uint8Array(512).fill(65));
        abort.abort(reason);
      },
      cancel() {
        cancelled = true;
      },
    }, { highWaterMark: 0 });
  const layer = layerFrom([{ path: "x", size: 2 ** 40, body: endless }], { signal: abort.signal });
  await assert.rejects(layer, (error) => error === reason);
  assert.ok(cancelled);
});
