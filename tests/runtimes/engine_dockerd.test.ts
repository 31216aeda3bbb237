// A real Docker engine, over its socket and over a port: the same suite for both.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { type EngineEvent, engineSource, engineTarget } from "../../lib/runtime/engine.ts";
import { Engine } from "../../lib/runtime/engine.ts";
import { copy } from "../../lib/ops/copy.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";

const skip = noDockerEngine("docker-registry");

/** A tree with some files, one of them large. */
function tree(): ReadableStream<Bytes> {
  return writeTar([
    { path: "bin", type: "directory" },
    { path: "bin/größe", body: new TextEncoder().encode("hello") },
    { path: "large", body: new Uint8Array(300_000).fill(7) },
  ]);
}

async function failure(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  return await work.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error as Record<string, unknown>,
  );
}

async function bytesOf(stream: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

interface Bench {
  readonly engine: Engine;
  /** The host of a registry beside it. */
  readonly registry: string;
  readonly folder: string;
}

/** What one host after the other is tried with. */
async function withEngines(work: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lading-e-"));
  try {
    await withDockerRegistry(
      folder,
      (registry) =>
        withDockerEngine(join(folder, "engine"), async ({ hosts }) => {
          for (const host of hosts) {
            await using engine = await Engine.connect({ host, environment: {} });
            await work({ engine, registry, folder });
            for (const { id } of await engine.images.list()) {
              await engine.images.remove(id, { force: true });
            }
          }
        }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function imports({ engine, folder }: Bench): Promise<void> {
  const changes = ['CMD ["/bin/größe"]', "ENV A=ü", "LABEL a=b"];
  const operation = engine.images.import(tree(), {
    name: "base:1",
    changes,
    message: "größe",
  });
  const image = await operation;
  assert.deepEqual(image.tags, ["base:1"]);
  assert.deepEqual(image.labels, { a: "b" });
  const { architecture } = await engine.version();
  assert.deepEqual(image.platform, { os: "linux", architecture });
  assert.match(image.id, /^sha256:[0-9a-f]{64}$/);
  assert.ok(image.size > 300_000);
  assert.ok(Math.abs(Date.now() - (image.created?.getTime() ?? 0)) < 600_000);
  const [step] = await image.history();
  assert.equal(step?.comment, "größe");
  assert.equal(step?.id, image.id);
  const bytes = await bytesOf(tree());
  assert.ok((await engine.images.import(bytes)).id.startsWith("sha256:"));
  writeFileSync(join(folder, "tree.tar"), bytes);
  const file = { file: join(folder, "tree.tar") };
  assert.deepEqual((await engine.images.import(file, { name: "base:2" })).tags, ["base:2"]);
  await engine.images.remove("base:2");
  // Those without a name are left.
  const { deleted } = await engine.images.prune();
  assert.ok(deleted.length > 0);
  const broken = await failure(engine.images.import(bytes.slice(0, 1000)));
  assert.equal(broken["code"], "LOAD_FAILED");
  assert.match(String(broken["message"]), /unexpected EOF/);
  const change = await failure(engine.images.import(bytes, { changes: ["RUN x"] }));
  assert.match(String(change["message"]), /run is not a valid change command/);
}

async function names({ engine }: Bench): Promise<void> {
  const { images } = engine;
  const base = await images.get("base:1");
  assert.equal(await base.tag("other"), "other:latest");
  assert.equal(await images.tag("base:1", "x:two", { tag: "three" }), "x:three");
  assert.deepEqual(base.tags, ["base:1"]);
  await base.reload();
  assert.deepEqual([...base.tags].sort(), ["base:1", "other:latest", "x:three"]);
  for (const name of [base.id, base.id.slice(7, 19), base.shortID, "docker.io/library/base:1"]) {
    assert.equal((await images.get(name)).id, base.id, name);
  }
  const listed = async (options: Parameters<typeof images.list>[0]) =>
    (await images.list(options)).flatMap(({ tags }) => tags).sort();
  assert.deepEqual(await listed({}), ["base:1", "other:latest", "x:three"]);
  assert.deepEqual(await listed({ name: "other" }), ["other:latest"]);
  assert.deepEqual(await listed({ filters: { reference: ["other", "x:*"] } }), [
    "other:latest",
    "x:three",
  ]);
  assert.equal((await listed({ filters: { label: "a=b" } })).length, 3);
  assert.equal((await listed({ filters: { label: ["a=c"] } })).length, 0);
  assert.equal((await listed({ filters: { dangling: true } })).length, 0);
  const conflict = await failure(base.remove());
  assert.equal(conflict["code"], "ENGINE_CONFLICT");
  assert.deepEqual(await images.remove("other"), { untagged: ["other:latest"], deleted: [] });
  assert.deepEqual((await images.remove("x:three")).untagged, ["x:three"]);
  const missing = await failure(images.remove("other"));
  assert.equal(missing["code"], "IMAGE_NOT_FOUND");
  const gone = [
    () => images.get("nosuch"),
    () => images.history("nosuch"),
    () => images.tag("nosuch", "a"),
  ];
  for (const ask of gone) assert.equal((await failure(ask()))["code"], "IMAGE_NOT_FOUND");
  assert.equal((await failure(images.list({ filters: { bogus: "x" } })))["status"], 400);
}

async function registries({ engine, registry }: Bench): Promise<void> {
  const { images } = engine;
  const name = `${registry}/acme/app`;
  await images.tag("base:1", `${name}:1`);
  await images.tag("base:1", `${name}:2`);
  const push = images.push(`${name}:1`);
  const events: EngineEvent[] = [];
  for await (const event of push) events.push(event);
  const { digest, reference, tags } = await push;
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.equal(reference, `${name}@${digest}`);
  assert.deepEqual(tags.map(({ tag }) => tag), ["1"]);
  assert.ok(events.some(({ type }) => type === "layer"));
  const all = await images.push(name, { allTags: true });
  assert.deepEqual(all.tags.map(({ tag }) => tag).sort(), ["1", "2"]);
  const unknown = await failure(images.push(`${name}:zz`));
  assert.equal(unknown["code"], "PUSH_FAILED");
  assert.equal(unknown["reason"], "not-found");

  const data = await images.distribution(`${name}:1`);
  assert.equal(data.id, digest);
  const { architecture } = await engine.version();
  assert.deepEqual(data.platforms, [{ os: "linux", architecture }]);
  assert.equal(await data.hasPlatform("linux"), true);
  assert.equal(await data.hasPlatform("s390x"), false);
  const nothing = await failure(images.distribution(`${name}:zz`));
  assert.equal(nothing["code"], "IMAGE_NOT_FOUND");

  for (const tag of ["1", "2"]) await images.remove(`${name}:${tag}`);
  const pulled = await images.pull(`${name}:1`);
  assert.ok(pulled.tags.includes(`${name}:1`));
  assert.ok(pulled.digests.includes(`${name}@${digest}`));
  assert.equal((await images.pull(`${name}@${digest}`)).id, pulled.id);
  assert.equal((await data.pull()).id, pulled.id);
  assert.equal((await images.pullAll(name))[0]?.id, pulled.id);
  assert.ok((await images.list({ name })).flatMap((image) => image.tags).includes(`${name}:2`));
  const absent = await failure(images.pull(`${name}:zz`));
  assert.equal(absent["code"], "PULL_FAILED");
  assert.equal(absent["reason"], "not-found");
  assert.throws(() => images.pull(`${name}:1`, { platform: "foobar" }), {
    code: "INVALID_PLATFORM",
  });
  const down = await failure(images.pull("127.0.0.1:1/acme/app"));
  assert.match(String(down["message"]), /connection refused/);
  const login = { registry, username: "u", password: "p" };
  assert.equal((await engine.login(login)).status, "Login Succeeded");
  for (const tag of ["1", "2"]) await images.remove(`${name}:${tag}`);
}

async function archives({ engine, folder }: Bench): Promise<void> {
  const { images } = engine;
  const base = await images.get("base:1");
  const named = await bytesOf(images.save("base:1"));
  const bare = await bytesOf(base.save());
  await base.remove({ force: true });
  const load = images.load(named);
  const events: EngineEvent[] = [];
  for await (const event of load) events.push(event);
  assert.deepEqual((await load).names, ["base:1"]);
  assert.equal((await load).images[0]?.id, base.id);
  assert.ok(events.some((event) => event.type === "layer" && (event.total ?? 0) > 0));
  await base.remove({ force: true });
  const unnamed = await images.load(bare, { quiet: true });
  assert.deepEqual(unnamed.names, [base.id]);
  assert.deepEqual(unnamed.images[0]?.tags, []);
  await images.tag(base.id, "base:1");
  await images.tag(base.id, "second:1");
  writeFileSync(join(folder, "two.tar"), await bytesOf(images.save(["base:1", "second:1"])));
  await base.remove({ force: true });
  const { names } = await images.load({ file: join(folder, "two.tar") });
  assert.deepEqual([...names].sort(), ["base:1", "second:1"]);
  await images.remove("second:1");
  const gzip = new Blob([named]).stream().pipeThrough(new CompressionStream("gzip"));
  assert.deepEqual((await images.load(gzip as ReadableStream<Bytes>)).names, ["base:1"]);
  const bad = ["", "notatar", named.slice(0, 100_000)];
  for (const body of bad) {
    const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
    assert.equal((await failure(images.load(content)))["code"], "LOAD_FAILED");
  }
  const broken = new Error("the disk broke");
  const source = streamFrom((async function* () {
    yield named.slice(0, 50_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw broken;
  })());
  assert.equal(await failure(images.load(source)), broken as unknown);
  const missing = images.save("nosuch").getReader();
  assert.equal((await failure(missing.read()))["code"], "IMAGE_NOT_FOUND");
  const reader = images.save("base:1").getReader();
  await reader.read();
  await reader.cancel();
}

async function copies({ engine, registry }: Bench): Promise<void> {
  const store = memoryStore();
  {
    await using source = engineSource(engine);
    const { reference, descriptor } = await copy(source, "base:1", store);
    assert.equal(reference, "base:1");
    assert.equal((await store.resolve("base:1")).digest, descriptor.digest);
    assert.equal((await failure(source.resolve("nosuch")))["code"], "NOT_FOUND");
  }
  const base = await engine.images.get("base:1");
  const repository = new Registry(registry).repository("acme/copied");
  {
    await using source = engineSource(engine);
    const { descriptor } = await copy(source, "base:1", repository, {
      targetReference: "1",
    });
    assert.equal((await repository.resolve("1")).digest, descriptor.digest);
  }
  await base.remove({ force: true });
  {
    await using target = engineTarget(engine);
    await copy(repository, "1", target, { targetReference: "far:1" });
    const far = (await target.commit())?.images[0];
    assert.deepEqual([far?.id, far?.tags], [base.id, ["far:1"]]);
    await far?.remove({ force: true });
  }
  {
    await using target = engineTarget(engine);
    await copy(store, "base:1", target, { targetReference: "back:1" });
    assert.equal((await failure(engine.images.get("back:1")))["code"], "IMAGE_NOT_FOUND");
    const result = await target.commit();
    assert.deepEqual(result?.names, ["back:1"]);
    // The config is the same, and so is the ID.
    assert.equal(result?.images[0]?.id, base.id);
  }
  await engine.images.tag("back:1", "base:1");
  const index = await randomIndex("engine");
  await index.pushTo(store, "many:1");
  {
    await using target = engineTarget(engine);
    await copy(store, "many:1", target);
    const many = (await target.commit())?.images[0];
    assert.equal(many?.platform.architecture, (await engine.version()).architecture);
    await many?.remove({ force: true });
  }
  const image = await randomImage("given up");
  await image.pushTo(store, "up:1");
  {
    await using target = engineTarget(engine);
    await copy(store, "up:1", target);
  }
  assert.equal((await failure(engine.images.get("up:1")))["code"], "IMAGE_NOT_FOUND");
}

async function others({ engine }: Bench): Promise<void> {
  const { server, apiVersion, os } = await engine.ping();
  assert.match(server, /^Docker\//);
  assert.equal(os, "linux");
  assert.equal(await engine.apiVersion(), apiVersion);
  assert.equal((await engine.version()).apiVersion, apiVersion);
  assert.ok(Number((await engine.info())["Images"]) > 0);
  const containers = await (await engine.request({ path: "/containers/json" })).json();
  assert.deepEqual(containers, []);
  assert.equal((await failure(engine.request({ path: "/nosuch" })))["status"], 404);
  assert.deepEqual((await engine.images.pruneBuilds()).deleted, []);
  const search = await failure(engine.images.search("127.0.0.1:1/x"));
  assert.equal(search["code"], "ENGINE_ERROR");
  const name = engine.name;
  for (const apiVersion of ["1.99", "1.11"]) {
    await using other = await Engine.connect({ host: name, environment: {}, apiVersion });
    assert.equal((await failure(other.images.list()))["code"], "API_VERSION");
  }
}

test("a real engine does all that can be done with images, over its socket and a port", {
  skip,
}, async () => {
  await withEngines(async (bench) => {
    for (const part of [imports, names, registries, archives, copies, others]) await part(bench);
  });
});

test("Engine.connect() says where it found nobody", async () => {
  const host = `unix://${join(tmpdir(), "lading-no-engine.sock")}`;
  const error = await failure(Engine.connect({ host, environment: {} }));
  assert.equal(error["code"], "ENGINE_ERROR");
  assert.equal(error["reason"], "unreachable");
  assert.match(String(error["message"]), /lading-no-engine\.sock.*is it running/);
});
