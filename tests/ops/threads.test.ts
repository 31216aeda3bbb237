/** Layers that are read in threads come to what they come to without: here, on every host. */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  concatBytes,
  iterate,
  readAll,
  streamFrom,
  streamOf,
  verified,
} from "../../lib/bytes/mod.ts";
import type { LayerThreads } from "../../lib/compress/layer_threads.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { exportRootfs, extract, type Image, loadImage, openLayer } from "../../lib/image/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { ContentSource, Source } from "../../lib/model/content.ts";
import { DigestMismatchError } from "../../lib/model/errors.ts";
import { type Descriptor, MEDIA_TYPE_OCI_LAYER_GZIP } from "../../lib/model/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { copy, validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { layerThreads } from "../../lib/runtime/threads.ts";
import { memoryFileSystem, memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { entry, putImage, tarOf } from "../image/images.ts";

/** Bytes that deflate makes no smaller: several buffers of a thread. */
function noise(length: number, seed: number): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const zip = (tar: Bytes): Promise<Bytes> => readAll(gzip(streamOf(tar)), { maxBytes: 1 << 26 });

const file = (path: string, body: Bytes) => ({ ...entry(`${path}=`), body });

/** More than the buffers of a thread hold, on its way in and out. */
const NOISE = 3 << 20;

/** A layer that is read through every buffer more than once, and one of several hundred entries. */
const LARGE = tarOf([file("noise", noise(NOISE, 1)), "a=1", file("more", noise(NOISE >> 2, 2))]);
const MANY = tarOf(Array.from({ length: 700 }, (_, at) => `dir/${at}=${at}`));

interface Counted extends LayerThreads {
  /** For each layer, whether there was a thread for it. */
  readonly taken: readonly boolean[];
  /** For each layer, the bytes that its reader said it has. */
  readonly sizes: readonly number[];
  close(): Promise<void>;
}

/** Threads for layers of any size, that count what they are used for. */
function counted(size: number): Counted {
  const threads = layerThreads(size, { minBytes: 0 });
  const taken: boolean[] = [];
  const sizes: number[] = [];
  return {
    size,
    minBytes: 0,
    taken,
    sizes,
    async take(bytes) {
      sizes.push(bytes);
      const thread = await threads.take(bytes);
      taken.push(thread !== undefined);
      return thread;
    },
    close: () => threads.close(),
  };
}

/** Workers of the edge have no threads: there all of this is done without. */
const HAS_THREADS = detectRuntime() !== "workerd";

async function withThreads(
  size: number,
  work: (threads: Counted) => Promise<void>,
): Promise<void> {
  const threads = counted(size);
  try {
    await work(threads);
    assert.ok(threads.taken.length > 0);
    assert.ok(threads.taken.includes(HAS_THREADS));
    if (!HAS_THREADS) assert.ok(!threads.taken.includes(true));
  } finally {
    await threads.close();
  }
}

async function loaded(layers: readonly Bytes[]): Promise<Image> {
  const store = memoryStore();
  return await loadImage(store, await putImage(store, layers, { compress: zip }));
}

function flipped(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}

/** What a layer is stored as, given its archive. */
const STORED: Readonly<Record<string, (tar: Bytes) => Promise<Bytes> | Bytes>> = {
  "sound": zip,
  "plain": (tar) => tar,
  "empty": () => new Uint8Array(),
  "cut short": async (tar) => (await zip(tar)).slice(0, -9),
  "damaged in the middle": async (tar) => {
    const stored = await zip(tar);
    return flipped(stored, stored.length >> 1);
  },
  "damaged in the checksum": async (tar) => {
    const stored = await zip(tar);
    return flipped(stored, stored.length - 6);
  },
  "followed by something else": async (tar) => concatBytes([await zip(tar), noise(700_000, 3)]),
  "compressed twice": async (tar) => await zip(await zip(tar)),
  "of an unknown compression": (tar) => concatBytes([new TextEncoder().encode("BZh91AY&SY"), tar]),
  "another archive": () => zip(new Uint8Array(1024)),
  "no archive": async (tar) => await zip(noise(tar.length, 4)),
  "an archive that is damaged": async (tar) => await zip(flipped(tar, tar.length - 1024 - 512)),
};

const KERNELS = ["host", "wasm", "js"] as const;

for (const [name, stored] of Object.entries(STORED)) {
  test(`validate() reports the same with threads and without: a layer that is ${name}`, async () => {
    const tars = await Promise.all([LARGE, MANY]);
    const store = memoryStore();
    const image = await putImage(store, [...tars, ...tars.map((tar) => tar.slice(512))], {
      compress: async (tar) => await stored(tar),
    });
    await store.tag(image, "app");
    await withThreads(2, async (threads) => {
      for (const kernel of name === "sound" ? KERNELS : KERNELS.slice(0, 1)) {
        const without = await validate(store, "app", { kernel });
        assert.deepEqual(await validate(store, "app", { kernel, threads }), without, kernel);
      }
    });
  });
}

test("validate() counts and reports the same when a source fails, or gives other bytes", async () => {
  const tars = await Promise.all([LARGE, MANY]);
  const store = memoryStore();
  const image = await putImage(store, tars, { compress: zip });
  await store.tag(image, "app");
  const layers = await (await loadImage(store, image)).layers();
  const broken = layers[0]?.descriptor().digest;
  /** A store whose first layer goes wrong after some of its bytes. */
  const failing = (change: (bytes: Bytes) => AsyncGenerator<Bytes> | Generator<Bytes>) => ({
    exists: (target: Descriptor) => store.exists(target),
    resolve: (reference: string) => store.resolve(reference),
    async fetch(target: Descriptor): Promise<ByteStream> {
      const content = await store.fetch(target);
      if (target.digest !== broken) return content;
      return streamFrom(change(await readAll(content, { maxBytes: 1 << 26 })));
    },
  });
  await withThreads(2, async (threads) => {
    const wrong = failing(function* (bytes) {
      for (let at = 0; at < bytes.length; at += 100_000) {
        yield flipped(bytes.slice(at, at + 100_000), 50);
      }
    });
    assert.deepEqual(await validate(wrong, "app", { threads }), await validate(wrong, "app"));
    const error = new Error("the network is gone");
    const cut = failing(function* (bytes) {
      yield bytes.slice(0, 2_000_000);
      throw error;
    });
    const isSame = (found: unknown) => found === error;
    await assert.rejects(validate(cut, "app"), isSame);
    await assert.rejects(validate(cut, "app", { threads }), isSame);
  });
});

test("zstd layers are read in threads too", async () => {
  const bytes = await corpusBytes("ggcr/crane/testdata/content.tar.zst");
  const store = memoryStore();
  const image = await putImage(store, [new Uint8Array(bytes)]);
  await store.tag(image, "app");
  await withThreads(1, async (threads) => {
    const without = await validate(store, "app");
    assert.deepEqual(await validate(store, "app", { threads }), without);
    assert.ok(without.stats.entries > 0);
  });
});

test("exportRootfs() and extract() give the same with threads and without", async () => {
  const upper = await tarOf(["a=2", "dir/.wh.5", "link->a", "hard=>more"]);
  const layers = [await LARGE, await MANY, upper, await tarOf([".wh.link", "dir/6=six"])];
  await withThreads(2, async (threads) => {
    const all = { maxBytes: 1 << 26 };
    const archive = await readAll(exportRootfs(await loaded(layers)), all);
    assert.deepEqual(await readAll(exportRootfs(await loaded(layers), { threads }), all), archive);
    const [one, other] = [memoryFileSystem(), memoryFileSystem()];
    const result = await extract(await loaded(layers), one, "/out");
    assert.deepEqual(await extract(await loaded(layers), other, "/out", { threads }), result);
    for (const path of ["/out/noise", "/out/a", "/out/dir/6"]) {
      const [a, b] = [await one.open(path), await other.open(path)];
      assert.deepEqual(await b.read(0, b.size), await a.read(0, a.size));
    }
  });
});

test("errors from a thread are of the same class, and say the same", async () => {
  const tar = await LARGE;
  const truncated = (await zip(tar)).slice(0, -1);
  const bodies: readonly (readonly [Bytes, number | undefined])[] = [
    [truncated, undefined],
    [await zip(tar), 2 << 20],
    [await zip(await zip(tar)), undefined],
    [new TextEncoder().encode("BZh91AY&SY and more"), undefined],
  ];
  await withThreads(1, async (threads) => {
    for (const [body, maxOutputBytes] of bodies) {
      const layer = layerOf(body);
      const failure = async (threads?: LayerThreads): Promise<Error> => {
        try {
          for await (const _ of layer.entries({ threads, maxOutputBytes }));
        } catch (error) {
          if (error instanceof Error) return error;
        }
        return assert.fail("it is read");
      };
      const [here, there] = [await failure(), await failure(threads)];
      assert.equal(there.constructor, here.constructor);
      assert.equal(there.message, here.message);
      assert.deepEqual({ ...there }, { ...here });
    }
  });
});

/** A layer without a diffID, that is stored like this. */
function layerOf(body: Bytes, onCancel = () => {}) {
  const descriptor = {
    mediaType: MEDIA_TYPE_OCI_LAYER_GZIP,
    digest: `sha256:${"0".repeat(64)}`,
    size: body.length,
  };
  const source: ContentSource = {
    exists: () => Promise.resolve(true),
    fetch: () => Promise.resolve(piecewise(body, onCancel)),
  };
  return openLayer(source, descriptor);
}

/** Gives bytes in small chunks, each a view of the same memory: nobody may take it away. */
function piecewise(bytes: Bytes, onCancel: () => void): ByteStream {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + 65_536));
      at += 65_536;
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

