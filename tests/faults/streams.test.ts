/** F26, F27 and F28: consumers that stop, that are slow, and images of very many layers. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate, openSource, through } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes, ByteSource, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { copy } from "../../lib/ops/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { readTar, writeTar } from "../../lib/tar/mod.ts";
import { bytesInKernel } from "../support/kernel_queues.ts";
import { type Bench, describe, drain, noise, putBlob, until, withBench } from "./bench.ts";

const MIB = 1024 * 1024;
const LARGE = noise(64 * MIB);

/** How many bytes of its answers this process has read: the rest waits in the kernel. */
function bytesRead({ proxy, sent }: Bench): number {
  const bytes = bytesInKernel(proxy.port);
  assert.ok(bytes !== undefined, "no connection is there to look at");
  return (sent("GET")[0]?.bytesOut ?? 0) - bytes;
}

/** A transport that counts what lading takes of blobs, and how often it cancels them. */
function counting() {
  const send = hostTransport();
  const seen = { taken: 0, cancels: 0, onCancel: () => {} };
  const transport = async (request: Request): Promise<Response> => {
    const response = await send(request);
    if (request.method !== "GET" || !request.url.includes("/blobs/")) return response;
    const reader = (response.body as ByteStream).getReader();
    const body = new ReadableStream<Bytes>({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        seen.taken += value.byteLength;
        controller.enqueue(value);
      },
      cancel(reason) {
        seen.cancels++;
        seen.onCancel();
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
    return new Response(body, response);
  };
  return { transport, seen };
}

/** Waits until nothing moves on the wire any more. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

/** Reads so many bytes and leaves the loop. */
async function readSome(stream: ByteStream, bytes: number): Promise<number> {
  let read = 0;
  for await (const chunk of iterate(stream)) {
    read += chunk.byteLength;
    if (read < bytes) continue;
    await settled();
    break;
  }
  return read;
}

const STOPS: Readonly<Record<string, (stream: ByteStream, bytes: number) => Promise<number>>> = {
  "leaving a loop": readSome,
  "cancelling a reader": async (stream, bytes) => {
    const reader = stream.getReader();
    let read = 0;
    while (read < bytes) read += (await reader.read()).value?.byteLength ?? 0;
    await settled();
    await reader.cancel(new Error("enough"));
    return read;
  },
  "a sink that fails": async (stream, bytes) => {
    let read = 0;
    const error = new Error("the disk is full");
    const sink = new WritableStream<Bytes>({
      async write(chunk) {
        read += chunk.byteLength;
        if (read < bytes) return;
        await settled();
        throw error;
      },
    });
    assert.equal(await stream.pipeTo(sink).then(() => undefined, (thrown) => thrown), error);
    return read;
  },
  "a transform that fails": async (stream, bytes) => {
    let read = 0;
    const failing = through(stream, {
      chunk(chunk) {
        read += chunk.byteLength;
        if (read >= bytes) throw new Error("enough");
        return chunk;
      },
    });
    await drain(failing).catch(() => {});
    return read;
  },
};

for (const [name, stop] of Object.entries(STOPS)) {
  test(`F26: ${name} closes the connection, once, and reads no more than 1 MiB further`, async () => {
    for (const bytes of [1, MIB + 1, 20 * MIB]) {
      const { transport, seen } = counting();
      await withBench({ transport }, async (bench) => {
        const blob = await putBlob(bench, LARGE);
        let readInAll = Infinity;
        seen.onCancel = () => readInAll = bytesRead(bench);
        const read = await stop(await bench.repository.fetch(blob), bytes);
        await until(() => bench.proxy.connections === 0, `the connection behind ${bytes} bytes`);
        assert.equal(seen.cancels, 1);
        assert.ok(seen.taken - read <= MIB, `${seen.taken - read} bytes were read further`);
        assert.ok(readInAll - read <= MIB, `${readInAll - read} bytes were read ahead`);
        assert.equal(bench.sent("GET").length, 1);
        assert.equal(bench.clock.pending, 0, "timers are left");
      });
    }
  });
}

test("F26: leaving the entries of a layer closes its connection", async () => {
  const entries = [1, 2, 3].map((i) => ({ path: `${i}`, body: LARGE.subarray(0, 10 * MIB) }));
  const layer = new Uint8Array(await new Response(writeTar(entries)).arrayBuffer());
  const { transport, seen } = counting();
  await withBench({ transport }, async (bench) => {
    const blob = await putBlob(bench, layer);
    for await (const entry of readTar(await bench.repository.fetch(blob))) {
      if (entry.path === "2") break;
    }
    await until(() => bench.proxy.connections === 0, "the connection is closed");
    assert.equal(seen.cancels, 1);
    assert.ok(seen.taken <= 11 * MIB, `${seen.taken} bytes were read`);
  });
});

test("F26: leaving a list asks for no further page", async () => {
  const handler = (request: Request): Promise<Response> => {
    const page = Number(new URL(request.url).searchParams.get("page") ?? 0);
    return Promise.resolve(
      Response.json({ tags: [`${page}-a`, `${page}-b`] }, {
        headers: { link: `</v2/acme/app/tags/list?page=${page + 1}>; rel="next"` },
      }),
    );
  };
  await withBench({ handler }, async (bench) => {
    for await (const tag of bench.repository.tags()) if (tag === "1-a") break;
    assert.equal(bench.sent("GET").length, 2);
  });
});

test("F26: a target that fails closes the connection of the source, and takes no other blob", async () => {
  const { transport, seen } = counting();
  await withBench({ transport }, async (bench) => {
    const blob = await putBlob(bench, LARGE);
    const store = memoryStore();
    const push = store.push.bind(store);
    store.push = async (expected, content, options) => {
      if (expected.size < MIB) return await push(expected, content, options);
      await readSome(await openSource(content), MIB);
      throw new Error("the disk is full");
    };
    const operation = copy(bench.repository, blob.digest.slice(7, 20), store);
    const error = await Promise.resolve(operation).then(() => undefined, (error) => error);
    assert.match(String(error), /the disk is full/);
    await until(
      () =>
        bench.proxy.exchanges.every(({ isOver, bytesOut }) =>
          isOver || bytesOut < LARGE.byteLength
        ),
      "the connection is closed",
    );
    assert.ok(seen.taken <= 3 * MIB, `${seen.taken} bytes were read`);
    assert.equal(seen.cancels, 1);
  });
});

test("F27: of 64 MiB for a consumer that stops reading, 256 KiB are taken and the rest waits", async () => {
  const { transport, seen } = counting();
  await withBench({ transport }, async (bench) => {
    const blob = await putBlob(bench, LARGE);
    const reader = (await bench.repository.fetch(blob)).getReader();
    let read = 0;
    for (let i = 0; i < 8; i++) {
      read += (await reader.read()).value?.byteLength ?? 0;
      await settled();
      assert.ok(seen.taken - read <= 256 * 1024, `${seen.taken - read} bytes wait in a queue`);
      const ahead = bytesRead(bench) - read;
      assert.ok(ahead <= MIB, `${ahead} bytes were read ahead`);
    }
    await reader.cancel();
  });
});

test("F27: a slow target gets what it asks for, and no more of it is read", async () => {
  const { transport, seen } = counting();
  await withBench({ transport }, async (bench) => {
    const blob = await putBlob(bench, LARGE);
    const store = memoryStore();
    const push = store.push.bind(store);
    let most = 0;
    store.push = async (expected, content, options) => {
      if (expected.size < MIB) return await push(expected, content, options);
      let read = 0;
      for await (const chunk of iterate(await openSource(content))) {
        read += chunk.byteLength;
        if (read < 4 * MIB) await new Promise((resolve) => setTimeout(resolve, 1));
        most = Math.max(most, seen.taken - read);
      }
    };
    await copy(bench.repository, blob.digest.slice(7, 20), store);
    assert.ok(most <= 256 * 1024, `${most} bytes wait in queues`);
  });
});

const LAYERS = 200;
const JOBS = 3;

/** Makes the layers of an image when they are asked for. */
function manyLayers() {
  const base = noise(MIB, 5);
  const layer = (i: number): Bytes => {
    const bytes = base.slice();
    new DataView(bytes.buffer).setUint32(0, i);
    return bytes;
  };
  const numbers = new Map<string, number>();
  const layers: Descriptor[] = [];
  for (let i = 0; i < LAYERS; i++) {
    const descriptor = describe(layer(i));
    numbers.set(descriptor.digest, i);
    layers.push(descriptor);
  }
  const config = new TextEncoder().encode(JSON.stringify({
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  }));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = new TextEncoder().encode(JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: describe(config, "application/vnd.oci.image.config.v1+json"),
    layers,
  }));
  const handler = (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    const number = numbers.get(/sha256:.*$/.exec(path)?.[0] ?? "");
    const bytes = path.includes("/manifests/")
      ? manifest
      : number === undefined
      ? config
      : layer(number);
    const headers = { "content-type": mediaType, "content-length": String(bytes.byteLength) };
    return Promise.resolve(new Response(bytes, { headers }));
  };
  return { handler, layers };
}

