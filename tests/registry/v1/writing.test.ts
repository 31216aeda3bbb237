import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../../lib/auth/mod.ts";
import { readAll, streamOf } from "../../../lib/bytes/mod.ts";
import { digestBytes } from "../../../lib/hash/mod.ts";
import { parseImageConfig } from "../../../lib/model/mod.ts";
import {
  parseV1Image,
  RegistryV1,
  type RepositoryV1,
  v1ImagesOf,
  type V1PushImage,
} from "../../../lib/registry/v1/mod.ts";
import { memoryStore } from "../../../lib/store/mod.ts";
import { randomImage } from "../../../lib/testing/mod.ts";
import type { Transport } from "../../../lib/model/transport.ts";
import { FakeClock } from "../fake_clock.ts";
import { ID, putSample } from "./v1_sample.ts";
import { V1Server, type V1ServerOptions } from "./v1_server.ts";

const NAME = "acme/app";
const USERS = { alice: "secret" };

function open(
  server: V1Server,
  transport: Transport = server.transport,
  clock?: FakeClock,
): RepositoryV1 {
  const credentials = staticCredentials(server.host, {
    kind: "basic",
    username: "alice",
    password: "secret",
  });
  const options = { transport, credentials, clock, retry: { retries: 0 } };
  return new RegistryV1(server.host, options).repository(NAME);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function samples(): V1PushImage[] {
  return [1, 2].map((digit) => ({
    id: ID(digit),
    raw: utf8(JSON.stringify({ id: ID(digit), ...(digit === 1 ? {} : { parent: ID(1) }) })),
    open: () => Promise.resolve(streamOf(utf8(`layer ${digit}`))),
  }));
}

test("push() sends documents, layers and checksums, base first, and the tag last", async () => {
  for (const options of [{ users: USERS }, { users: USERS, isRotating: true }, {}]) {
    const server = new V1Server({ host: "index.test", hosts: ["one.test"], ...options });
    await open(server).push(samples(), "1");
    assert.equal(server.repositories.get(NAME)?.get("1"), ID(2));
    for (const { id, raw } of samples()) {
      assert.deepEqual(server.images.get(id)?.json, raw);
      assert.match(server.images.get(id)?.checksum ?? "", /^sha256:/);
    }
    assert.deepEqual(server.images.get(ID(2))?.layer, utf8("layer 2"));
    const sent = server.requests.map(({ host, method, path }) => `${method} ${host}${path}`);
    const imageOf = (digit: number) => [
      `GET one.test/v1/images/${ID(digit)}/json`,
      `PUT one.test/v1/images/${ID(digit)}/json`,
      `PUT one.test/v1/images/${ID(digit)}/layer`,
      `PUT one.test/v1/images/${ID(digit)}/checksum`,
    ];
    assert.deepEqual(sent, [
      "PUT index.test/v1/repositories/acme/app/",
      ...imageOf(1),
      ...imageOf(2),
      "PUT one.test/v1/repositories/acme/app/tags/1",
      "PUT index.test/v1/repositories/acme/app/images",
    ]);
    assert.equal(server.requests.at(-1)?.headers.get("x-docker-endpoints"), "one.test");
    assert.deepEqual(server.lists.get(NAME)?.slice(-2).map(({ id }) => id), [ID(1), ID(2)]);
  }
});

test("push() leaves out images that the registry has, and those pushed meanwhile", async () => {
  const server = new V1Server();
  await open(server).push(samples(), "1");
  const before = server.requests.length;
  await open(server).push(samples(), "2");
  const puts = server.requests.slice(before).filter(({ path }) => path.includes("/images/"));
  assert.ok(puts.every(({ method }) => method === "GET"));
  assert.equal(server.repositories.get(NAME)?.get("2"), ID(2));
  // Not there when it was looked for, there when it comes.
  const late = new V1Server({
    intercept: (request, url) =>
      request.method === "GET" && url.pathname.endsWith("/json")
        ? new Response("", { status: 404 })
        : undefined,
  });
  await open(late).push(samples(), "1");
  await open(late).push(samples(), "2");
  assert.ok(late.requests.some(({ status }) => status === 409));
  assert.equal(late.repositories.get(NAME)?.get("2"), ID(2));
});

test("push() names nothing when a layer is not taken, or cannot be read", async () => {
  const refused: V1ServerOptions = {
    intercept: (request, url) =>
      request.method === "PUT" && url.pathname.endsWith("/checksum")
        ? new Response('{"error":"Checksum mismatch"}', { status: 400 })
        : undefined,
  };
  const server = new V1Server(refused);
  await assert.rejects(open(server).push(samples(), "1"), /Checksum mismatch/);
  assert.equal(server.repositories.size, 0);
  const other = new V1Server();
  const broken = new Error("the disk is gone");
  const [first, second] = samples();
  assert.ok(first !== undefined && second !== undefined);
  const images = [first, { ...second, open: () => Promise.reject(broken) }];
  await assert.rejects(open(other).push(images, "1"), (error) => error === broken);
  assert.equal(other.repositories.size, 0);
  await assert.rejects(open(other).push([], "1"), TypeError);
  await assert.rejects(open(other).push(samples(), "a/b"), { code: "INVALID_REFERENCE" });
});

test("push() gives a registry up that does not answer to a document, layer, checksum or list", async () => {
  const path = /\/(?:json|layer|checksum|tags\/1|images|app\/)$/;
  const silence = new Promise<Response>(() => {});
  const server = new V1Server();
  const asked = new Set<string>();
  for (let turn = 0; turn < 6; turn++) {
    const clock = new FakeClock();
    const repository = open(server, (request) => {
      const name = request.method === "PUT" ? path.exec(request.url)?.[0] : undefined;
      if (name === undefined || asked.has(name)) return server.transport(request);
      asked.add(name);
      return silence;
    }, clock);
    const { ms } = await clock.measure(() =>
      assert.rejects(repository.push(samples(), "1"), /no answer within 6[01] s/)
    );
    assert.ok(ms >= 60_000 && ms <= 61_000, `${ms}`);
  }
  assert.equal(asked.size, 6, [...asked].join());
});

test("push() without the right to is refused", async () => {
  const server = new V1Server({ users: { bob: "other" } });
  await assert.rejects(open(server).push(samples(), "1"), { code: "AUTHENTICATION_FAILED" });
  assert.equal(server.images.size, 0);
});

test("push() holds a layer where the transport cannot send streams", async () => {
  const server = new V1Server();
  const send = (request: Request) => server.transport(request);
  const transport: Transport = Object.assign(send, { traits: { streamingUpload: false } });
  await open(server, transport).push(samples(), "1");
  assert.deepEqual(server.images.get(ID(1))?.layer, utf8("layer 1"));
  assert.equal(server.repositories.get(NAME)?.get("1"), ID(2));
});

test("tag() and untag() change one name, delete() takes the repository", async () => {
  const server = new V1Server({ users: USERS, host: "index.test", hosts: ["one.test"] });
  const { id } = await putSample(server, NAME, "1");
  const repository = open(server);
  await repository.tag(id, "2");
  assert.deepEqual([...await repository.tags()], [["1", id], ["2", id]]);
  await repository.untag("1");
  assert.deepEqual([...await repository.tags()], [["2", id]]);
  await assert.rejects(repository.untag("1"), { code: "NOT_FOUND" });
  await repository.delete();
  assert.equal(server.repositories.has(NAME), false);
  const deletions = server.requests.filter(({ method }) => method === "DELETE").slice(-3);
  assert.deepEqual(deletions.map(({ host, path }) => host + path), [
    "index.test/v1/repositories/acme/app/",
    "one.test/v1/repositories/acme/app/",
    "index.test/v1/repositories/acme/app/",
  ]);
  await assert.rejects(repository.delete(), { code: "NOT_FOUND" });
});

test("v1ImagesOf() makes the chain that Docker's engine makes", async () => {
  const image = await randomImage("chain", { layers: 2, format: "docker" });
  const store = memoryStore();
  await image.pushTo(store);
  const history = [
    { created: "2016-01-01T00:00:00Z", created_by: "ADD a" },
    { created: "2016-01-02T00:00:00Z", created_by: "ENV b=c", empty_layer: true, comment: "x" },
    { created: "2016-01-03T00:00:00Z", created_by: "ADD d" },
  ];
  const raw = utf8(JSON.stringify({ ...image.config, history }));
  const config = parseImageConfig(raw);
  const images = v1ImagesOf(store, config, image.manifest.layers);
  const hex = (text: string): string => digestBytes("sha256", utf8(text)).slice(7);
  const [first, second] = image.manifest.layers.map(({ digest }) => digest.slice(7));
  const empty = "a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";
  const base = hex(`${first} `);
  const middle = hex(`${empty} ${base}`);
  const top = hex(`${second} ${middle} ${new TextDecoder().decode(raw)}`);
  assert.deepEqual(images.map(({ id }) => id), [base, middle, top]);
  const documents = images.map(({ id, raw }) => parseV1Image(raw, id).value);
  assert.deepEqual(documents.map(({ parent }) => parent), [undefined, base, middle]);
  assert.deepEqual(documents[1]?.container_config?.Cmd, ["ENV b=c"]);
  assert.equal(documents[1]?.comment, "x");
  assert.deepEqual(documents[2]?.config, image.config.config);
  assert.equal(Object.hasOwn(documents[2] ?? {}, "rootfs"), false);
  const bytes = await Promise.all(
    images.map(async ({ open }) => await readAll(await open({}), { maxBytes: 1e6 })),
  );
  assert.equal(digestBytes("sha256", bytes[1] ?? utf8("")), `sha256:${empty}`);
  assert.deepEqual(bytes[2], image.layers[1]?.bytes);
  const short = parseImageConfig(utf8(JSON.stringify({ ...image.config, history: [{}] })));
  assert.throws(() => v1ImagesOf(store, short, image.manifest.layers), { code: "INVALID_CONFIG" });
  const zstd = image.manifest.layers.map((layer) => ({ ...layer, mediaType: "x+zstd" }));
  assert.throws(() => v1ImagesOf(store, config, zstd), { code: "UNSUPPORTED_MEDIA_TYPE" });
});
