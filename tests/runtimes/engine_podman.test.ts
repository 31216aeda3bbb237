// podman's service that speaks the Engine API: the part of it that it has.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import process from "node:process";
import { copy } from "../../lib/ops/copy.ts";
import { BuildError, Engine, engineSource, engineTarget } from "../../lib/runtime/engine.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { freePort, withDockerRegistry } from "../support/docker_registry.ts";
import { beside, component, inScratch, missing } from "../support/program.ts";

const skip = missing("podman", "docker-registry") ||
  (process.getuid?.() === 0 ? false : "needs root to start podman");

/** Runs `work` beside podman's service, over a socket and over a port. */
async function withPodman(
  folder: string,
  registry: string,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const registries = join(folder, "registries.conf");
  writeFileSync(registries, `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`);
  const tcp = `tcp://127.0.0.1:${await freePort()}`;
  for (const host of [`unix://${join(folder, "podman.sock")}`, tcp]) {
    const stores = ["--root", join(folder, "root"), "--runroot", join(folder, "run")];
    const listen = ["system", "service", "--time=0", host.replace("tcp://", "tcp:")];
    const child = spawn(
      component("podman") ?? "podman",
      [...stores, "--storage-driver=vfs", ...listen],
      { stdio: "ignore", env: { ...process.env, CONTAINERS_REGISTRIES_CONF: registries } },
    );
    await beside(child, async () => {
      for (let tries = 0;; tries++) {
        try {
          await using engine = await Engine.connect({ host, environment: {} });
          await work(engine);
          return;
        } catch (error) {
          const isThere = (error as { readonly reason?: unknown }).reason !== "unreachable";
          if (isThere || tries === 600) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    });
  }
}

async function failure(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  return await work.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error as Record<string, unknown>,
  );
}

async function useIt(engine: Engine, registry: string): Promise<void> {
  const { images } = engine;
  assert.match((await engine.ping()).server, /^Libpod/);
  const tree = writeTar([{ path: "a", body: new Uint8Array(50_000).fill(7) }]);
  const changes = ["CMD a", "LABEL a=b"];
  const base = await images.import(tree, { name: "base:1", changes, message: "hello" });
  assert.deepEqual(base.tags, ["docker.io/library/base:1"]);
  assert.deepEqual(base.labels, { a: "b" });
  assert.equal((await images.history("base:1"))[0]?.comment, "hello");
  assert.equal((await images.list({ filters: { label: "a=b" } })).length, 1);

  const name = `${registry}/acme/app`;
  await images.tag("base:1", `${name}:1`);
  const { digest, tags } = await images.push(`${name}:1`);
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(tags.map(({ tag }) => tag), ["1"]);
  assert.deepEqual((await images.search(`${registry}/acme`)).map((found) => found.name), [name]);
  const several = await failure(images.remove(base.id));
  assert.equal(several["code"], "ENGINE_CONFLICT");
  for (const work of [images.pullAll(name), images.push(name, { allTags: true })]) {
    assert.match(String((await failure(work))["message"]), /podman takes one tag at a time/);
  }
  assert.deepEqual((await images.remove(`${name}:1`)).untagged, [`${name}:1`]);
  assert.ok((await images.pull(`${name}:1`)).tags.includes(`${name}:1`));
  assert.ok((await images.pull(`${name}@${digest}`)).size > 0);
  const absent = await failure(images.pull(`${name}:zz`));
  assert.equal(absent["code"], "PULL_FAILED");
  assert.equal(absent["reason"], "not-found");

  const saved = new Uint8Array(await new Response(images.save("base:1")).arrayBuffer());
  await images.remove(base.id, { force: true });
  for (const work of [() => images.get("base:1"), () => images.remove("base:1")]) {
    assert.equal((await failure(work()))["code"], "IMAGE_NOT_FOUND");
  }
  const reader = images.save("base:1").getReader();
  assert.equal((await failure(reader.read()))["code"], "IMAGE_NOT_FOUND");
  assert.deepEqual((await images.load(saved)).names, ["docker.io/library/base:1"]);
  assert.equal((await failure(images.load(saved.slice(0, 9000))))["code"], "LOAD_FAILED");

  const store = memoryStore();
  {
    await using source = engineSource(engine);
    await copy(source, "base:1", store);
  }
  await (await randomImage("podman")).pushTo(store, "random:1");
  {
    await using target = engineTarget(engine);
    await copy(store, "random:1", target);
    assert.deepEqual((await target.commit())?.names, ["docker.io/library/random:1"]);
  }
  // What podman does not have is no missing image.
  for (const work of [() => images.distribution("base:1"), () => images.pruneBuilds()]) {
    assert.equal((await failure(work()))["code"], "ENGINE_ERROR");
  }
  assert.equal((await images.prune({ filters: { dangling: true } })).deleted.length, 0);
  for (const { id } of await images.list()) await images.remove(id, { force: true });
}

async function buildOn({ images }: Engine): Promise<void> {
  const context = {
    entries: [{ path: "Dockerfile", body: "FROM scratch\nCOPY a /\n" }, { path: "a", body: "a" }],
  };
  const build = images.build(context, {
    tags: ["site:1", "site:2"],
    labels: { c: "d" },
    buildArgs: { A: "1" },
  });
  let log = "";
  for await (const event of build) if (event.type === "log") log += event.text;
  const image = await build;
  assert.match(image.id, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(image.tags.map((tag) => tag.split("/").at(-1)).sort(), ["site:1", "site:2"]);
  assert.equal(image.labels["c"], "d");
  assert.match(log, /COPY a/);
  assert.match((await images.build(context, { quiet: true })).id, /[0-9a-f]{64}$/);
  const broken = await failure(images.build({ dockerfile: "FROM scratch\nCOPY none /\n" }));
  assert.ok(broken instanceof BuildError, String(broken));
  assert.match(broken.message, /none/);
  for (const { id } of await images.list()) await images.remove(id, { force: true });
}

test("podman's service does what it has of the Engine API, over a socket and a port", {
  skip,
}, async () => {
  await inScratch((folder) =>
    withDockerRegistry(
      folder,
      (registry) =>
        withPodman(folder, registry, async (engine) => {
          await useIt(engine, registry);
          await buildOn(engine);
        }),
    )
  );
});
