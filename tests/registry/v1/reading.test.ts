import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../../lib/bytes/mod.ts";
import type { ByteStream } from "../../../lib/model/bytes.ts";
import { RegistryV1, type RepositoryV1 } from "../../../lib/registry/v1/mod.ts";
import { ID, putSample } from "./v1_sample.ts";
import { V1Server, type V1ServerOptions } from "./v1_server.ts";

const NAME = "acme/app";

function open(server: V1Server): RepositoryV1 {
  return registryOf(server).repository(NAME);
}

function registryOf({ host, transport }: V1Server): RegistryV1 {
  return new RegistryV1(host, { transport, retry: { retries: 1, baseMs: 0 } });
}

async function bytesOf(stream: Promise<ByteStream>): Promise<Uint8Array> {
  return await readAll(await stream, { maxBytes: 1e8 });
}

test("ping() says what the registry is, and that there is none", async () => {
  const server = new V1Server({ isStandalone: true });
  assert.deepEqual(await registryOf(server).ping(), { version: "0.9.1", isStandalone: true });
  const none = new V1Server({ intercept: () => new Response("page not found", { status: 404 }) });
  await assert.rejects(registryOf(none).ping(), { code: "NOT_FOUND" });
});

test("an answer that breaks off is asked for again, and one that always does is a RegistryError", async () => {
  for (const always of [false, true]) {
    let breaks = 0;
    const intercept = (_: Request, { pathname }: URL): Response | undefined => {
      if (!/\/(?:search|images|tags)$/.test(pathname) || !always && breaks > 0) return undefined;
      breaks++;
      let isBegun = false;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull(controller) {
          if (isBegun) controller.error(new TypeError("connection reset"));
          else controller.enqueue(new Uint8Array([0x5b]));
          isBegun = true;
        },
      });
      return new Response(body);
    };
    const works: ((server: V1Server) => Promise<unknown>)[] = [
      async (server) => {
        for await (const { name } of registryOf(server).search("app")) assert.equal(name, NAME);
      },
      (server) => open(server).images(),
      (server) => open(server).tags(),
    ];
    for (const work of works) {
      breaks = 0;
      const server = new V1Server({ intercept });
      await putSample(server, NAME, "1");
      if (always) await assert.rejects(work(server), { name: "RegistryError" });
      else await work(server);
      assert.equal(breaks, always ? 2 : 1);
    }
  }
});

test("tags are read from servers of every age", async () => {
  const variants: V1ServerOptions[] = [{}, { hasOldTags: true }, { isUnquoted: true }];
  for (const options of variants) {
    const server = new V1Server(options);
    const { id } = await putSample(server, NAME, "1");
    server.tag(NAME, "2", ID(1));
    const repository = open(server);
    const shown = JSON.stringify(options);
    assert.deepEqual([...await repository.tags()], [["1", id], ["2", ID(1)]], shown);
    assert.equal(await repository.resolve("1"), id, shown);
    assert.equal(await repository.resolve(id), id, shown);
    await assert.rejects(repository.resolve("3"), { code: "NOT_FOUND" }, shown);
  }
});

test("a registry of version 1 without an index is asked for the images all the same", async () => {
  const server = new V1Server({ isStandalone: true });
  const { id } = await putSample(server, NAME, "1");
  const repository = open(server);
  assert.equal(await repository.resolve("1"), id);
  assert.equal(server.requests[0]?.path, "/v1/repositories/acme/app/images");
  assert.equal(server.requests[0]?.status, 404);
  assert.deepEqual(await repository.images(), []);
});

test("images() lists what the index knows", async () => {
  const server = new V1Server();
  await putSample(server, NAME, "1");
  server.lists.set(NAME, [{ id: ID(1), checksum: "sha256:x" }, { id: ID(3), Tag: "1" }, {
    id: "../x",
  }]);
  assert.deepEqual(await open(server).images(), [
    { id: ID(1), checksum: "sha256:x" },
    { id: ID(3), tag: "1" },
  ]);
});

test("ancestry and documents are read, the newest image first", async () => {
  const server = new V1Server();
  const { id, layers } = await putSample(server, NAME, "1");
  const repository = open(server);
  assert.deepEqual(await repository.ancestry(id), [ID(3), ID(2), ID(1)]);
  const image = await repository.image(id);
  assert.equal(image.value.parent, ID(2));
  assert.equal(image.value.docker_version, "1.0.0");
  assert.equal(image.size, layers[2]?.byteLength);
  assert.equal(image.payloadChecksum, server.images.get(id)?.checksum);
  assert.deepEqual(image.raw, server.images.get(id)?.json);
  await assert.rejects(repository.image(ID(9)), { code: "NOT_FOUND" });
  await assert.rejects(repository.image("../../x"), { code: "INVALID_REFERENCE" });
});