test("what a source holds on to is not taken from it", async () => {
  const body = await zip(await LARGE);
  const before = body.slice();
  await withThreads(1, async (threads) => {
    for (let round = 0; round < 2; round++) {
      let count = 0;
      for await (const { path } of layerOf(body).entries({ threads })) {
        count++;
        assert.notEqual(path, "");
      }
      assert.equal(count, 3);
    }
  });
  assert.deepEqual(body, before);
});

test("leaving a loop early, and an abort, end what a thread does; the next layer has one again", async () => {
  const body = await zip(await LARGE);
  await withThreads(1, async (threads) => {
    let cancelled = 0;
    const layer = layerOf(body, () => cancelled++);
    for await (const { path } of layer.entries({ threads })) {
      assert.equal(path, "noise");
      break;
    }
    assert.equal(cancelled, 1);
    const controller = new AbortController();
    const reason = new Error("enough");
    const reading = async () => {
      for await (const _ of layer.entries({ threads, signal: controller.signal })) {
        controller.abort(reason);
      }
    };
    await assert.rejects(reading, (error) => error === reason);
    assert.equal(cancelled, 2);
    let count = 0;
    for await (const _ of layer.entries({ threads })) count++;
    assert.equal(count, 3);
    assert.deepEqual(threads.taken, [HAS_THREADS, HAS_THREADS, HAS_THREADS]);
  });
});

