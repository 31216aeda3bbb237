/** The engine as a place of copies: whose image of an index it gets, and is read for. */
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { copy, openImage, openIndex, pull } from "../../mod.ts";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { Engine } from "../../lib/engine/mod.ts";
import type { Platform } from "../../lib/model/platform.ts";
import { hostPlatform } from "../../lib/runtime/host_platform.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { temporaryDirectory } from "../../lib/runtime/standard_input.ts";
import { memoryFileSystem, memoryStore, ociLayout, writeOCIArchive } from "../../lib/store/mod.ts";
import { readTar } from "../../lib/tar/mod.ts";
import {
  fakeEngine,
  memoryRegistry,
  type RandomIndex,
  randomIndex,
} from "../../lib/testing/mod.ts";
import { lading } from "./lading_main.ts";

const OWN: Platform = { os: "linux", architecture: "s390x" };
const ARM6: Platform = { os: "linux", architecture: "arm", variant: "v6" };
const PLATFORMS = [hostPlatform(), OWN, { ...ARM6, variant: "v7" }, ARM6];

interface Bench {
  readonly engine: Engine;
  /** The place of an index in a registry. */
  readonly image: string;
  readonly index: RandomIndex;
  readonly options: Parameters<typeof copy>[2];
  /** How many files each archive had that the engine got. */
  readonly files: readonly number[];
}

async function bench(platform: Platform): Promise<Bench> {
  const registry = memoryRegistry();
  const index = await randomIndex("engine place", { platforms: PLATFORMS, format: "docker" });
  await index.pushTo(registry.store, "acme/app:1");
  const fake = fakeEngine({ platform });
  const files: number[] = [];
  const transport = async (request: Request): Promise<Response> => {
    if (!new URL(request.url).pathname.endsWith("/images/load")) return fake.transport(request);
    const archive = new Uint8Array(await request.arrayBuffer());
    let count = 0;
    for await (const { type } of readTar(streamOf(archive))) if (type === "file") count++;
    files.push(count);
    return fake.transport(new Request(request.url, { method: "POST", body: archive }));
  };
  const image = `${registry.host}/acme/app:1`;
  const options = { transport: registry.transport, engine: { transport } };
  return { engine: new Engine({ transport }), image, index, options, files };
}

test("copy() and pull() give an engine the image of an index for its own platform, and no other", async () => {
  for (const [way, platform] of [[copy, OWN], [pull, OWN], [copy, ARM6], [pull, ARM6]] as const) {
    const { engine, image, index, options, files } = await bench(platform);
    const own = index.images[PLATFORMS.indexOf(platform)];
    const { descriptor } = await way(image, "docker-daemon:app:1", options);
    assert.equal(descriptor.digest, own?.descriptor.digest);
    assert.equal((await engine.images.get("app:1")).id, own?.manifest.config.digest);
    const parts = new Set([own?.manifest.config, ...own?.manifest.layers ?? []]).size;
    // And its manifest, and the three documents of an archive.
    assert.deepEqual(files, [parts + 4]);
  }
});

test("a platform that is asked for goes before the engine's own, and all of them may be sent", async () => {
  const { engine, image, index, options, files } = await bench(OWN);
  const { descriptor } = await copy(image, "docker-daemon:app:1", {
    ...options,
    platform: "linux/arm/v7",
  });
  assert.equal(descriptor.digest, index.images[2]?.descriptor.digest);
  assert.equal((await engine.images.get("app:1")).platform.architecture, "arm");
  const all = await copy(image, "docker-daemon:app:2", { ...options, platform: "all" });
  assert.equal(all.descriptor.digest, index.descriptor.digest);
  assert.equal((await engine.images.get("app:2")).platform.architecture, "s390x");
  const [one = 0, every = 0] = files;
  assert.ok(every > one, `${every} files are not more than ${one}`);
});

test("a plan for an engine is that of its own platform", async () => {
  const { image, index, options } = await bench(OWN);
  const { manifests } = await copy.plan(image, "docker-daemon:app:1", options);
  assert.deepEqual(manifests.map(({ descriptor: { digest } }) => digest), [
    index.images[1]?.descriptor.digest,
  ]);
});

