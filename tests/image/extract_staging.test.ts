import assert from "node:assert/strict";
import { test } from "node:test";
import { extract, type Image, type Layer, loadImage } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  type FileSystem,
  FileSystemError,
  memoryFileSystem,
  memoryStore,
} from "../../lib/store/mod.ts";
import { asDisk } from "./as_disk.ts";
import { fullDisk } from "./full_disk.ts";
import { entry, putImage, type Short, tarOf } from "./images.ts";
import { readBack } from "./read_back.ts";

/** Tells of a layer that is about to be read, by its number. */
type See = (layer: number) => void | Promise<void>;

/** Makes an image whose layers tell when they are read. */
async function watched(see: See, layers: readonly (readonly Short[])[]): Promise<Image> {
  const store = memoryStore();
  const tars: Bytes[] = [];
  for (const layer of layers) tars.push(await tarOf(layer));
  const descriptor = await putImage(store, tars);
  const image = await loadImage(store, descriptor);
  const digests = (await image.manifest()).layers.map(({ digest }) => digest);
  const source: typeof store = Object.assign(Object.create(store), {
    exists: store.exists.bind(store),
    async fetch(...[target, options]: Parameters<typeof store.fetch>) {
      const number = digests.indexOf(target.digest);
      if (number >= 0) await see(number);
      return await store.fetch(target, options);
    },
  });
  return await loadImage(source, descriptor);
}

/** A disk that lets somebody act before a file is created, or a name is moved. */
function before(
  fs: FileSystem,
  names: readonly (keyof FileSystem)[],
  act: (path: string, other?: string) => unknown,
): FileSystem {
  return new Proxy(asDisk(fs), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!names.some((one) => one === name)) return value.bind(target);
      return async (path: string, other?: string, ...rest: unknown[]) => {
        await act(path, other);
        return await value.apply(target, [path, other, ...rest]);
      };
    },
  });
}

/** Runs in a directory that is not there, in an empty one, and in one with something in it. */
async function failsEverywhere(
  run: (fs: FileSystem, directory: string, existing: "refuse" | "replace") => Promise<void>,
): Promise<void> {
  const memory = memoryFileSystem({ now: () => 0 });
  for (const fs of [memory, asDisk(memory)]) {
    await fs.makeDirectory("/empty");
    await extract(await watched(() => {}, [["a=mine", "d/", "d/x=1"]]), fs, "/full");
    const found = await readBack(fs, "/full");
    for (const directory of ["/new", "/empty", "/full"]) {
      await run(fs, directory, directory === "/full" ? "replace" : "refuse");
      assert.equal(await fs.stat("/new"), undefined);
      assert.deepEqual(await fs.readDirectory("/empty"), []);
      assert.deepEqual(await readBack(fs, "/full"), found);
    }
    for (const directory of ["/empty", "/full"]) await fs.remove(directory, { recursive: true });
  }
}

test("extract() reads each layer of an image once, and of a merged tree those with its files", async () => {
  const reads: number[] = [];
  const layers = [["a=1", "b=2"], ["b=3", "c->a"], ["d=", "e/"]];
  const image = await watched((number) => void reads.push(number), layers);
  await extract(image, memoryFileSystem(), "/image");
  assert.deepEqual(reads.splice(0), [0, 1, 2]);
  const rootfs = await image.rootfs();
  reads.length = 0;
  await extract(rootfs, memoryFileSystem(), "/rootfs");
  assert.deepEqual(reads.splice(0), [0, 1]);
  const [layer] = await image.layers();
  assert.ok(layer !== undefined);
  await extract(layer, memoryFileSystem(), "/layer");
  assert.deepEqual(reads, [0]);
});

test("extract() shows no name of a layer before the last layer was read", async () => {
  const cases: readonly (readonly [FileSystem, readonly string[]])[] = [
    [memoryFileSystem(), []],
    [asDisk(memoryFileSystem()), [".lading-* directory 700"]],
  ];
  for (const [fs, expected] of cases) {
    const seen: string[] = [];
    const image = await watched(async (number) => {
      if (number === 0) return;
      for (const { name, type } of await fs.readDirectory("/out")) {
        const { mode } = await fs.stat(`/out/${name}`) ?? {};
        seen.push(`${name.replace(/[0-9a-f]{32}$/, "*")} ${type} ${mode?.toString(8)}`);
      }
    }, [["a=1", "d/", "d/b=2"], ["c=3"]]);
    await extract(image, fs, "/out");
    assert.deepEqual(seen, expected);
    const names = (await fs.readDirectory("/out")).map(({ name }) => name);
    assert.deepEqual(names.sort(), ["a", "c", "d"]);
  }
});

