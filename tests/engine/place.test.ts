import { test } from "node:test";
import assert from "node:assert/strict";
import { copy } from "../../lib/ops/copy.ts";
import { engineSource } from "../../lib/ops/engine_source.ts";
import { engineTarget } from "../../lib/ops/engine_target.ts";
import { Engine, type EngineOptions } from "../../lib/engine/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { dockerArchive, memoryStore, ociArchive, writeOCIArchive } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { bytesOf, failure, inspected, json, messages, scripted } from "./scripted.ts";

/** An engine that saves one archive, whatever is asked for. */
function saving(archive: Bytes, fields: Record<string, unknown> = {}) {
  return scripted(({ path }) => {
    if (path === "/images/get") return new Response(archive.slice());
    if (path.includes("nosuch")) {
      return json({ message: "No such image: nosuch" }, { status: 404 });
    }
    return json(inspected(fields));
  });
}

/** An engine that keeps the archives that it loads. */
function loading(says = "Loaded image: app:1\n", options: Partial<EngineOptions> = {}) {
  const archives: Bytes[] = [];
  const engine = new Engine({
    apiVersion: "1.41",
    ...options,
    async transport(request) {
      const { pathname } = new URL(request.url);
      if (pathname.endsWith("/version")) return json({ Os: "linux", Arch: "amd64" });
      if (!pathname.endsWith("/load")) return json(inspected());
      archives.push(await bytesOf(request.body as ByteStream));
      return messages({ stream: says });
    },
  });
  return { engine, archives };
}

