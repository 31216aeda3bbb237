/** What every call owes: an abort before it begins is kept, files are closed, errors are told. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { DigestMismatchError } from "../../lib/model/errors.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  type FileSystem,
  FileSystemError,
  memoryFileSystem,
  memoryStore,
  ociArchiveTarget,
  ociLayout,
} from "../../lib/store/mod.ts";
import { describe, fetched, filesBelow, pushImage, readFile, utf8, writeFile } from "./content.ts";

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}

type Layout = ReturnType<typeof ociLayout>;

/** Every call that a layout and an archive have, by its name. */
function callsOf(store: Layout, target: Descriptor, signal?: AbortSignal) {
  const blob = utf8("a blob");
  return {
    exists: () => store.exists(target, { signal }),
    fetch: () => store.fetch(target, { signal }),
    push: () => store.push(describe(blob), blob, { signal }),
    resolve: () => store.resolve("v1", { signal }),
    tag: () => store.tag(target, "v2", { signal }),
    untag: () => store.untag("v1", { signal }),
    roots: () => drain(store.roots({ signal })),
    referrers: () => drain(store.referrers(target, { signal })),
    delete: () => store.delete(target, { signal }),
  } satisfies Record<string, () => Promise<unknown>>;
}

test("no call of a store begins once its signal has aborted", async () => {
  const stores = [
    (fs: FileSystem) => ociLayout(fs, "x"),
    (fs: FileSystem) => ociArchiveTarget(fs, "x.tar"),
    () => memoryStore(),
  ];
  const reason = new Error("enough");
  for (const open of stores) {
    const fs = memoryFileSystem();
    const store = open(fs);
    const target = await pushImage(store, 1);
    await store.tag(target, "v1");
    const before = await filesBelow(fs, "");
    for (const [name, call] of Object.entries(callsOf(store, target, AbortSignal.abort(reason)))) {
      await assert.rejects(call, (error: unknown) => error === reason, name);
    }
    assert.deepEqual(await filesBelow(fs, ""), before);
    assert.equal((await store.resolve("v1")).digest, target.digest);
  }
});

test("ociLayout() closes every file that it opens", async () => {
  const memory = memoryFileSystem();
  let open = 0;
  const fs: FileSystem = new Proxy(memory, {
    get(at, name) {
      const value: unknown = Reflect.get(at, name);
      if (typeof value !== "function") return value;
      if (name !== "open") return value.bind(at);
      return async (...args: Parameters<FileSystem["open"]>) => {
        const file = await memory.open(...args);
        open++;
        return new Proxy(file, {
          get(of, key) {
            const member: unknown = Reflect.get(of, key);
            if (key === "close") return () => (open--, of.close());
            return typeof member === "function" ? member.bind(of) : member;
          },
        });
      };
    },
  });
  const layout = ociLayout(fs, "x");
  const target = await pushImage(layout, 1);
  await layout.tag(target, "v1");
  const again = ociLayout(fs, "x");
  await again.resolve(target.digest);
  await again.tag(target, "v2");
  await drain(again.referrers(target));
  await fetched(again, target);
  await (await again.fetch(target)).cancel();
  await assert.rejects(again.fetch({ ...target, size: target.size + 1 }));
  assert.equal(open, 0);
});

test("ociLayout() resolves no digest of a manifest that was changed on the disk", async () => {
  const fs = memoryFileSystem();
  const { digest } = await pushImage(ociLayout(fs, "x"), 1);
  const path = `x/blobs/${digest.replace(":", "/")}`;
  const raw = await readFile(fs, path);
  await fs.remove(path);
  await writeFile(fs, path, utf8(new TextDecoder().decode(raw).replace("sha256", "sha512")));
  await assert.rejects(ociLayout(fs, "x").resolve(digest), DigestMismatchError);
});

/** A file system whose calls of one name fail while it is told to. */
function failing(memory: FileSystem, name: keyof FileSystem, part: string) {
  const state = { isBroken: false };
  const fs: FileSystem = new Proxy(memory, {
    get(at, key) {
      const value: unknown = Reflect.get(at, key);
      if (typeof value !== "function") return value;
      return (path: string, ...rest: unknown[]) => {
        if (key === name && state.isBroken && path.includes(part)) {
          const error = new FileSystemError(`Cannot ${name} ${path}`, {
            reason: "permission",
            path,
          });
          return Promise.reject(error);
        }
        return value.call(at, path, ...rest);
      };
    },
  });
  return { fs, state };
}

test("ociLayout() says so when a blob cannot be removed, and not when it is gone", async () => {
  const { fs, state } = failing(memoryFileSystem(), "remove", "blobs");
  const layout = ociLayout(fs, "x");
  const target = await pushImage(layout, 1);
  state.isBroken = true;
  await assert.rejects(layout.delete(target), FileSystemError);
  state.isBroken = false;
  await layout.delete(target);
  await layout.delete(target);
});

test("ociLayout() can be made once what was in its way is gone", async () => {
  const { fs, state } = failing(memoryFileSystem(), "makeDirectory", "");
  const layout = ociLayout(fs, "x");
  const blob = utf8("a blob");
  state.isBroken = true;
  await assert.rejects(layout.push(describe(blob), blob), FileSystemError);
  state.isBroken = false;
  await layout.push(describe(blob), blob);
  assert.ok(await layout.exists(describe(blob)));
});

test("ociLayout() is made anew where its directory was taken away, with the second push", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const blob = utf8("a blob");
  await layout.push(describe(blob), blob);
  await fs.remove("x", { recursive: true });
  await assert.rejects(layout.push(describe(blob), blob), FileSystemError);
  await layout.push(describe(blob), blob);
  assert.ok(await ociLayout(fs, "x").exists(describe(blob)));
});

test("an archive that is written takes no more calls, and says why", async () => {
  const fs = memoryFileSystem();
  const archive = ociArchiveTarget(fs, "x.tar");
  const target = await pushImage(archive, 1);
  await archive.tag(target, "v1");
  await archive.close();
  for (const [name, call] of Object.entries(callsOf(archive, target))) {
    await assert.rejects(call, /closed|written|ended/, name);
  }
  await archive.close();
});
