import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { gzip } from "../../lib/compress/gzip.ts";
import {
  DigestMismatchError,
  InvalidTarError,
  LimitExceededError,
  NotFoundError,
  SizeMismatchError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  dockerArchive,
  memoryFileSystem,
  memoryStore,
  ociArchive,
  writeDockerArchive,
  writeOCIArchive,
} from "../../lib/store/mod.ts";
import { StreamedArchive } from "../../lib/store/_streamed_archive.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { copy } from "../../lib/ops/copy.ts";
import { type RandomImage, randomImage } from "../../lib/testing/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import {
  describe,
  fetched,
  noise,
  OCI_MANIFEST,
  pieces,
  pushImage,
  text,
  utf8,
} from "./content.ts";
import { storedZstd, tarOf, type TarOfEntry } from "./tar_of.ts";

const LARGE = { maxFileBytes: 600_000, files: 2, compression: "none" } as const;

/** An image with two layers that are much larger than what is put aside in any case. */
async function largeImage(): Promise<RandomImage> {
  const image = await randomImage("large", LARGE);
  for (const { bytes } of image.layers) assert.ok(bytes.byteLength > 200_000);
  return image;
}

async function archiveOf(image: RandomImage): Promise<Bytes> {
  const store = memoryStore();
  await image.pushTo(store);
  const roots = [{ descriptor: image.descriptor, reference: "app:1" }];
  return await readAll(writeOCIArchive(store, roots), { maxBytes: 1e9 });
}

function streamed(bytes: Bytes, size = 10_007): ByteStream {
  return pieces(bytes, size).stream;
}

/** The files of an archive, to be put together in another way. */
async function entriesOf(archive: Bytes): Promise<TarOfEntry[]> {
  const entries: TarOfEntry[] = [];
  for await (const entry of readTar(streamOf(archive))) {
    if (entry.type === "file") entries.push({ path: entry.path, content: await entry.bytes() });
  }
  return entries;
}

function layerOf(image: RandomImage, index: number): Descriptor {
  const layer = image.layers[index];
  assert.ok(layer !== undefined);
  return layer.descriptor;
}

test("ociArchive() copies the archives of skopeo and podman from a stream, compressed or not", async () => {
  for (
    const [name, reference] of [
      ["skopeo-oci-archive-v2.tar", "v2"],
      ["podman-oci-archive.tar", "example.com/test/app:v2"],
    ] as const
  ) {
    const bytes = await corpusBytes(`made-by-umoci-skopeo/${name}`);
    const { digest } = await ociArchive(bytes).resolve("");
    const zipped = await readAll(gzip(streamOf(bytes)), { maxBytes: 1e8 });
    for (const packed of [bytes, zipped, storedZstd(bytes)]) {
      for (const wanted of ["", reference, digest]) {
        const target = memoryStore();
        const archive = ociArchive(streamed(packed));
        await copy(archive, wanted, target, { targetReference: "copied:1" });
        await archive.close();
        assert.equal((await target.resolve("copied:1")).digest, digest);
      }
    }
  }
});

test("archives that lading writes are copied from a stream without putting layers aside", async () => {
  const image = await largeImage();
  const bytes = await archiveOf(image);
  for (const jobs of [1, 3]) {
    for (const size of [512, 10_007, bytes.byteLength]) {
      const { stream, cancelled } = pieces(bytes, size);
      const archive = ociArchive(stream, { maxMemoryBytes: 20_000 });
      const target = memoryStore();
      const { descriptor } = await copy(archive, "app:1", target, { jobs });
      assert.equal(descriptor.digest, image.descriptor.digest);
      for (const { descriptor, bytes } of image.contents) {
        assert.deepEqual(await fetched(target, descriptor), bytes);
      }
      await archive.close();
      assert.equal(cancelled(), 0, "who writes into a pipe would fail");
    }
  }
});

test("ociArchive() puts aside what comes too early, and says when there is no room for it", async () => {
  const image = await largeImage();
  const backwards = tarOf((await entriesOf(await archiveOf(image))).reverse());
  const cramped = ociArchive(streamed(backwards), { maxMemoryBytes: 100_000 });
  for (const call of [cramped.resolve("app:1"), cramped.resolve("")]) {
    await assert.rejects(call, (error: Error) => {
      assert.ok(error instanceof LimitExceededError);
      assert.equal(error.limit, 100_000);
      assert.match(error.message, /temporary/);
      return true;
    });
  }
  await cramped.close();
  const fs = memoryFileSystem();
  await fs.makeDirectory("tmp");
  const temporary = { fileSystem: fs, directory: "tmp" };
  for (const options of [{}, { temporary, maxMemoryBytes: 1 }]) {
    const archive = ociArchive(streamed(backwards), options);
    const target = memoryStore();
    await copy(archive, "app:1", target);
    for (const { descriptor, bytes } of image.contents) {
      assert.deepEqual(await fetched(target, descriptor), bytes);
      assert.deepEqual(await fetched(archive, descriptor), bytes, "it can be read again");
    }
    await archive.close();
    assert.deepEqual(await fs.readDirectory("tmp"), []);
  }
});