test("engineSource() reads the image of an archive that Docker 20.10 saved, proved", async () => {
  const { engine, sent } = saving(
    new Uint8Array(await corpusBytes("made-by-dockerd/docker-20.10-save-one.tar")),
  );
  await using source = engineSource(engine);
  const store = memoryStore();
  const { descriptor, blobs } = await copy(source, "app:1", store);
  assert.equal(descriptor.mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  assert.ok(blobs > 0);
  assert.equal((await store.resolve("app:1")).digest, descriptor.digest);
  // It is asked for by its ID, so that it stays the same image.
  assert.deepEqual(sent.map(({ path }) => path), ["/images/app:1/json", "/images/get"]);
  assert.deepEqual(sent[1]?.query, [["names", `sha256:${"5f".repeat(32)}`]]);
});

test("engineSource() keeps the digests of engines that keep manifests", async () => {
  const store = memoryStore();
  const image = await randomImage("kept");
  await image.pushTo(store, "app:1");
  const archive = await bytesOf(
    writeOCIArchive(store, [{ descriptor: image.descriptor, reference: "app:1" }]),
  );
  const { digest, mediaType, size } = image.descriptor;
  const { engine } = saving(archive, { Descriptor: { digest, mediaType, size } });
  await using source = engineSource(engine);
  const target = memoryStore();
  assert.equal((await copy(source, "app:1", target)).descriptor.digest, digest);
});

test("engineSource() has not found what the engine does not have", async () => {
  const { engine } = saving(new Uint8Array(1024));
  await using source = engineSource(engine);
  const error = await failure(source.resolve("nosuch"));
  assert.equal(error["code"], "NOT_FOUND");
  assert.match(String(error["message"]), /No such image: nosuch/);
  assert.equal((await failure(source.resolve("../x")))["code"], "INVALID_REFERENCE");
  const descriptor = { mediaType: "a/b", digest: digestBytes("sha256", new Uint8Array()), size: 0 };
  assert.equal(await source.exists(descriptor), false);
  assert.equal((await failure(source.fetch(descriptor)))["code"], "NOT_FOUND");
});

test("engineSource() fails when the archive breaks off", async () => {
  const archive = new Uint8Array(await corpusBytes("made-by-dockerd/docker-20.10-save-one.tar"));
  const { engine } = saving(archive.slice(0, 3000));
  await using source = engineSource(engine);
  await failure(copy(source, "app:1", memoryStore()));
});

test("engineTarget() sends an archive that Docker loads, and podman and containerd too", async () => {
  const store = memoryStore();
  const image = await randomImage("sent", { layers: 3 });
  await image.pushTo(store, "app:1");
  const { engine, archives } = loading();
  await using target = engineTarget(engine);
  await copy(store, "app:1", target, { targetReference: "site" });
  assert.equal(archives.length, 0);
  const result = await target.commit();
  assert.deepEqual(result?.names, ["app:1"]);
  const [archive] = archives;
  assert.ok(archive !== undefined);
  await using docker = dockerArchive(archive);
  const { descriptor } = await randomImage("sent", { layers: 3 });
  const presented = await docker.resolve("docker.io/library/site:latest");
  assert.ok(presented.size > 0);
  // As an OCI layout the manifest is the very same.
  await using oci = ociArchive(archive);
  assert.equal((await oci.resolve("")).digest, descriptor.digest);
  const back = memoryStore();
  assert.equal((await copy(oci, "", back)).descriptor.digest, descriptor.digest);
});

test("engineTarget() lets the engine have its own image of an index", async () => {
  const store = memoryStore();
  const index = await randomIndex("many");
  await index.pushTo(store, "many:1");
  const { engine, archives } = loading();
  await using target = engineTarget(engine);
  await copy(store, "many:1", target);
  await target.commit();
  await using docker = dockerArchive(archives[0] as Bytes);
  assert.ok(await docker.resolve("many:1"));
  const { engine: other } = loading();
  await using strange = engineTarget(other, { platform: { os: "plan9", architecture: "mips" } });
  const error = await failure(copy(store, "many:1", strange));
  assert.equal(error["code"], "PLATFORM_NOT_FOUND");
});

test("engineTarget() takes the only image of an index whose platform nobody names", async () => {
  const store = memoryStore();
  const indexOf = async (name: string, manifests: readonly Descriptor[]) => {
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const raw = new TextEncoder().encode(
      JSON.stringify({ schemaVersion: 2, mediaType, manifests }),
    );
    const digest = digestBytes("sha256", raw);
    const index = { mediaType, digest, size: raw.length };
    await store.push(index, raw);
    await store.tag(index, name);
  };
  const [one, other] = [await randomImage("one"), await randomImage("other")];
  await one.pushTo(store, "one:1");
  await other.pushTo(store, "other:1");
  const unnamed = ({ descriptor: { mediaType, digest, size } }: typeof one) => ({
    mediaType,
    digest,
    size,
  });
  await indexOf("only:1", [unnamed(one)]);
  const { engine, archives } = loading();
  await using target = engineTarget(engine);
  await copy(store, "only:1", target);
  await target.commit();
  await using docker = dockerArchive(archives[0] as Bytes);
  assert.ok(await docker.resolve("only:1"));
  // Of several it is not known which one would run, and one for other machines does not.
  await indexOf("several:1", [unnamed(one), unnamed(other)]);
  const platform = { os: "plan9", architecture: "mips" };
  await indexOf("elsewhere:1", [{ ...unnamed(one), platform }]);
  for (const name of ["several:1", "elsewhere:1"]) {
    await using refusing = engineTarget(loading().engine);
    const error = await failure(copy(store, name, refusing));
    assert.equal(error["code"], "PLATFORM_NOT_FOUND");
  }
});

test("engineTarget() sends nothing whole when it is given up or a piece is wrong", async () => {
  const store = memoryStore();
  await (await randomImage("sent")).pushTo(store, "app:1");
  const { engine, archives } = loading();
  {
    await using target = engineTarget(engine);
    await copy(store, "app:1", target);
  }
  assert.equal(archives.length, 0);
  const target = engineTarget(engine);
  const wrong = new Uint8Array(10);
  const expected = { mediaType: "a/b", digest: `sha256:${"0".repeat(64)}`, size: 10 };
  const first = await failure(target.push(expected, wrong));
  assert.equal(first["code"], "DIGEST_MISMATCH");
  // The archive is spoilt: nothing more goes into it.
  const good = { ...expected, digest: digestBytes("sha256", wrong) };
  assert.equal((await failure(target.push(good, wrong)))["code"], "DIGEST_MISMATCH");
  assert.equal((await failure(target.commit()))["code"], "DIGEST_MISMATCH");
  await target.abort();
  assert.equal(archives.length, 0);
});

test("engineTarget() refuses what no engine can run, and what is not there", async () => {
  const { engine } = loading();
  const target = engineTarget(engine);
  const config = new TextEncoder().encode("{}");
  const part = (bytes: Bytes, mediaType: string) => ({
    mediaType,
    digest: digestBytes("sha256", bytes),
    size: bytes.length,
  });
  const artifact = new TextEncoder().encode(JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: part(config, "application/vnd.oci.empty.v1+json"),
    layers: [],
  }));
  const descriptor = part(artifact, "application/vnd.oci.image.manifest.v1+json");
  assert.equal((await failure(target.tag(descriptor, "a:1")))["code"], "NOT_FOUND");
  await target.push(descriptor, artifact);
  assert.equal((await failure(target.tag(descriptor, "a:1")))["code"], "UNSUPPORTED_MEDIA_TYPE");
  const runs = new TextEncoder().encode(JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: part(config, "application/vnd.oci.image.config.v1+json"),
    layers: [],
  }));
  const image = part(runs, "application/vnd.oci.image.manifest.v1+json");
  await target.push(image, runs);
  const absent = await failure(target.tag(image, "a:1"));
  assert.equal(absent["code"], "NOT_FOUND");
  assert.match(String(absent["message"]), /was not pushed/);
  await target.abort();
});

test("engineTarget() fails with the engine's words, also before all is sent", async () => {
  const store = memoryStore();
  await (await randomImage("refused", { layers: 4 })).pushTo(store, "app:1");
  const engine = new Engine({
    apiVersion: "1.41",
    transport: (request) => {
      const isVersion = new URL(request.url).pathname.endsWith("/version");
      return Promise.resolve(
        isVersion
          ? json({ Os: "linux", Arch: "amd64" })
          : json({ message: "no space left" }, { status: 500 }),
      );
    },
  });
  await using target = engineTarget(engine);
  const error = await failure((async () => {
    await copy(store, "app:1", target);
    await target.commit();
  })());
  assert.equal(error["code"], "LOAD_FAILED");
  assert.match(String(error["message"]), /no space left/);
});

test("engineTarget() with nothing tagged asks for nothing", async () => {
  const { engine, archives } = loading();
  await using target = engineTarget(engine);
  assert.equal(await target.commit(), undefined);
  assert.deepEqual(archives, []);
});