test("a signal that was aborted before is told before anything is read", async () => {
  const layer = layerOf(await zip(await MANY));
  await withThreads(1, async (threads) => {
    const signal = AbortSignal.abort("no");
    await assert.rejects(
      layer.entries({ threads, signal }).next(),
      (error) => error === "no",
    );
    for await (const _ of layer.entries({ threads }));
  });
});

test("a layer that nobody goes on reading keeps no other from being read", async () => {
  const body = await zip(await LARGE);
  await withThreads(2, async (threads) => {
    const open = [1, 2, 3, 4].map(() => layerOf(body).entries({ threads }));
    for (const entries of open) assert.equal((await entries.next()).value?.path, "noise");
    const last = open.at(-1);
    assert.equal((await last?.next())?.value?.path, "a");
    for (const entries of open) await entries.return();
    assert.deepEqual(threads.taken, [HAS_THREADS, HAS_THREADS, false, false]);
  });
});

test("contents that are read from a thread are those of the layer", async () => {
  const layer = layerOf(await zip(await LARGE));
  await withThreads(1, async (threads) => {
    const plain = await readAll(await layer.uncompressed({ threads }), { maxBytes: 1 << 26 });
    assert.deepEqual(plain, await LARGE);
    for await (const { path, body } of layer.entries({ threads })) {
      if (path !== "noise") continue;
      let at = 0;
      const expected = noise(NOISE, 1);
      for await (const chunk of iterate(body)) {
        assert.deepEqual(chunk, expected.subarray(at, at += chunk.length));
      }
      assert.equal(at, expected.length);
    }
  });
});

test("closed threads leave the work to who asks for it, and small layers need none", async () => {
  const body = await zip(await MANY);
  const threads = counted(1);
  for await (const _ of layerOf(body).entries({ threads }));
  await threads.close();
  for await (const _ of layerOf(body).entries({ threads }));
  assert.deepEqual(threads.taken, [HAS_THREADS, false]);
  assert.deepEqual(threads.sizes, [body.length, body.length]);
  const large = { ...threads, minBytes: body.length + 1 };
  for await (const _ of layerOf(body).entries({ threads: large }));
  assert.equal(threads.taken.length, 2);
});