test("dockerArchive() takes the limit and the place for what it puts aside of a stream", async () => {
  const store = memoryStore();
  const image = await largeImage();
  await image.pushTo(store);
  const roots = [{ descriptor: image.descriptor, reference: "app:1" }];
  const cramped = dockerArchive(writeDockerArchive(store, roots), { maxMemoryBytes: 100_000 });
  await assert.rejects(cramped.resolve("app:1"), LimitExceededError);
  await cramped.close();
  const fs = memoryFileSystem();
  const temporary = { fileSystem: fs, directory: "" };
  const archive = dockerArchive(writeDockerArchive(store, roots), { temporary });
  const { digest } = await archive.resolve("app:1");
  assert.equal((await fs.readDirectory("")).length, 1);
  const target = memoryStore();
  await copy(archive, "app:1", target);
  assert.equal((await target.resolve("app:1")).digest, digest);
  await archive.close();
  assert.deepEqual(await fs.readDirectory(""), []);
});

test("ociArchive() hands a large file of a stream out once, and small ones again", async () => {
  const image = await largeImage();
  const archive = ociArchive(streamed(await archiveOf(image)));
  const manifest = await archive.resolve("app:1");
  await fetched(archive, manifest);
  await fetched(archive, manifest);
  assert.equal(await archive.exists(layerOf(image, 0)), true);
  await fetched(archive, layerOf(image, 0));
  await assert.rejects(archive.fetch(layerOf(image, 0)), (error: Error) => {
    assert.ok(error instanceof NotFoundError);
    assert.match(error.message, /it is a stream, and has gone past them/);
    return true;
  });
  await fetched(archive, layerOf(image, 1));
  await fetched(archive, image.manifest.config);
  assert.equal(await archive.exists(layerOf(image, 0)), true);
  await assert.rejects(archive.fetch(describe(noise(9, 9))), NotFoundError);
  await archive.close();
});

test("ociArchive() gives others what they wait for when a reader of the stream rests", async () => {
  const image = await largeImage();
  const archive = ociArchive(streamed(await archiveOf(image)));
  const [first, second] = image.layers;
  assert.ok(first !== undefined && second !== undefined);
  const unread = await archive.fetch(first.descriptor);
  const reader = unread.getReader();
  let begin = 0;
  while (begin < 100_000) begin += (await reader.read()).value?.byteLength ?? 0;
  reader.releaseLock();
  assert.deepEqual(await fetched(archive, second.descriptor), second.bytes);
  const rest = await readAll(unread, { maxBytes: 1e7 });
  assert.deepEqual(rest, first.bytes.slice(begin));
  await assert.rejects(archive.fetch(first.descriptor), NotFoundError);
  await archive.close();
});

test("a stream does not wait forever for a reader who rests, when there is no room for the rest", async () => {
  const image = await largeImage();
  const archive = new StreamedArchive(streamed(await archiveOf(image)), {
    fs: memoryFileSystem(),
    directory: "",
    maxBytes: 20_000,
    place: "the archive",
    hasher: undefined,
    isHashed: false,
    patienceMs: 1,
    lastPatienceMs: 50,
  });
  const pathOf = (index: number) =>
    layerOf(image, index).digest.replace("sha256:", "blobs/sha256/");
  const member = await archive.find(pathOf(0), { isWanted: true });
  assert.ok(member !== undefined);
  const file = await archive.open(member);
  assert.equal((await file.read(0, 10)).byteLength, 10);
  await assert.rejects(archive.find(pathOf(1)), LimitExceededError);
  await assert.rejects(file.read(10, 10), LimitExceededError);
  await file.close();
  await archive.close();
});

test("ociArchive() lists the names and the referrers in a stream", async () => {
  const store = memoryStore();
  const image = await largeImage();
  await image.pushTo(store);
  const note = await pushImage(store, 3, image.descriptor);
  const archive = ociArchive(writeOCIArchive(store, [
    { descriptor: image.descriptor, reference: "app:1" },
    { descriptor: note },
  ]));
  const names: (string | undefined)[] = [];
  for await (const { reference } of archive.roots()) names.push(reference);
  assert.deepEqual(names, ["docker.io/library/app:1", undefined]);
  const referrers: string[] = [];
  for await (const { digest } of archive.referrers(image.descriptor)) referrers.push(digest);
  assert.deepEqual(referrers, [note.digest]);
  await fetched(archive, layerOf(image, 0));
  await archive.close();
});

