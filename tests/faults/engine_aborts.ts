/**
 * F25 for engines: what is aborted at any moment ends at once with the reason, frees its connection
 * and leaves nothing behind, on a socket of the file system and on a port.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import assert from "node:assert/strict";
import { readAll, streamFrom } from "../../lib/bytes/mod.ts";
import { Engine, parseEngineHost } from "../../lib/engine/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { copy } from "../../lib/ops/mod.ts";
import { engineSource, engineTarget } from "../../lib/runtime/engine.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { fakeEngine, randomImage } from "../../lib/testing/mod.ts";
import { faultProxy } from "../support/fault_proxy.ts";
import { abortOne, type Work } from "./aborts.ts";
import { drain, until } from "./bench.ts";

/** What is aborted. */
export const ENGINE_WORKS = ["pull", "save", "load", "copy out of it", "copy into it"] as const;

/** How an engine is reached. */
export const ENGINE_WAYS = ["a socket", "a port"] as const;

/** An engine that listens. */
interface Listening {
  readonly host: string;
  /** How many connections it has. */
  connections(): number;
}

/** Aborts each kind of work so many times on each way, and looks at what is left. */
export async function abortEngineAtMoments(times: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lading-ea-"));
  const aside = join(folder, "aside");
  mkdirSync(aside);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  const image = await randomImage("aborts", { layers: 3, files: 4, maxFileBytes: 30_000 });
  const store = memoryStore();
  await image.pushTo(store, "docker.io/acme/app:1");
  const registry = memoryStore();
  await image.pushTo(registry, "acme/app:1");
  const { transport } = fakeEngine({ store, network: registryHandler(registry) });
  const proxy = await faultProxy(transport, [
    { on: /^GET .*\/get/, fault: { kind: "trickle", bytes: 16_384, ms: 1 } },
    { on: /^POST .*\/create/, fault: { kind: "trickle", bytes: 256, ms: 1 } },
  ]);
  try {
    await onSocket(join(folder, "e.sock"), proxy.port, async (unix) => {
      const host = `tcp://127.0.0.1:${proxy.port}`;
      const tcp = { host, connections: () => proxy.connections };
      for (const listening of [unix, tcp]) {
        await until(() => listening.connections() === 0, "the connections are closed");
        await abortAll(listening, aside, times);
      }
    });
    assert.deepEqual(readdirSync(aside), []);
    assert.deepEqual(unhandled, []);
  } finally {
    process.off("unhandledRejection", onUnhandled);
    await proxy.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function abortAll(
  { host, connections }: Listening,
  aside: string,
  times: number,
): Promise<void> {
  const way = engineTransport(parseEngineHost(host));
  const works = await worksOn(new Engine(way), aside);
  for (const name of ENGINE_WORKS) {
    const work: Work = async (run, signal) => {
      try {
        await works[name](run, signal);
      } finally {
        // What is measured is also how long the connection stays.
        for (let i = 0; connections() > 0; i++) {
          assert.ok(i < 5000, `${name}: the connection stays`);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
    };
    const where = name === "copy out of it" ? "onDisk" : "inMemory";
    await abortOne(`${name}, ${host.slice(0, 4)}`, work, times, where);
  }
  way.close();
}

async function worksOn(
  engine: Engine,
  aside: string,
): Promise<Readonly<Record<typeof ENGINE_WORKS[number], Work>>> {
  const { images } = engine;
  const archive = await readAll(images.save("acme/app:1"), { maxBytes: 1 << 26 });
  const temporary = { fileSystem: nodeFileSystem(), directory: aside };
  const content = memoryStore();
  {
    await using source = engineSource(engine);
    await copy(source, "acme/app:1", content);
  }
  return {
    pull: (_, signal) => Promise.resolve(images.pull("registry.test/acme/app:1", { signal })),
    save: (_, signal) => drain(images.save("acme/app:1", { signal })),
    load: (_, signal) => Promise.resolve(images.load(slowly(archive), { signal })),
    async "copy out of it"(_, signal) {
      await using source = engineSource(engine, { temporary });
      await copy(source, "acme/app:1", memoryStore(), { signal });
    },
    async "copy into it"(_, signal) {
      await using target = engineTarget(engine);
      await copy(content, "acme/app:1", target, { signal });
      await target.commit({ signal });
    },
  };
}

/** Gives bytes a piece at a time. */
function slowly(bytes: Bytes): ReadableStream<Bytes> {
  return streamFrom((async function* () {
    for (let at = 0; at < bytes.length; at += 16_384) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield bytes.slice(at, at + 16_384);
    }
  })());
}

/** Runs work with a socket of the file system that leads to a port. */
async function onSocket(
  path: string,
  port: number,
  work: (listening: Listening) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    sockets.add(near);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on("error", () => {});
      one.on("close", () => void (sockets.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  try {
    await work({ host: `unix://${path}`, connections: () => sockets.size });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