/** An engine that keeps an index, and runs on another platform than this machine. */
async function indexKeeper(): Promise<(request: Request) => Promise<Response>> {
  const store = memoryStore();
  const index = await randomIndex("kept", { platforms: PLATFORMS });
  await index.pushTo(store, "app:1");
  const { descriptor } = index;
  const archive = await readAll(
    writeOCIArchive(store, [{ descriptor, reference: "app:1" }]),
    { maxBytes: 16 * 1024 * 1024, what: "the archive" },
  );
  const { digest, mediaType, size } = descriptor;
  const answers: Readonly<Record<string, () => Response>> = {
    "/_ping": () => new Response(null, { headers: { "api-version": "1.48" } }),
    "/v1.48/version": () => Response.json({ Os: "linux", Arch: "s390x" }),
    "/v1.48/images/app:1/json": () =>
      Response.json({ Id: digest, Descriptor: { digest, mediaType, size } }),
    "/v1.48/images/get": () => new Response(archive.slice()),
  };
  return (request) => {
    const answer = answers[new URL(request.url).pathname];
    return Promise.resolve(answer?.() ?? new Response(null, { status: 404 }));
  };
}

test("openImage() reads the engine's own image of an index that an engine keeps", async () => {
  const transport = await indexKeeper();
  const image = await openImage("docker-daemon:app:1", { engine: { transport } });
  assert.equal((await image.config()).architecture, "s390x");
});

test("lading inspect shows the engine's own image of an index that an engine keeps", async () => {
  const server = await serve(await indexKeeper());
  const { DOCKER_HOST: before } = process.env;
  process.env["DOCKER_HOST"] = `tcp://127.0.0.1:${server.port}`;
  try {
    const { code, out, errors } = await lading("inspect", "docker-daemon:app:1", "--json");
    assert.equal(code, 0, errors);
    const { platform, index } = JSON.parse(out);
    assert.equal(platform, "linux/s390x");
    assert.equal(index.platforms.length, PLATFORMS.length);
  } finally {
    if (before === undefined) delete process.env["DOCKER_HOST"];
    else process.env["DOCKER_HOST"] = before;
    await server.close();
  }
});

test("what an engine gave waits in files until the image is closed", async () => {
  const { image, options, index } = await bench(OWN);
  await copy(image, "docker-daemon:app:1", options);
  const fileSystem = memoryFileSystem();
  const directory = temporaryDirectory();
  await fileSystem.makeDirectory(directory);
  const put = async (): Promise<string[]> =>
    (await fileSystem.readDirectory(directory)).map(({ name }) => name);
  const place = "docker-daemon:app:1";
  const opened = await openImage(place, { ...options, fileSystem });
  const own = index.images[PLATFORMS.indexOf(OWN)];
  assert.equal((await opened.config()).architecture, OWN.architecture);
  for (const layer of await opened.layers()) {
    await readAll(await layer.compressed(), { maxBytes: 1e8 });
  }
  assert.equal((await put()).length, 1);
  await opened.close();
  assert.deepEqual(await put(), []);
  {
    await using used = await openImage(place, { ...options, fileSystem });
    assert.equal((await used.layers()).length, own?.manifest.layers.length);
    assert.equal((await put()).length, 1);
  }
  assert.deepEqual(await put(), []);
  const wanted = { ...options, fileSystem, platform: "plan9/mips" };
  await assert.rejects(openIndex(place, wanted), /as an index/);
  assert.deepEqual(await put(), [], "what could not be opened leaves nothing either");
});

test("an image that is named by its ID is copied without a name", async () => {
  const { engine, image, options } = await bench(OWN);
  await copy(image, "docker-daemon:app:1", options);
  const { id } = await engine.images.get("app:1");
  const fileSystem = memoryFileSystem();
  await fileSystem.makeDirectory(temporaryDirectory());
  const { descriptor } = await copy(`docker-daemon:${id}`, "oci:layout", {
    ...options,
    fileSystem,
  });
  assert.notEqual(descriptor.digest, id);
  const layout = ociLayout(fileSystem, "layout");
  assert.equal((await layout.resolve("")).digest, descriptor.digest);
  for await (const { reference } of layout.roots()) assert.equal(reference, undefined);
});