test("an archive from a stream can be given up, and cancels the stream", async () => {
  const image = await largeImage();
  const bytes = await archiveOf(image);
  for (const isReading of [false, true]) {
    const { stream, cancelled } = pieces(bytes, 1000);
    const fs = memoryFileSystem();
    const archive = ociArchive(stream, { temporary: { fileSystem: fs, directory: "" } });
    await archive.resolve("app:1");
    const reader = (await archive.fetch(layerOf(image, 0))).getReader();
    if (isReading) await reader.read();
    await archive.close();
    assert.equal(cancelled(), 1);
    assert.deepEqual(await fs.readDirectory(""), []);
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, TypeError);
    await assert.rejects(archive.resolve("app:1"), TypeError);
    await archive.close();
  }
});

test("an archive from a stream that stalls rejects with the reason of the signal, and goes on later", async () => {
  const image = await largeImage();
  const bytes = await archiveOf(image);
  const reason = { stop: "please" };
  const aborted = async (call: (signal: AbortSignal) => Promise<unknown>) => {
    const controller = new AbortController();
    const calling = call(controller.signal);
    const rejected = assert.rejects(calling, (error) => error === reason);
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(reason);
    await rejected;
  };
  for (const stallAt of [0, 700, 5000, 300_000]) {
    let at = 0;
    let goOn = () => {};
    const stalled = new Promise<void>((resolve) => goOn = resolve);
    const archive = ociArchive(
      new ReadableStream<Bytes>({
        async pull(controller) {
          if (at >= stallAt) await stalled;
          controller.enqueue(bytes.slice(at, at += 500));
          if (at >= bytes.byteLength) controller.close();
        },
      }, { highWaterMark: 0 }),
    );
    await aborted((signal) => archive.fetch(layerOf(image, 1), { signal }));
    await aborted((signal) => archive.exists(layerOf(image, 1), { signal }));
    goOn();
    const { digest } = await archive.resolve("app:1");
    assert.equal(digest, image.descriptor.digest);
    for (const { descriptor, bytes } of image.contents) {
      assert.deepEqual(await fetched(archive, descriptor), bytes, `stalled at ${stallAt}`);
    }
    await archive.close();
  }
});

