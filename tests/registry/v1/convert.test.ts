import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../../lib/bytes/mod.ts";
import { digestBytes } from "../../../lib/hash/mod.ts";
import type { Descriptor } from "../../../lib/model/descriptor.ts";
import { parseImageConfig, parseImageManifest } from "../../../lib/model/mod.ts";
import { copy, validate } from "../../../lib/ops/mod.ts";
import { loadImage } from "../../../lib/image/mod.ts";
import { memoryStore } from "../../../lib/store/mod.ts";
import {
  convertV1,
  openV1Image,
  RegistryV1,
  type RepositoryV1,
  type V1Layer,
} from "../../../lib/registry/v1/mod.ts";
import { compressed, ID, putSample } from "./v1_sample.ts";
import { V1Server, type V1ServerOptions } from "./v1_server.ts";

const NAME = "acme/app";
const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const TAR = "application/vnd.oci.image.layer.v1.tar";

function open({ host, transport }: V1Server): RepositoryV1 {
  return new RegistryV1(host, { transport, retry: { retries: 0 } }).repository(NAME);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

test("an image of version 1 becomes one of the OCI that copy() takes and validate() finds good", async () => {
  for (const options of [{}, { isSilent: true }, { users: { alice: "x" } }] as V1ServerOptions[]) {
    const server = new V1Server(options);
    const sample = await putSample(server, NAME, "1");
    const source = await openV1Image(open(server), "1");
    const store = memoryStore();
    const { descriptor } = await copy(source, "1", store);
    assert.deepEqual(descriptor, source.descriptor);
    const report = await validate(store, "1");
    assert.deepEqual(report.problems, []);
    const image = await loadImage(store, descriptor);
    const { layers } = await image.manifest();
    const [first, second] = sample.layers;
    assert.deepEqual(layers.map(({ mediaType, digest }) => [mediaType, digest]), [
      [GZIP, digestBytes("sha256", first ?? utf8(""))],
      [TAR, digestBytes("sha256", second ?? utf8(""))],
    ]);
    const config = await image.config();
    assert.deepEqual(config.rootfs.diff_ids, sample.diffIDs.slice(0, 2));
    assert.equal(config.created, "2014-01-03T00:00:00Z");
    assert.equal(config.architecture, "amd64");
    assert.deepEqual(config.config?.Env, ["A=b"]);
  }
});

test("the history of a converted image has every step, and marks those without a layer", async () => {
  const server = new V1Server();
  await putSample(server, NAME, "1");
  const source = await convertedSample(server);
  const { descriptor } = source;
  const manifest = parseImageManifest(await source.read(descriptor));
  const raw = await source.read(manifest.value.config);
  const { value } = parseImageConfig(raw);
  assert.deepEqual(value.history?.map((step) => ({ ...step })), [
    { created: "2014-01-01T00:00:00Z", created_by: "/bin/sh -c step 0", author: "somebody" },
    { created: "2014-01-02T00:00:00Z", created_by: "/bin/sh -c step 1" },
    { created: "2014-01-03T00:00:00Z", created_by: "/bin/sh -c step 2", empty_layer: true },
  ]);
  const document = JSON.parse(new TextDecoder().decode(raw));
  for (const name of ["id", "parent", "Size"]) assert.equal(Object.hasOwn(document, name), false);
  assert.deepEqual(document["x-unknown"], { kept: true });
});

test("a command that is none is left out of the history", async () => {
  for (const Cmd of ["/bin/sh", {}, 1, [{ toString: 1 }, null], null, undefined]) {
    const server = new V1Server();
    server.put({ id: ID(1), container_config: { Cmd } }, new Uint8Array(1024));
    server.tag(NAME, "1", ID(1));
    const { descriptor, read } = await convertedSample(server);
    const { value } = parseImageConfig(
      await read(parseImageManifest(await read(descriptor)).value.config),
    );
    assert.deepEqual(value.history?.map(({ created_by: command }) => command), [undefined]);
  }
});

async function convertedSample(server: V1Server) {
  const source = await openV1Image(open(server), "1");
  const read = async (target: Descriptor) =>
    await readAll(await source.fetch(target), { maxBytes: target.size });
  return { descriptor: source.descriptor, source, read };
}

test("the same image is converted to the same digest again", async () => {
  const server = new V1Server();
  await putSample(server, NAME, "1");
  const first = await openV1Image(open(server), "1");
  const second = await openV1Image(open(server), ID(3));
  assert.deepEqual(first.descriptor, second.descriptor);
});

test("a converted image serves its parts, ranges of them, and nothing else", async () => {
  const server = new V1Server();
  const sample = await putSample(server, NAME, "1");
  const { source, descriptor, read } = await convertedSample(server);
  const { layers, config } = parseImageManifest(await read(descriptor)).value;
  for (const target of [descriptor, config, ...layers]) {
    assert.equal(await source.exists(target), true);
    const whole = await read(target);
    const range = { start: 3, end: 9 };
    const part = await readAll(await source.fetch(target, { range }), { maxBytes: 7 });
    assert.deepEqual(part, whole.subarray(3, 10));
  }
  assert.deepEqual(await read(layers[0] ?? descriptor), sample.layers[0]);
  const digest = digestBytes("sha256", utf8("other"));
  const other = { mediaType: TAR, digest, size: 5 };
  assert.equal(await source.exists(other), false);
  await assert.rejects(source.fetch(other), { code: "NOT_FOUND" });
});

test("a layer that the registry serves otherwise the second time is refused", async () => {
  const server = new V1Server({ isSilent: true });
  await putSample(server, NAME, "1");
  const { descriptor, read } = await convertedSample(server);
  const [layer] = parseImageManifest(await read(descriptor)).value.layers;
  assert.ok(layer !== undefined);
  const stored = server.images.get(ID(1));
  assert.ok(stored?.layer !== undefined);
  stored.layer = stored.layer.slice().fill(1, 12);
  await assert.rejects(read(layer), { code: "DIGEST_MISMATCH" });
});

test("layers go through a store once, and are not fetched again", async () => {
  const server = new V1Server();
  await putSample(server, NAME, "1");
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  const inner = memoryStore();
  const store = {
    exists: inner.exists.bind(inner),
    fetch: inner.fetch.bind(inner),
    async keep(content: ReadableStream<Uint8Array<ArrayBuffer>>) {
      const bytes = await readAll(content, { maxBytes: 1e6 });
      return async (digest: string) => {
        kept.set(digest, bytes);
        await inner.push({ mediaType: TAR, digest, size: bytes.byteLength }, bytes);
      };
    },
  };
  const source = await openV1Image(open(server), "1", { store });
  await copy(source, "1", memoryStore());
  const fetched = server.requests.filter(({ path }) => path.endsWith("/layer"));
  assert.equal(fetched.length, 3);
  assert.equal(kept.size, 3);
});

/** A layer that counts how often it is opened. */
function layerOf(digit: number, bytes: Uint8Array<ArrayBuffer>, opened: number[]): V1Layer {
  return {
    key: String(digit),
    image: { id: ID(digit) },
    open: () => {
      opened.push(digit);
      return Promise.resolve(streamOf(bytes));
    },
  };
}

test("convertV1() reads equal layers once, and those of steps without a file not at all", async () => {
  const tar = await compressed(new Uint8Array(2048));
  const opened: number[] = [];
  const layer = layerOf(1, tar, opened);
  const throwaway = { ...layerOf(2, tar, opened), isThrowaway: true };
  const { descriptor } = await convertV1([layer, throwaway, layer]);
  assert.deepEqual(opened, [1]);
  assert.match(descriptor.digest, /^sha256:/);
});

test("convertV1() refuses what no image of the OCI can be made of", async () => {
  await assert.rejects(convertV1([]), TypeError);
  const xz = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4, 0xe6, 0xd6);
  await assert.rejects(convertV1([layerOf(1, xz, [])]), { code: "UNSUPPORTED_MEDIA_TYPE" });
  const damaged = (await compressed(utf8("x".repeat(5000)))).slice(0, 30);
  await assert.rejects(convertV1([layerOf(1, damaged, [])]), { code: "CORRUPT_STREAM" });
  const odd = { ...layerOf(1, new Uint8Array(1024), []) };
  const image = { id: ID(1), config: { Env: 1 } } as unknown as V1Layer["image"];
  await assert.rejects(convertV1([{ ...odd, image }]), { code: "INVALID_CONFIG" });
});