test("extract() holds no more of a file that is replaced again and again than a disk would", async () => {
  const body = new Uint8Array(1000);
  const again = (path: string): Short[] => Array.from({ length: 20 }, () => entry({ path, body }));
  const cases: Readonly<Record<string, readonly (readonly Short[])[]>> = {
    "in its layer": [again("a")],
    "by other layers": Array.from({ length: 20 }, () => again("a").slice(0, 1)),
    "with its directory": [
      Array.from({ length: 20 }, () => [entry({ path: "d/a", body }), "d=", "d/"]).flat(),
    ],
    "by whiteouts": Array.from({ length: 20 }, (_, i): Short[] => [
      `.wh.a${i - 1}`,
      entry({ path: `a${i}`, body }),
    ]),
    "in place of the root": [again(".")],
  };
  for (const [name, layers] of Object.entries(cases)) {
    const fs = memoryFileSystem();
    let most = 0;
    const slow = before(fs, ["remove"], () => new Promise((resolve) => setTimeout(resolve, 1)));
    const counting = before(slow, ["create"], async (path) => {
      const directory = path.slice(0, path.lastIndexOf("/"));
      most = Math.max(most, (await fs.readDirectory(directory)).length);
    });
    await extract(await watched(() => {}, layers), counting, "/out");
    assert.ok(most <= 1, `${name}: ${most}`);
  }
});

test("extract() keeps a content whose first name is replaced while another leads to it", async () => {
  for (const fs of [memoryFileSystem(), asDisk(memoryFileSystem())]) {
    const image = await watched(() => {}, [
      ["a=first", "b=>a", "a=second", "c=third", "d=>c"],
      [".wh.c", "d=>b"],
    ]);
    await extract(image, fs, "/out");
    const lines = (await readBack(fs, "/out")).map((line) => line.replace(/ 644 0:0 0/, ""));
    assert.deepEqual(lines, ["a second #1", "b first #2", "d first #2"]);
  }
});

test("extract() copies to a directory that is there and lies on another file system", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory("/out/mounted", { recursive: true });
  const mounted = before(fs, ["rename"], (from, to = "") => {
    if (from.includes("/mounted/") === to.includes("/mounted/")) return;
    throw new FileSystemError("it is on another file system", { reason: "unsupported", path: to });
  });
  const [large, small] = [new Uint8Array(3_000_000).fill(7), Uint8Array.of(1, 2, 3)];
  const image = await watched(() => {}, [[
    entry({ path: "mounted/large", body: large, mode: 0o640, mtime: 5 }),
    entry({ path: "mounted/small", body: small, mode: 0o4755, mtime: 6, uid: 3, gid: 4 }),
    entry({ path: "here", body: small }),
  ]]);
  const options = { existing: "replace", owners: true } as const;
  let open = 0;
  const counted = new Proxy(mounted, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "open") return value;
      return async (...args: Parameters<FileSystem["open"]>) => {
        const file = await mounted.open(...args);
        open++;
        return new Proxy(file, {
          get(of, key) {
            if (key === "close") return () => (open--, of.close());
            const member: unknown = Reflect.get(of, key);
            return typeof member === "function" ? member.bind(of) : member;
          },
        });
      };
    },
  });
  await extract(image, counted, "/out", options);
  assert.equal(open, 0);
  const told: unknown[] = [];
  for (const [name, body] of [["mounted/large", large], ["mounted/small", small]] as const) {
    const file = await fs.open(`/out/${name}`);
    assert.deepEqual(await file.read(0, file.size), body);
    const { mode, mtimeMs, uid } = await fs.stat(`/out/${name}`) ?? assert.fail();
    told.push([mode.toString(8), mtimeMs, uid]);
  }
  assert.deepEqual(told, [["640", 5000, 0], ["4755", 6000, 3]]);
  const names = (await fs.readDirectory("/out")).map(({ name }) => name);
  assert.deepEqual(names.sort(), ["here", "mounted"]);
});

test("extract() that fails in a layer leaves the directory as it was found", async () => {
  await failsEverywhere(async (fs, directory, existing) => {
    const image = await watched((number) => {
      if (number === 1) throw new Error("the line is cut");
    }, [["a=1", "d/"], ["b=2"]]);
    await assert.rejects(extract(image, fs, directory, { existing }), /the line is cut/);
  });
});

test("extract() leaves the directory as it was found when the last digest is another", async () => {
  const store = memoryStore();
  const tars = [await tarOf(["a=1"]), await tarOf(["b=2"])];
  const image = await loadImage(store, await putImage(store, tars));
  const { rootfs: { diff_ids: [first] } } = await image.config();
  const wrong = `sha256:${"0".repeat(64)}`;
  const descriptor = await putImage(store, tars, {
    config: { rootfs: { type: "layers", diff_ids: [first, wrong] } },
  });
  await failsEverywhere(async (fs, directory, existing) => {
    const image = await loadImage(store, descriptor);
    await assert.rejects(extract(image, fs, directory, { existing }), { code: "DIGEST_MISMATCH" });
  });
});