/** A target that proves what it gets, and keeps none of it. */
function proving(done: (digest: string) => void) {
  const store = memoryStore();
  const push = store.push.bind(store);
  store.push = async (expected: Descriptor, content: ByteSource, options) => {
    if (expected.size !== MIB) return await push(expected, content, options);
    const bytes = new Uint8Array(await new Response(await openSource(content)).arrayBuffer());
    assert.equal(digestBytes("sha256", bytes), expected.digest);
    done(expected.digest);
  };
  return store;
}

function openBodies({ proxy }: Bench): number {
  return proxy.exchanges.filter(({ method, path, isOver }) =>
    method === "GET" && path.includes("/blobs/") && !isOver
  ).length;
}

test(`F28: of ${LAYERS} layers of 1 MiB never more than ${JOBS} are open`, async () => {
  const { handler, layers } = manyLayers();
  let look = () => {};
  const watching = async (request: Request) => {
    look();
    // Long enough for those that run at the same time to meet.
    await new Promise((resolve) => setTimeout(resolve, 2));
    return await handler(request);
  };
  await withBench({ handler: watching }, async (bench) => {
    look = () => void (most = Math.max(most, openBodies(bench)));
    const done = new Set<string>();
    let most = 0;
    const target = proving((digest) => done.add(digest));
    await copy(bench.repository, "1", target, { jobs: JOBS });
    assert.equal(done.size, layers.length);
    assert.equal(bench.sent("GET", /blobs/).length, LAYERS + 1);
    assert.ok(most >= 2 && most <= JOBS, `${most} bodies were open`);
  });
});
