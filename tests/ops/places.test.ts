import { test } from "node:test";
import assert from "node:assert/strict";
import type { Descriptor, Target } from "../../lib/model/mod.ts";
import { copy, validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryFileSystem, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import {
  memoryRegistry,
  type RandomArtifact,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";
import { get } from "./content.ts";

interface Place {
  readonly name: string;
  readonly target: Target;
  readonly reference: string;
}

/** One place of each kind, in the order the content goes through. */
function places(): Place[] {
  const registry = (name: string): Place => {
    const { transport } = memoryRegistry({ host: `${name}.test` });
    const repository = new Registry(`${name}.test`, { transport }).repository("demo/app");
    return { name, target: repository, reference: "1" };
  };
  return [
    { name: "memory", target: memoryStore(), reference: "demo/app:1" },
    registry("first"),
    { name: "layout", target: ociLayout(memoryFileSystem(), "layout"), reference: "copy" },
    registry("second"),
    { name: "memory again", target: memoryStore(), reference: "back:1" },
  ];
}

async function assertSame(artifact: RandomArtifact, target: Target): Promise<void> {
  for (const { descriptor, bytes } of artifact.contents) {
    assert.deepEqual(await get(target, descriptor), bytes, descriptor.mediaType);
  }
}

async function artifacts(): Promise<[string, RandomArtifact, Descriptor][]> {
  const samples: [string, RandomArtifact][] = [
    ["an image", await randomImage("one", { layers: 3 })],
    ["a docker image", await randomImage("two", { format: "docker" })],
    ["an image without layers", await randomImage("three", { layers: 0 })],
    ["plain layers", await randomImage("four", { compression: "none" })],
    ["an index", await randomIndex("five")],
    ["a docker list", await randomIndex("six", { format: "docker" })],
    ["an artifact", await randomImage("seven", { artifactType: "application/vnd.example" })],
  ];
  return samples.map(([name, artifact]) => [name, artifact, artifact.descriptor]);
}

test("copy() through memory, registries and a layout is digest-identical, and the second time moves nothing", async () => {
  for (const [what, artifact, descriptor] of await artifacts()) {
    const [start, ...stops] = places();
    if (start === undefined) continue;
    await artifact.pushTo(start.target, start.reference);
    let from = start;
    for (const to of stops) {
      const where = `${what}: ${from.name} to ${to.name}`;
      const options = { targetReference: to.reference };
      const result = await copy(from.target, from.reference, to.target, options);
      assert.equal(result.descriptor.digest, descriptor.digest, where);
      assert.equal((await to.target.resolve(to.reference)).digest, descriptor.digest, where);
      const again = await copy(from.target, from.reference, to.target, options);
      assert.equal(again.bytesFetched, 0, where);
      assert.equal(again.bytesSkipped, result.bytesFetched, where);
      from = to;
    }
    await assertSame(artifact, from.target);
    assert.deepEqual((await validate(from.target, from.reference)).problems, [], what);
  }
});

test("copy() from a registry in which one layer was replaced is refused, and the target stays empty", async () => {
  const image = await randomImage("seed", { layers: 3, maxFileBytes: 50_000 });
  const victim = image.layers[1]?.descriptor.digest ?? "";
  const inner = memoryRegistry();
  await image.pushTo(inner.store, "demo/app:1");
  let replaced = 0;
  const transport = async (request: Request): Promise<Response> => {
    const response = await inner.transport(request);
    if (request.method !== "GET" || !request.url.endsWith(victim)) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    replaced++;
    return new Response(bytes, { status: response.status, headers: response.headers });
  };
  const from = new Registry("registry.test", { transport }).repository("demo/app");
  const to = memoryStore();
  await assert.rejects(Promise.resolve(copy(from, "1", to)), { code: "DIGEST_MISMATCH" });
  assert.ok(replaced > 0);
  for await (const root of to.roots()) assert.fail(`${root.descriptor.digest} is a root`);
});

test("copies of images that share layers, all at once into one registry, send each blob once", async () => {
  const store = memoryStore();
  const image = await randomImage("base", { layers: 3 });
  for (let i = 0; i < 8; i++) {
    await (await randomImage("base", { layers: 3, annotations: { n: `${i}` } }))
      .pushTo(store, `app:${i}`);
  }
  const { transport } = memoryRegistry();
  let uploads = 0;
  const counting = async (request: Request): Promise<Response> => {
    if (request.method === "POST") uploads++;
    return await transport(request);
  };
  const to = new Registry("registry.test", { transport: counting }).repository("demo/app");
  const numbers = Array.from({ length: 8 }, (_, i) => i);
  await Promise.all(
    numbers.map((i) => copy(store, `app:${i}`, to, { targetReference: `${i}` })),
  );
  assert.equal(uploads, image.layers.length + 1);
  for (const i of numbers) {
    assert.deepEqual((await validate(to, `${i}`, { fast: true })).problems, []);
  }
});