test("an archive from a stream that stalls can be closed, and who waits is told", async () => {
  const image = await largeImage();
  const bytes = await archiveOf(image);
  for (const stallAt of [0, 5000, 300_000]) {
    let at = 0;
    let cancelled = 0;
    const archive = ociArchive(
      new ReadableStream<Bytes>({
        async pull(controller) {
          if (at >= stallAt) await new Promise(() => {});
          controller.enqueue(bytes.slice(at, at += 500));
        },
        cancel: () => void cancelled++,
      }, { highWaterMark: 0 }),
    );
    const rejected = Promise.all([
      assert.rejects(archive.exists(layerOf(image, 1)), TypeError),
      assert.rejects(fetched(archive, layerOf(image, 1)), TypeError),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await archive.close();
    await rejected;
    assert.equal(cancelled, 1);
  }
});

test("an archive from a stream that fails rejects with its error, again and again", async () => {
  const image = await largeImage();
  const bytes = await archiveOf(image);
  const failure = new Error("the wire broke");
  let at = 0;
  const archive = ociArchive(
    new ReadableStream<Bytes>({
      pull(controller) {
        if (at > 200_000) controller.error(failure);
        else controller.enqueue(bytes.slice(at, at += 5000));
      },
    }, { highWaterMark: 0 }),
  );
  await archive.resolve("app:1");
  for (const index of [0, 1]) {
    const reading = async () => await fetched(archive, layerOf(image, index));
    await assert.rejects(reading, (error) => error === failure);
  }
  await archive.close();
});

test("ociArchive() refuses a stream that is cut, wherever the cut is", async () => {
  const image = await randomImage("small");
  const bytes = await archiveOf(image);
  for (let end = 600; end < bytes.byteLength - 2000; end += 1777) {
    const archive = ociArchive(streamed(bytes.slice(0, end)));
    await assert.rejects(
      async () => await copy(archive, "app:1", memoryStore()),
      (error: Error) => error instanceof InvalidTarError || error instanceof NotFoundError,
      `cut at ${end}`,
    );
    await archive.close();
  }
});

test("ociArchive() refuses lies in a stream: sizes, digests, missing blobs", async () => {
  const image = await largeImage();
  const entries = await entriesOf(await archiveOf(image));
  const first = layerOf(image, 0);
  const path = first.digest.replace("sha256:", "blobs/sha256/");
  const withLayer = (change: (content: Bytes) => Bytes | undefined): Bytes =>
    tarOf(entries.flatMap((entry) => {
      if (entry.path !== path) return [entry];
      const content = change(entry.content as Bytes);
      return content === undefined ? [] : [{ path, content }];
    }));
  const cases = [
    [withLayer((content) => content.slice(1)), SizeMismatchError],
    [
      withLayer((content) => content.map((byte, i) => i === 9 ? byte ^ 1 : byte)),
      DigestMismatchError,
    ],
    [withLayer(() => undefined), NotFoundError],
  ] as const;
  for (const [bytes, kind] of cases) {
    const archive = ociArchive(streamed(bytes));
    await assert.rejects(async () => await copy(archive, "app:1", memoryStore()), kind);
    await archive.close();
  }
});

test("ociArchive() refuses a second index.json in a stream once it has acted on the first", async () => {
  const image = await largeImage();
  const entries = await entriesOf(await archiveOf(image));
  const index = entries.find(({ path }) => path === "index.json");
  assert.ok(index !== undefined);
  const twice = ociArchive(streamed(tarOf([...entries, index])));
  await twice.resolve("app:1");
  await assert.rejects(fetched(twice, describe(noise(1, 1))), InvalidTarError);
  await twice.close();
  // What nobody has seen yet is replaced, as when the archive is extracted.
  const other = { path: "index.json", content: '{"schemaVersion":2,"manifests":[]}' };
  const replaced = ociArchive(streamed(tarOf([other, ...entries])));
  await assert.rejects(replaced.resolve("app:1"), NotFoundError);
  await replaced.close();
  const blobs = entries.filter(({ path }) => path.startsWith("blobs/"));
  const again = ociArchive(streamed(tarOf([...entries, ...blobs])));
  await copy(again, "app:1", memoryStore());
  assert.equal(await again.exists(describe(noise(1, 1))), false);
  await again.close();
});

test("ociArchive() follows links in a stream, also to files that come later", async () => {
  const layer = noise(100_000, 1);
  const config = utf8("{}");
  const described = describe(layer, "application/vnd.oci.image.layer.v1.tar");
  const raw = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describe(config, "application/vnd.oci.empty.v1+json"),
    layers: [described],
  }));
  const manifest = describe(raw, OCI_MANIFEST);
  const blob = (content: Bytes) => describe(content).digest.replace("sha256:", "blobs/sha256/");
  const entries = (link: string): TarOfEntry[] => [
    { path: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
    {
      path: "index.json",
      content: JSON.stringify({ schemaVersion: 2, manifests: [manifest] }),
    },
    { path: blob(raw), content: raw },
    { path: blob(config), content: config },
    { path: blob(layer), link },
    { path: "elsewhere/layer", content: layer },
  ];
  const good = ociArchive(streamed(tarOf(entries("../../elsewhere/layer"))));
  const target = memoryStore();
  await copy(good, "", target, { targetReference: "app:1" });
  assert.deepEqual(await fetched(target, described), layer);
  await good.close();
  for (const link of ["/etc/passwd", "../../../etc/passwd", blob(layer).slice(13)]) {
    const bad = ociArchive(streamed(tarOf(entries(link))));
    await bad.resolve("");
    await assert.rejects(fetched(bad, described), UnsafePathError, link);
    await bad.close();
  }
  const dangling = ociArchive(streamed(tarOf(entries("../../absent"))));
  await assert.rejects(fetched(dangling, described), NotFoundError);
  await dangling.close();
  const outside = tarOf([...entries("x"), { path: "../outside", content: "x" }]);
  for (const open of [ociArchive, dockerArchive]) {
    const archive = open(streamed(outside));
    await assert.rejects(archive.exists(describe(noise(5, 5))), UnsafePathError);
    await archive.close();
  }
});

test("what an archive from a stream presents is what the whole archive presents", async () => {
  const names = [
    "oras-go/content/oci/testdata/hello-world.tar",
    "made-by-umoci-skopeo/skopeo-oci-archive-v2.tar",
  ];
  for (const name of names) {
    const bytes = await corpusBytes(name);
    const whole = ociArchive(bytes);
    const archive = ociArchive(streamed(bytes, 777));
    for await (const { descriptor, reference } of whole.roots()) {
      assert.deepEqual(await archive.resolve(reference ?? descriptor.digest), descriptor, name);
      assert.equal(
        text(await fetched(archive, descriptor)),
        text(await fetched(whole, descriptor)),
      );
    }
    await archive.close();
  }
});