test("extract() leaves the directory as it was found when a name is refused in the end", async () => {
  await failsEverywhere(async (fs, directory, existing) => {
    const image = await watched(() => {}, [["a=1", "C:evil=2", "b=3"]]);
    await assert.rejects(extract(image, fs, directory, { existing }), { code: "UNSAFE_PATH" });
  });
});

test("extract() leaves the directory as it was found when the disk is full", async () => {
  await failsEverywhere(async (fs, directory, existing) => {
    const bodies = [100, 5000, 100].map((size) => new Uint8Array(size));
    const image = await watched(() => {}, [
      bodies.map((body, i) => entry({ path: `${i}`, body })),
    ]);
    const run = extract(image, fullDisk(fs, 4096), directory, { existing });
    await assert.rejects(run, { code: "ENOSPC" });
  });
});

test("extract() ends a layer that is nobody's but its maker's when the disk is full", async () => {
  const [layer] = await (await watched(() => {}, [["a=1", "b=2", "d/"]])).layers();
  assert.ok(layer !== undefined);
  let ended = 0;
  const foreign: Layer = {
    descriptor: () => layer.descriptor(),
    diffID: (options) => layer.diffID(options),
    compressed: (options) => layer.compressed(options),
    uncompressed: (options) => layer.uncompressed(options),
    async *entries(options) {
      try {
        yield* layer.entries(options);
      } finally {
        ended++;
      }
    },
  };
  const fs = memoryFileSystem({ now: () => 0 });
  await extract(layer, fs, "/expected");
  await extract(foreign, fs, "/actual");
  assert.deepEqual(await readBack(fs, "/actual"), await readBack(fs, "/expected"));
  assert.equal(ended, 1);
  await assert.rejects(extract(foreign, fullDisk(fs, 1), "/out"), { code: "ENOSPC" });
  assert.equal(ended, 2);
});

test("extract() leaves the directory as it was found when its signal ends it in a file", async () => {
  await failsEverywhere(async (fs, directory, existing) => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const slow = before(fs, ["create"], () => abort.abort(reason));
    const image = await watched(() => {}, [[
      entry({ path: "a", body: new Uint8Array(1 << 20) }),
      "b=2",
    ]]);
    const run = extract(image, slow, directory, { existing, signal: abort.signal });
    await assert.rejects(run, (error) => error === reason);
  });
  const fs = memoryFileSystem();
  const { signal } = new AbortController();
  await extract(await watched(() => {}, [["a=1"]]), fs, "/out", { signal });
  const aborted = AbortSignal.abort(new Error("before"));
  const image = await watched(() => assert.fail("read"), [["a=1"]]);
  await assert.rejects(extract(image, fs, "/other", { signal: aborted }), /before/);
  assert.equal(await fs.stat("/other"), undefined);
});

test("extract() ends with its signal while names are given, and leaves none", async () => {
  for (const name of ["makeDirectory", "rename", "symlink", "link"] as const) {
    await failsEverywhere(async (fs, directory, existing) => {
      // Where something was before, nobody knows which names were given.
      if (existing === "replace") return;
      const abort = new AbortController();
      const reason = new Error("enough");
      let calls = 0;
      const slow = before(fs, [name], (path, other) => {
        if (!/\/[a-z]\d$/.test(typeof other === "string" ? other : path)) return;
        calls++;
        abort.abort(reason);
      });
      const layer = ["d1/", "d2/", "f1=1", "f2=2", "s1->f1", "s2->f2", "h1=>f1", "h2=>f2"];
      const image = await watched(() => {}, [layer]);
      const run = extract(image, slow, directory, { existing, signal: abort.signal });
      await assert.rejects(run, (error) => error === reason, name);
      // Files and symbolic links are given side by side.
      if (name === "makeDirectory" || name === "link") assert.equal(calls, 1, name);
    });
  }
});

test("extract() that fails while names are given removes those that it gave", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory("/empty");
  for (const directory of ["/new", "/empty"]) {
    for (const message of ["the disk is gone", "the disk is full"]) {
      let renames = 0;
      const failing = before(fs, ["rename"], (path) => {
        if (++renames < 3) return;
        // Only what is told to be another file system is copied to.
        if (message === "the disk is gone") throw new Error(message);
        throw new FileSystemError(message, { reason: "no-space", path });
      });
      const image = await watched(() => {}, [["a=1", "d/", "d/b=2", "e=3", "l->a"]]);
      await assert.rejects(extract(image, failing, directory), { message });
      assert.equal(renames, 3);
    }
  }
  assert.deepEqual(await fs.readDirectory("/empty"), []);
  assert.equal(await fs.stat("/new"), undefined);
});
