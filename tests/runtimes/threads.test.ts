import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { loadImage } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { copy, validate } from "../../lib/ops/mod.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { layerThreads } from "../../lib/runtime/threads.ts";
import { type MemoryStore, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { putImage, tarOf } from "../image/images.ts";
import { brokenFiles, LADING, lading, start, until, withBench } from "./lading_process.ts";

const zip = (tar: Bytes): Promise<Bytes> => readAll(gzip(streamOf(tar)), { maxBytes: 1 << 26 });

/** An image of four layers, the first of which is large enough to be worth the start of a thread. */
async function sample(): Promise<{ store: MemoryStore; image: Descriptor }> {
  const store = memoryStore();
  const noise = new Uint8Array(17 << 20);
  for (let at = 0; at < noise.length; at += 65_536) {
    crypto.getRandomValues(noise.subarray(at, at + 65_536));
  }
  const tars = await Promise.all([
    tarOf([{ path: "noise", body: noise }]),
    tarOf(["a=1", "b/"]),
    tarOf(["c=3"]),
    tarOf(["d=4"]),
  ]);
  const image = await putImage(store, tars, { compress: zip });
  await store.tag(image, "app");
  return { store, image };
}

/** Threads that a runtime starts and ends when it likes, to compile and to collect garbage. */
const OWN_THREADS = 16;

/** How many threads this process has. */
const threadCount = (): number => readdirSync("/proc/self/task").length;

test("1,000 images are validated with two threads, and no more than two stay", async () => {
  const { store } = await sample();
  const threads = layerThreads(2, { minBytes: 0 });
  const expected = await validate(store, "app");
  assert.deepEqual(await validate(store, "app", { threads }), expected);
  const before = threadCount();
  for (let round = 0; round < 1000; round++) {
    // The large layer is left out of most rounds, which are about starting and ending.
    const reference = round % 50 === 0 ? "app" : "small";
    if (round === 0) await store.tag(await small(store), "small");
    const { ok } = await validate(store, reference, { threads });
    assert.ok(ok);
  }
  const open = threadCount();
  assert.ok(open <= before + OWN_THREADS, `${before} threads became ${open}`);
  await threads.close();
  await until(() => threadCount() <= open - 2, "closed threads are gone");
});

async function small(store: MemoryStore): Promise<Descriptor> {
  const tars = await Promise.all([tarOf(["a=1"]), tarOf(["b=2"]), tarOf(["c=3"])]);
  return await putImage(store, tars, { compress: zip });
}

test("threads that were ended in the middle of a layer are gone", async () => {
  const { store, image } = await sample();
  const [layer] = await (await loadImage(store, image)).layers();
  assert.ok(layer !== undefined);
  const threads = layerThreads(1);
  for await (const _ of layer.entries({ threads }));
  const before = threadCount();
  // Each round ends two.
  for (let round = 0; round < OWN_THREADS; round++) {
    for await (const _ of layer.entries({ threads })) break;
    const signal = AbortSignal.timeout(1);
    await assert.rejects(async () => {
      for (;;) for await (const _ of layer.entries({ threads, signal }));
    }, { name: "TimeoutError" });
  }
  await until(() => threadCount() <= before + OWN_THREADS, "ended threads are gone");
  await threads.close();
});

for (const state of ["idle", "busy"]) {
  test(`a process ends though its threads are ${state} and were not closed`, async () => {
    const program = fileURLToPath(
      new URL(
        `./threads_left_open${import.meta.url.endsWith(".js") ? ".js" : ".ts"}`,
        import.meta.url,
      ),
    );
    const { code, stdout, stderr } = await start([...LADING.slice(0, -1), program, state]).ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, state === "idle" ? "a\nb\n" : "a\n");
  });
}

test("lading validate, export, extract and pull do the same with --threads", () =>
  withBench(async ({ folder }) => {
    const { store } = await sample();
    await copy(store, "app", ociLayout(nodeFileSystem(), `${folder}/image`));
    const image = `oci:${folder}/image:app`;
    const rows = [["validate", image, "--json"], ["export", image]];
    for (const row of rows) {
      const [here, there] = [await lading(row), await lading([...row, "--threads", "2"])];
      assert.equal(there.code, 0, there.stderr);
      assert.deepEqual(there.bytes, here.bytes);
    }
    const extracted = await lading(["extract", image, `${folder}/out`, "--threads", "2"]);
    assert.equal(extracted.code, 0, extracted.stderr);
    assert.deepEqual(readdirSync(`${folder}/out`).sort(), ["a", "b", "c", "d", "noise"]);
    const pulls = ["one", "two"].map((name) => ["pull", image, `oci:${folder}/${name}:app`]);
    const [here, there] = await Promise.all(
      pulls.map((row, at) => lading(at === 0 ? row : [...row, "--threads", "2"])),
    );
    assert.equal(there?.code, 0, there?.stderr);
    assert.equal(there?.stdout, here?.stdout);
    assert.deepEqual(brokenFiles(`${folder}/two`), []);
    const files = (name: string) => readdirSync(`${folder}/${name}/blobs/sha256`).sort();
    assert.deepEqual(files("two"), files("one"));
    for (const wrong of ["0", "x", "1.5"]) {
      const { code, stderr } = await lading(["validate", image, "--threads", wrong]);
      assert.equal(code, 2);
      assert.match(stderr, /--threads takes a number/);
    }
  }));
