/** F25: what is aborted at any moment ends at once with the reason, and leaves nothing behind. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import assert from "node:assert/strict";
import { exportRootfs, loadImage } from "../../lib/image/mod.ts";
import { copy } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { dockerArchive, dockerArchiveTarget, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { Random } from "../../lib/testing/_random.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { type FaultProxy, faultProxy } from "../support/fault_proxy.ts";
import { watchPace } from "../support/pace.ts";
import { pathsIn } from "../support/paths_in.ts";
import { drain, until } from "./bench.ts";

/** What is aborted. */
export const WORKS = ["pull", "push", "extract", "save", "load"] as const;

/** Work that can be aborted; each run has a name of its own. */
export type Work = (run: string, signal: AbortSignal) => Promise<unknown>;

const MIB = 1024 * 1024;

/** Instances of the kernel that are kept, and those of layers that are read at a time. */
const MOST_INSTANCES = 8;

/** How soon what is aborted has to end. */
const SOON_MS = 50;

/** One may come later, and one more of so many; disks, which are nobody's to hurry, take their time. */
const PER_LATE_ONE = { inMemory: 100, onDisk: 10 };

/** What writes files. */
const ON_DISK: ReadonlySet<string> = new Set(["pull", "save"]);

/** Aborts each kind of work so many times, and looks at what is left. */
export async function abortEachAtMoments(times: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lading-aborts-"));
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  const instances = countInstances();
  const image = await randomImage("aborts", { layers: 5, files: 4, maxFileBytes: 100_000 });
  const store = memoryStore();
  await image.pushTo(store, "acme/app:1");
  const proxy = await faultProxy(registryHandler(store), [
    { on: /^GET .*\/blobs\//, fault: { kind: "trickle", bytes: 16_384, ms: 1 } },
  ]);
  try {
    const works = await worksOn(proxy, folder, image.descriptor.digest);
    for (const name of WORKS) {
      await abortOne(name, works[name], times, ON_DISK.has(name) ? "onDisk" : "inMemory");
    }
    // Those that wait for another request are closed after four seconds.
    await until(() => proxy.connections === 0, "no connection stays");
    assert.deepEqual(leftovers(folder), []);
    assert.deepEqual(unhandled, []);
    assert.ok(instances.made() <= MOST_INSTANCES, `${instances.made()} instances of the kernel`);
  } finally {
    instances.stop();
    process.off("unhandledRejection", onUnhandled);
    await proxy.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function worksOn(
  proxy: FaultProxy,
  folder: string,
  digest: string,
): Promise<Readonly<Record<typeof WORKS[number], Work>>> {
  const fs = nodeFileSystem();
  const registry = new Registry(`127.0.0.1:${proxy.port}`, { transport: hostTransport() });
  const repository = registry.repository("acme/app");
  const source = memoryStore();
  await copy(repository, "1", source);
  const saved = join(folder, "saved.tar");
  const save = async (path: string, signal?: AbortSignal): Promise<void> => {
    const target = dockerArchiveTarget(fs, path);
    try {
      await copy(repository, "1", target, { targetReference: "acme/app:1", signal });
      await target.close({ signal });
    } finally {
      await target.abort();
    }
  };
  await save(saved);
  return {
    pull: (run, signal) =>
      Promise.resolve(copy(repository, "1", ociLayout(fs, join(folder, run)), { signal })),
    push: (run, signal) =>
      Promise.resolve(copy(source, "1", registry.repository(`acme/${run}`), { signal })),
    extract: async (_, signal) => {
      const image = await loadImage(repository, await repository.resolve(digest, { signal }));
      await drain(exportRootfs(image, { signal }));
    },
    async save(run, signal) {
      mkdirSync(join(folder, run));
      await save(join(folder, run, "image.tar"), signal);
    },
    load: async (_, signal) => {
      const archive = dockerArchive(fs, saved);
      try {
        await copy(archive, "", memoryStore(), { targetReference: "app:1", signal });
      } finally {
        await archive.close();
      }
    },
  };
}

/** Aborts work so many times; of those that come in time almost all have to end at once. */
export async function abortOne(
  name: string,
  work: Work,
  times: number,
  where: keyof typeof PER_LATE_ONE,
): Promise<void> {
  const random = new Random(name);
  // The first ones warm up what the runtime compiles.
  let whole = Infinity;
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    await work(`${name}-whole-${i}`, new AbortController().signal);
    whole = Math.min(whole, performance.now() - start);
  }
  const timers = activeTimers();
  let heap = await heapBytes();
  let [aborted, late] = [0, 0];
  for (let i = 0; i < times; i++) {
    // The first ones warm the caches of the runtime.
    if (i === Math.floor(times / 4)) heap = await heapBytes();
    const reason = new Error(`enough of ${name} ${i}`);
    const controller = new AbortController();
    const start = performance.now();
    let waited = (): number => 0;
    const timer = setTimeout(() => {
      waited = watchPace();
      controller.abort(reason);
    }, whole * random.below(1000) / 1000);
    const error = await work(`${name}-${i}`, controller.signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    clearTimeout(timer);
    const ms = waited();
    if (error === undefined) {
      // The machine has less to do than when it was measured.
      whole = Math.min(whole, performance.now() - start);
      continue;
    }
    assert.equal(error, reason, `${name}: the reason comes unchanged`);
    aborted++;
    if (ms >= SOON_MS) late++;
  }
  assert.ok(aborted >= times / 3, `${name}: only ${aborted} of ${times} came in time`);
  assert.ok(late <= 1 + aborted / PER_LATE_ONE[where], `${name}: ${late} of ${aborted} went on`);
  await until(() => activeTimers() <= timers + 2, `${name}: timers are left`);
  const grown = (await heapBytes() - heap) / MIB;
  assert.ok(grown < 10, `${name}: the heap has grown by ${grown} MiB`);
}

/** Files that only somebody at work needs. */
function leftovers(folder: string): string[] {
  const { files, directories } = pathsIn(folder);
  return [...files, ...directories].map((path) => path.slice(folder.length))
    .filter((path) => /\.tmp|\.lock|\.lading|partial/i.test(path));
}

/** How many timers the process has, where it tells. */
function activeTimers(): number {
  const { getActiveResourcesInfo } = process as { getActiveResourcesInfo?: () => string[] };
  return getActiveResourcesInfo?.().filter((kind) => kind === "Timeout").length ?? 0;
}

/** The heap behind a garbage collection. */
async function heapBytes(): Promise<number> {
  const { Bun } = globalThis as { Bun?: { gc(isSync: boolean): void } };
  if (Bun !== undefined) Bun.gc(true);
  else {
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")();
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  return process.memoryUsage().heapUsed;
}

/** Counts the instances that are made of WebAssembly modules. */
function countInstances(): { made(): number; stop(): void } {
  const real = WebAssembly.Instance;
  let made = 0;
  const counting = function (...args: ConstructorParameters<typeof real>) {
    made++;
    return new real(...args);
  };
  Object.assign(WebAssembly, { Instance: counting });
  return { made: () => made, stop: () => void Object.assign(WebAssembly, { Instance: real }) };
}