test("a thread is started once there were enough bytes for it, and then for small layers, too", async () => {
  const threads = layerThreads(2, { minBytes: 1000 });
  try {
    const isTaken = async (bytes: number) => {
      const thread = await threads.take(bytes);
      thread?.leave();
      return thread !== undefined;
    };
    for (const bytes of [8000, 7999]) assert.equal(await isTaken(bytes), false);
    assert.equal(await isTaken(1000), HAS_THREADS);
    assert.equal(await isTaken(1), HAS_THREADS, "the one that is there has nothing to do");
    const first = await threads.take(1000);
    // What the first one cost is not left for the second.
    assert.equal(await isTaken(15_000), false);
    assert.equal(await isTaken(1), HAS_THREADS);
    first?.leave();
  } finally {
    await threads.close();
  }
});

test("a thread takes 16 MiB to be started", async () => {
  const threads = layerThreads(1);
  try {
    assert.equal(await threads.take((16 << 20) - 1), undefined);
    const thread = await threads.take(1);
    assert.equal(thread !== undefined, HAS_THREADS);
    thread?.leave();
  } finally {
    await threads.close();
  }
});

test("layerThreads() refuses what is no number of threads", () => {
  for (const size of [0, -1, 1.5, NaN]) assert.throws(() => layerThreads(size), RangeError);
});

/** A registry with an image that is worth threads, and the stores that a copy goes to. */
async function registered(): Promise<{ source: Source; transport: Transport; layer: Descriptor }> {
  const { host, store, transport } = memoryRegistry();
  const image = await putImage(store, await Promise.all([LARGE, MANY]), { compress: zip });
  await store.tag(image, "acme/app:1");
  const [layer] = await (await loadImage(store, image)).layers();
  assert.ok(layer !== undefined);
  const repository = (transport: Transport) =>
    new Registry(host, { transport }).repository("acme/app");
  return { source: repository(transport), transport, layer: layer.descriptor() };
}

test("copy() moves the same when threads hash, and one thread serves blob after blob", async () => {
  const { source, layer } = await registered();
  await withThreads(1, async (threads) => {
    const [here, there] = [memoryStore(), memoryStore()];
    const options = { targetReference: "app", jobs: 1 };
    const without = await copy(source, "1", here, options);
    assert.deepEqual(await copy(source, "1", there, { ...options, threads }), without);
    assert.deepEqual(await validate(there, "app"), await validate(here, "app"));
    // Small blobs are held until they are proved, and never moved to a thread.
    assert.ok(threads.taken.length >= 1);
    assert.ok(threads.sizes.includes(layer.size));
    assert.ok(threads.taken.every((isTaken) => isTaken === HAS_THREADS));
  });
});

test("copy() refuses wrong bytes, and ends on an abort, when threads hash", async () => {
  const { source, layer } = await registered();
  const damaged = (at: number): Source => ({
    resolve: (reference, options) => source.resolve(reference, options),
    exists: (target, options) => source.exists(target, options),
    async fetch(target, options) {
      const content = await source.fetch(target, options);
      if (target.digest !== layer.digest) return content;
      const bytes = flipped(await readAll(content, { maxBytes: 1 << 26 }), at);
      return verified(piecewise(bytes, () => {}), target);
    },
  });
  await withThreads(1, async (threads) => {
    for (const at of [0, layer.size - 1]) {
      const target = memoryStore();
      const error = await copy(damaged(at), "1", target, { threads, jobs: 1 })
        .then(() => assert.fail("it is copied"), (error: unknown) => error);
      assert.ok(error instanceof DigestMismatchError, String(error));
      assert.equal(error.expected, layer.digest);
      assert.equal(await target.exists(layer), false);
    }
    const operation = copy(source, "1", memoryStore(), { threads, jobs: 1 });
    const reason = new Error("enough");
    const watching = async () => {
      for await (const event of operation) {
        if (event.type === "blob" && event.current > 0) operation.abort(reason);
      }
      await operation;
    };
    await assert.rejects(watching, (error) => error === reason);
    await copy(source, "1", memoryStore(), { threads, jobs: 1 });
    assert.ok(threads.taken.every((isTaken) => isTaken === HAS_THREADS));
  });
});
