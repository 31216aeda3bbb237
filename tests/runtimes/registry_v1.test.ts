// Version 1 over sockets: cookies, streams as bodies, downloads that break off.
import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../lib/auth/mod.ts";
import { streamFrom } from "../../lib/bytes/mod.ts";
import { DockerRegistry } from "../../lib/dockerreg/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { copy, validate } from "../../lib/ops/mod.ts";
import { openV1Image, RegistryV1, type V1PushImage } from "../../lib/registry/v1/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { ID, putSample } from "../registry/v1/v1_sample.ts";
import { V1Server, type V1ServerOptions } from "../registry/v1/v1_server.ts";

const NAME = "acme/app";

/** Runs `work` beside a registry of version 1 that listens. */
async function withServer(
  options: V1ServerOptions,
  work: (server: V1Server, host: string) => Promise<void>,
): Promise<void> {
  const servers: V1Server[] = [];
  const running = await serve((request) =>
    servers[0]?.transport(request) ?? new Response("", { status: 503 })
  );
  const { host } = new URL(running.url);
  const server = new V1Server({ ...options, host });
  servers.push(server);
  try {
    await work(server, host);
  } finally {
    await running.close();
  }
}

test("a registry of version 1 is read over sockets, with its tokens and cookies", async () => {
  const users = { alice: "secret" };
  await withServer({ users, isRotating: true, hasCookies: true }, async (server, host) => {
    await putSample(server, NAME, "1");
    const credentials = staticCredentials(host, {
      kind: "basic",
      username: "alice",
      password: "secret",
    });
    const options = { transport: hostTransport(), credentials, concurrency: 1 };
    const repository = new RegistryV1(host, options).repository(NAME);
    assert.deepEqual([...await repository.tags()], [["1", ID(3)]]);
    const image = await repository.image(ID(3));
    assert.equal(image.value.parent, ID(2));
    assert.ok(server.requests.slice(1).every(({ headers }) => headers.has("cookie")));
  });
});

test("an image goes over sockets from version 1 to the OCI's, and back", async () => {
  await withServer({}, async (server, host) => {
    await putSample(server, NAME, "1");
    const transport = hostTransport();
    const source = await openV1Image(new RegistryV1(host, { transport }).repository(NAME), "1");
    const store = memoryStore();
    await copy(source, "1", store);
    assert.deepEqual((await validate(store, "1")).problems, []);
    const registry = new DockerRegistry(host, { transport });
    await registry.pullAndPush(NAME, "1", { repository: "beta/app", tag: "2" });
    assert.deepEqual(await registry.checkImage("beta/app", "2"), []);
  });
});

test("layers are sent as streams, and none of them is held", async () => {
  await withServer({}, async (server, host) => {
    const size = 3 * 1024 * 1024;
    async function* content(): AsyncGenerator<Bytes> {
      for (let sent = 0; sent < size; sent += 65536) {
        await Promise.resolve();
        yield new Uint8Array(65536).fill(sent / 65536);
      }
    }
    const image: V1PushImage = {
      id: ID(7),
      raw: new TextEncoder().encode(JSON.stringify({ id: ID(7) })),
      open: () => Promise.resolve(streamFrom(content())),
    };
    const transport = hostTransport();
    await new RegistryV1(host, { transport }).repository(NAME).push([image], "1");
    assert.equal(server.images.get(ID(7))?.layer?.byteLength, size);
    assert.match(server.images.get(ID(7))?.checksum ?? "", /^sha256:/);
  });
});

test("a layer whose source fails half-way is not taken for a whole one", async () => {
  await withServer({}, async (server, host) => {
    const broken = new Error("the disk is gone");
    async function* content(): AsyncGenerator<Bytes> {
      await Promise.resolve();
      yield new Uint8Array(100_000);
      throw broken;
    }
    const image: V1PushImage = {
      id: ID(7),
      raw: new TextEncoder().encode(JSON.stringify({ id: ID(7) })),
      open: () => Promise.resolve(streamFrom(content())),
    };
    const options = { transport: hostTransport(), retry: { retries: 0 } };
    const pushed = new RegistryV1(host, options).repository(NAME).push([image], "1");
    await assert.rejects(pushed, (error) => error === broken);
    assert.equal(server.images.get(ID(7))?.layer, undefined);
    assert.equal(server.repositories.size, 0);
  });
});