test("layers are read as they are stored, and proved by their checksums", async () => {
  const server = new V1Server();
  const { layers } = await putSample(server, NAME, "1");
  const repository = open(server);
  for (const [index, layer] of layers.entries()) {
    const id = ID(index + 1);
    const image = await repository.image(id);
    assert.deepEqual(await bytesOf(repository.layer(id, { image })), layer, id);
    assert.equal(await repository.hasLayer(id), true);
  }
  assert.equal(await repository.hasLayer(ID(9)), false);
  const image = await repository.image(ID(1));
  const stored = server.images.get(ID(1));
  assert.ok(stored?.layer !== undefined);
  const damaged = stored.layer.slice();
  damaged[10] = (damaged[10] ?? 0) ^ 1;
  stored.layer = damaged;
  await assert.rejects(bytesOf(repository.layer(ID(1), { image })), { code: "DIGEST_MISMATCH" });
  await assert.rejects(bytesOf(repository.layer(ID(9))), { code: "NOT_FOUND" });
});

test("a layer whose download breaks off goes on when its size is known", async () => {
  let breaks = 0;
  const server = new V1Server({
    intercept(request, url) {
      if (request.method !== "GET" || !url.pathname.endsWith("/layer") || breaks > 0) return;
      breaks++;
      const layer = server.images.get(ID(2))?.layer;
      const sent = layer?.slice(0, 700) ?? new Uint8Array();
      let isSent = false;
      const body = new ReadableStream({
        pull(controller) {
          if (isSent) return controller.error(new Error("connection reset"));
          isSent = true;
          controller.enqueue(sent);
        },
      });
      return new Response(body);
    },
  });
  const { layers } = await putSample(server, NAME, "1");
  const size = layers[1]?.byteLength ?? 0;
  assert.deepEqual(await bytesOf(open(server).layer(ID(2), { size })), layers[1]);
  assert.equal(server.requests.at(-1)?.headers.get("range"), `bytes=700-${size - 1}`);
  breaks = 0;
  await assert.rejects(bytesOf(open(server).layer(ID(2))), { code: "REGISTRY_ERROR" });
});

test("search() reads page by page, and lists each name once", async () => {
  const server = new V1Server();
  const names = ["acme/app", "acme/db", "beta/app", "beta/other", "x/app"];
  for (const name of names) server.tag(name, "1", ID(1));
  const found: string[] = [];
  for await (const { name } of registryOf(server).search("app")) found.push(name);
  assert.deepEqual(found, ["acme/app", "beta/app", "x/app"]);
  const all: string[] = [];
  for await (const { name } of registryOf(server).search()) all.push(name);
  assert.deepEqual(all, names);
  assert.equal(server.requests.length, 2 + 3);
});

test("answers that are none of a registry of version 1 are refused", async () => {
  const answers: Record<string, string> = {
    tags: "<html>",
    ancestry: '["a"]',
    "ancestry of another": JSON.stringify([ID(2), ID(1)]),
    "ancestry in a circle": JSON.stringify([ID(1), ID(2), ID(1)]),
    tag: "<html>",
    json: "{}",
    "json of another": JSON.stringify({ id: ID(2) }),
  };
  const calls: Record<string, (repository: RepositoryV1) => Promise<unknown>> = {
    tags: (repository) => repository.tags(),
    ancestry: (repository) => repository.ancestry(ID(1)),
    tag: (repository) => repository.resolve("1"),
    json: (repository) => repository.image(ID(1)),
  };
  for (const [name, body] of Object.entries(answers)) {
    const server = new V1Server({
      intercept: (_, url) => url.pathname.endsWith("/images") ? undefined : new Response(body),
    });
    const call = calls[name.split(" ")[0] ?? ""];
    assert.ok(call !== undefined);
    const code = name.startsWith("json") ? "INVALID_CONFIG" : "REGISTRY_ERROR";
    await assert.rejects(call(open(server)), { code }, name);
  }
});

test("an image that is still being uploaded is told as such", async () => {
  const server = new V1Server();
  await putSample(server, NAME, "1");
  const stored = server.images.get(ID(1));
  assert.ok(stored !== undefined);
  delete stored.layer;
  await assert.rejects(open(server).image(ID(1)), /being uploaded, retry later/);
});

test("names of repositories and tags are checked before they become paths", async () => {
  const registry = registryOf(new V1Server());
  for (const name of ["../x", "A/b", "a//b", ""]) {
    assert.throws(() => registry.repository(name), { code: "INVALID_REFERENCE" }, name);
  }
  assert.equal(registry.repository("app").name, "library/app");
  const repository = registry.repository(NAME);
  for (const tag of ["../x", "a/b", "", "a b"]) {
    await assert.rejects(repository.resolve(tag), { code: "INVALID_REFERENCE" }, tag);
    await assert.rejects(repository.untag(tag), { code: "INVALID_REFERENCE" }, tag);
    await assert.rejects(repository.tag(ID(1), tag), { code: "INVALID_REFERENCE" }, tag);
  }
});
