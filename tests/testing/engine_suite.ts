/**
 * What every engine does, asserted once: it runs against the fake engine in every runtime, and
 * against Docker's own.
 */
import assert from "node:assert/strict";
import { ApiVersionError, Engine } from "../../lib/engine/mod.ts";
import type { EngineEvent, Operation } from "../../lib/engine/mod.ts";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { dockerArchive, memoryStore, writeDockerArchive } from "../../lib/store/mod.ts";
import { type TarInput, writeTar } from "../../lib/tar/mod.ts";
import {
  type RandomArtifact,
  type RandomImage,
  randomImage,
  randomIndex,
} from "../../lib/testing/mod.ts";

/** An engine without images, beside a registry. */
export interface EngineBench {
  readonly engine: Engine;
  /** Sends requests to the engine as they are. */
  readonly transport: Transport;
  /** Where the engine is, for requests of one's own. */
  readonly baseURL: string;
  /** The host of a registry that the engine reaches; empty at first. */
  readonly host: string;
  /** Leads to the registry from here. */
  readonly registryTransport?: Transport | undefined;
}

/** One behaviour of engines. */
export interface EngineCase {
  readonly name: string;
  run(bench: EngineBench): Promise<void>;
}

const MAX = { maxBytes: 64 * 1024 * 1024, what: "the archive" };
const ID_REGEXP = /^sha256:[0-9a-f]{64}$/;

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

async function tarOf(...entries: readonly TarInput[]): Promise<Bytes> {
  return await readAll(writeTar(entries), MAX);
}

/** A file tree of one file. */
async function treeOf(name: string, text = "hello\n"): Promise<Bytes> {
  return await tarOf({ path: name, body: utf8(text) });
}

/** An image that engines load; its ID is the digest of its config. */
async function imageOf(seed: string): Promise<RandomImage> {
  return await randomImage(seed, { format: "docker", files: 2, maxFileBytes: 600 });
}

async function archiveOf(images: Readonly<Record<string, RandomImage>>): Promise<Bytes> {
  const store = memoryStore();
  for (const [name, image] of Object.entries(images)) await image.pushTo(store, name);
  const roots = Object.entries(images).map(([reference, { descriptor }]) => ({
    descriptor,
    reference,
  }));
  return await readAll(writeDockerArchive(store, roots), MAX);
}

async function load(engine: Engine, name: string, seed = name): Promise<RandomImage> {
  const image = await imageOf(seed);
  await engine.images.load(await archiveOf({ [name]: image }));
  return image;
}

async function putIntoRegistry(
  bench: EngineBench,
  repository: string,
  tag: string,
  content: RandomArtifact,
): Promise<void> {
  const { host, registryTransport: transport } = bench;
  const registry = new Registry(host, transport === undefined ? {} : { transport });
  await content.pushTo(registry.repository(repository), tag);
}

/** The error of work that has to fail. */
async function failure(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Record<string, unknown>;
  }
  return assert.fail("it did not fail");
}

async function fails(
  work: PromiseLike<unknown>,
  code: string,
  status: number,
  said: string | RegExp,
): Promise<void> {
  const error = await failure(work);
  assert.equal(error["code"], code, String(error));
  assert.equal(error["status"], status, String(error));
  if (typeof said === "string") assert.equal(error["said"], said);
  else assert.match(String(error["said"]), said);
}

async function eventsOf<Result>(
  work: Operation<Result, EngineEvent>,
): Promise<{ readonly result: Result; readonly events: readonly EngineEvent[] }> {
  const events: EngineEvent[] = [];
  for await (const event of work) events.push(event);
  return { result: await work, events };
}

/** The words of statuses, without those of layers. */
function statuses(events: readonly EngineEvent[]): string[] {
  return events.flatMap((event) => event.type === "status" ? [event.text] : []);
}

async function names(engine: Engine, all = false): Promise<string[]> {
  return (await engine.images.list({ all })).flatMap(({ tags }) => tags).sort();
}

async function ask(
  { transport, baseURL }: EngineBench,
  method: string,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(`${baseURL}${path}`, { method, ...init, redirect: "manual" });
  return await transport(request);
}

/** The fields of `inspect` that say where, not what. */
function withoutPlace(attrs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { GraphDriver: _, Metadata: __, ...rest } = attrs;
  return rest;
}

/** Removes everything, what was made of other images first. */
export async function clearEngine(engine: Engine): Promise<void> {
  for (;;) {
    const all = await engine.images.list({ all: true });
    if (all.length === 0) return;
    const parents = new Set(all.map(({ parentID }) => parentID));
    for (const { id } of all) {
      if (!parents.has(id)) await engine.images.remove(id, { force: true });
    }
  }
}

export const ENGINE_SUITE: readonly EngineCase[] = [
  {
    name: "it says what it is",
    async run(bench) {
      const { engine } = bench;
      const ping = await engine.ping();
      assert.equal(ping.apiVersion, "1.41");
      assert.equal(ping.os, "linux");
      assert.equal(ping.isExperimental, false);
      assert.match(ping.server, /^Docker\/20\.10\.\S+ \(linux\)$/);
      const version = await engine.version();
      assert.equal(version.apiVersion, "1.41");
      assert.equal(version.minAPIVersion, "1.12");
      assert.equal(version.os, "linux");
      assert.match(version.version, /^20\.10\./);
      assert.equal(await engine.apiVersion(), "1.41");
      const body = await (await ask(bench, "GET", "/_ping")).text();
      assert.equal(body, "OK");
    },
  },
  {
    name: "versions of the API are too new, too old, or none",
    async run(bench) {
      const tooNew = await ask(bench, "GET", "/v9.99/info");
      assert.equal(tooNew.status, 400);
      assert.equal(tooNew.headers.get("api-version"), "1.41");
      assert.deepEqual(await tooNew.json(), {
        message: "client version 9.99 is too new. Maximum supported API version is 1.41",
      });
      const tooOld = await ask(bench, "GET", "/v1.01/info");
      assert.equal(tooOld.status, 400);
      assert.equal(tooOld.headers.get("content-type"), "text/plain; charset=utf-8");
      assert.equal(
        await tooOld.text(),
        "client version 1.01 is too old. Minimum supported API version is 1.12, please upgrade " +
          "your client to a newer version\n",
      );
      const old = await ask(bench, "GET", "/v1.23/images/nosuch/json");
      assert.equal(old.status, 404);
      assert.match(old.headers.get("content-type") ?? "", /^text\/plain/);
      assert.equal(await old.text(), "no such image: nosuch: No such image: nosuch:latest\n");
      for (const path of ["/vabc/info", "/v1.41/nosuch"]) {
        const nowhere = await ask(bench, "POST", path);
        assert.equal(nowhere.status, 404, path);
        assert.equal(nowhere.headers.get("api-version"), null, path);
        assert.deepEqual(await nowhere.json(), { message: "page not found" }, path);
      }
      const pinned = new Engine({
        transport: bench.transport,
        baseURL: bench.baseURL,
        apiVersion: "1.55",
      });
      await assert.rejects(pinned.images.list(), ApiVersionError);
    },
  },
  {
    name: "a path with two slashes leads elsewhere",
    async run(bench) {
      const answer = await ask(bench, "GET", "/v1.41/images//json");
      assert.equal(answer.status, 301);
      assert.equal(answer.headers.get("location"), "/v1.41/images/json");
      await answer.body?.cancel();
    },
  },
  {
    name: "an empty engine has nothing to list, to prune, or to count",
    async run({ engine }) {
      assert.deepEqual(await engine.images.list({ all: true }), []);
      const nothing = { untagged: [], deleted: [], spaceReclaimed: 0 };
      assert.deepEqual(await engine.images.prune(), nothing);
      assert.deepEqual(await engine.images.prune({ filters: { dangling: false } }), nothing);
      assert.deepEqual(await engine.images.pruneBuilds(), { deleted: [], spaceReclaimed: 0 });
      assert.equal((await engine.info())["Images"], 0);
    },
  },
  {
    name: "a loaded image is listed, inspected, and found by every name of it",
    async run({ engine }) {
      const { config, manifest, layers } = await load(engine, "acme/app:1");
      const id = manifest.config.digest;
      const [listed, ...others] = await engine.images.list();
      assert.equal(others.length, 0);
      assert.ok(listed !== undefined);
      const size = layers.flatMap(({ files }) => [...files.values()])
        .reduce((sum, file) => sum + file.length, 0);
      assert.deepEqual(listed, {
        id,
        shortID: id.slice(0, 19),
        tags: ["acme/app:1"],
        digests: [],
        labels: { seed: "acme/app:1" },
        created: new Date(0),
        parentID: "",
        size,
        sharedSize: undefined,
        containers: undefined,
        manifests: [],
      });
      const image = await engine.images.get("acme/app:1");
      assert.deepEqual(withoutPlace(image.attrs), {
        Id: id,
        RepoTags: ["acme/app:1"],
        RepoDigests: [],
        Parent: "",
        Comment: "",
        Created: "1970-01-01T00:00:00Z",
        Container: "",
        ContainerConfig: { ...EMPTY_CONFIG },
        DockerVersion: "",
        Author: "",
        Config: {
          ...EMPTY_CONFIG,
          Env: ["PATH=/usr/bin:/bin"],
          Cmd: ["/bin/sh"],
          Labels: { seed: "acme/app:1" },
        },
        Architecture: "amd64",
        Os: "linux",
        Size: size,
        VirtualSize: size,
        RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
      });
      const hex = id.slice("sha256:".length);
      const spellings = [
        "docker.io/acme/app:1",
        id,
        hex,
        hex.slice(0, 12),
        `sha256:${hex.slice(0, 9)}`,
      ];
      for (const name of spellings) assert.equal((await engine.images.get(name)).id, id, name);
      assert.equal((await engine.info())["Images"], 1);
    },
  },
  {
    name: "what is not there is refused in the same words",
    async run({ engine }) {
      const { images } = engine;
      await fails(
        images.get("nosuch:thing"),
        "IMAGE_NOT_FOUND",
        404,
        "no such image: nosuch:thing: No such image: nosuch:thing",
      );
      const missing = ["IMAGE_NOT_FOUND", 404, "No such image: nosuch:latest"] as const;
      await fails(images.history("nosuch"), ...missing);
      await fails(images.tag("nosuch", "a:1"), ...missing);
      await fails(images.remove("nosuch"), ...missing);
      await fails(
        images.get(`sha256:${"0".repeat(64)}`),
        "IMAGE_NOT_FOUND",
        404,
        `no such image: sha256:${"0".repeat(64)}: No such image: sha256:${"0".repeat(64)}`,
      );
      for (
        const [name, said] of [
          ["nosuch", "No such image: nosuch"],
          ["nosuch:1", "reference does not exist"],
        ] as const
      ) {
        await fails(readAll(images.save(name), MAX), "IMAGE_NOT_FOUND", 404, said);
      }
    },
  },
  {
    name: "names that are none are refused by the engine, where a client lets them through",
    async run(bench) {
      const words = { message: "invalid reference format: repository name must be lowercase" };
      for (
        const [method, path, status] of [
          ["GET", "/images/Foo/history", 400],
          ["DELETE", "/images/Foo", 400],
          ["GET", "/images/Foo/get", 500],
          ["GET", "/images/get?names=Foo", 500],
          ["POST", "/images/create?fromImage=Foo", 400],
          ["GET", "/distribution/Foo/json", 400],
        ] as const
      ) {
        const answer = await ask(bench, method, `/v1.41${path}`);
        assert.equal(answer.status, status, path);
        assert.deepEqual(await answer.json(), words, path);
      }
      const inspected = await ask(bench, "GET", "/v1.41/images/Foo/json");
      assert.equal(inspected.status, 400);
      assert.deepEqual(await inspected.json(), { message: `no such image: Foo: ${words.message}` });
      const blank = await ask(bench, "DELETE", "/v1.41/images/%20");
      assert.equal(blank.status, 400);
      assert.deepEqual(await blank.json(), { message: "image name cannot be blank" });
      const reserved = await ask(bench, "POST", "/v1.41/images/create?fromImage=scratch&tag=1");
      assert.equal(reserved.status, 403);
      assert.deepEqual(await reserved.json(), { message: "'scratch' is a reserved name" });
    },
  },
  {
    name: "names are given and move; an image that loses its last one dangles",
    async run(bench) {
      const { engine } = bench;
      const { images } = engine;
      const one = (await load(engine, "app:1")).manifest.config.digest;
      const two = (await load(engine, "app:2")).manifest.config.digest;
      assert.equal(await images.tag("app:1", "site"), "site:latest");
      assert.deepEqual((await images.get(one)).tags, ["app:1", "site:latest"]);
      assert.equal(await images.tag("app:2", "site"), "site:latest");
      assert.deepEqual((await images.get(one)).tags, ["app:1"]);
      assert.deepEqual((await images.get(two)).tags, ["app:2", "site:latest"]);
      await images.tag("app:2", "app:1");
      assert.deepEqual((await images.get(one)).tags, []);
      const dangling = await images.list({ filters: { dangling: true } });
      assert.deepEqual(dangling.map(({ id, tags, digests }) => ({ id, tags, digests })), [
        { id: one, tags: [], digests: [] },
      ]);
      const named = await images.list({ filters: { dangling: false } });
      assert.deepEqual(named.map(({ id }) => id), [two]);
      const raw = await (await ask(bench, "GET", "/v1.41/images/json")).json() as {
        readonly RepoTags: unknown;
        readonly RepoDigests: unknown;
      }[];
      const shown = raw.map(({ RepoTags, RepoDigests }) => JSON.stringify([RepoTags, RepoDigests]));
      assert.deepEqual(shown.sort(), [
        '[["<none>:<none>"],["<none>@<none>"]]',
        '[["app:1","app:2","site:latest"],null]',
      ]);
      assert.notEqual((await images.get("site")).attrs["Metadata"], undefined);
    },
  },
  {
    name: "names that cannot be given are refused",
    async run(bench) {
      await load(bench.engine, "app:1");
      for (
        const [query, status, message] of [
          ["repo=Foo", 500, "invalid reference format: repository name must be lowercase"],
          ["repo=x&tag=a!b", 500, "invalid tag format"],
          ["", 500, "invalid reference format"],
          [
            `repo=x%40sha256:${"0".repeat(64)}`,
            400,
            "refusing to create a tag with a digest reference",
          ],
          [
            "repo=sha256",
            400,
            "refusing to create an ambiguous tag using digest algorithm as name",
          ],
        ] as const
      ) {
        const answer = await ask(bench, "POST", `/v1.41/images/app:1/tag?${query}`);
        assert.equal(answer.status, status, query);
        assert.deepEqual(await answer.json(), { message }, query);
      }
      const both = await ask(bench, "POST", "/v1.41/images/app:1/tag?repo=x:two&tag=three");
      assert.equal(both.status, 201);
      assert.equal(both.headers.get("content-type"), null);
      assert.deepEqual(await names(bench.engine), ["app:1", "x:three"]);
    },
  },
  {
    name: "lists are chosen by names, labels and age",
    async run({ engine }) {
      const { images } = engine;
      await images.import(await treeOf("a"), { name: "app:old", changes: ["LABEL a=b c=d"] });
      // Engines count time in seconds where they compare.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await images.import(await treeOf("b"), { name: "acme/app:new", changes: ["LABEL a=x"] });
      await images.tag("acme/app:new", "app:new");
      const found = async (options: Parameters<typeof images.list>[0]): Promise<unknown> =>
        (await images.list(options)).map(({ tags }) => tags.join(" "));
      assert.deepEqual(await found({}), ["acme/app:new app:new", "app:old"]);
      // The names that do not fit are left out.
      assert.deepEqual(await found({ name: "app" }), ["app:new", "app:old"]);
      assert.deepEqual(await found({ name: "app:*" }), ["app:new", "app:old"]);
      assert.deepEqual(await found({ name: "*/app" }), ["acme/app:new"]);
      assert.deepEqual(await found({ filters: { reference: ["app:old", "acme/*"] } }), [
        "acme/app:new",
        "app:old",
      ]);
      assert.deepEqual(await found({ name: "docker.io/library/app" }), []);
      assert.deepEqual(await found({ filters: { label: "a" } }), [
        "acme/app:new app:new",
        "app:old",
      ]);
      assert.deepEqual(await found({ filters: { label: ["a=b", "c"] } }), ["app:old"]);
      assert.deepEqual(await found({ filters: { label: ["a=b", "e"] } }), []);
      assert.deepEqual(await found({ filters: { before: "app:new" } }), ["app:old"]);
      assert.deepEqual(await found({ filters: { since: "app:old" } }), ["acme/app:new app:new"]);
    },
  },
  {
    name: "filters that are none are refused",
    async run(bench) {
      for (
        const [filters, status, message] of [
          ["x", 500, "invalid character 'x' looking for beginning of value"],
          ['{"bogus":["x"]}', 400, "Invalid filter 'bogus'"],
          ['{"dangling":["maybe"]}', 400, "Invalid filter 'dangling=[maybe]'"],
          ['{"until":["1h"]}', 400, "Invalid filter 'until'"],
          ['{"since":["nosuch"]}', 404, "No such image: nosuch:latest"],
        ] as const
      ) {
        const path = `/v1.41/images/json?filters=${encodeURIComponent(filters)}`;
        const answer = await ask(bench, "GET", path);
        assert.equal(answer.status, status, filters);
        assert.deepEqual(await answer.json(), { message }, filters);
      }
      await load(bench.engine, "app:1", "filtered");
      const path = `/v1.41/images/json?filters=${
        encodeURIComponent('{"label":{"seed=filtered":true}}')
      }`;
      assert.equal((await (await ask(bench, "GET", path)).json() as unknown[]).length, 1);
      const old = await ask(bench, "GET", "/v1.40/images/json?filter=nosuch");
      assert.deepEqual(await old.json(), []);
    },
  },
  {
    name: "removing takes names away first, and then the image with its layers",
    async run({ engine }) {
      const { images } = engine;
      const { manifest, config } = await load(engine, "app:1");
      const id = manifest.config.digest;
      await images.tag("app:1", "site:1");
      await fails(
        images.remove(id),
        "ENGINE_CONFLICT",
        409,
        `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in ` +
          "multiple repositories",
      );
      assert.deepEqual(await images.remove("site:1"), { untagged: ["site:1"], deleted: [] });
      const { untagged, deleted } = await images.remove("app:1");
      assert.deepEqual(untagged, ["app:1"]);
      assert.equal(deleted.length, 1 + config.rootfs.diff_ids.length);
      assert.equal(deleted[0], id);
      // The chain ID of the lowest layer is its diffID.
      assert.equal(deleted.at(-1), config.rootfs.diff_ids[0]);
      assert.deepEqual(await images.list({ all: true }), []);
    },
  },
  {
    name: "removing by ID takes the only name along, and all of them by force",
    async run({ engine }) {
      const { images } = engine;
      const id = (await load(engine, "app:1")).manifest.config.digest;
      const removed = await images.remove(id.slice(7, 19));
      assert.deepEqual(removed.untagged, ["app:1"]);
      assert.equal(removed.deleted[0], id);
      await load(engine, "app:1");
      await images.tag("app:1", "site:1");
      const forced = await images.remove(id, { force: true });
      assert.deepEqual(forced.untagged, ["app:1", "site:1"]);
      assert.equal(forced.deleted[0], id);
      assert.deepEqual(await images.list({ all: true }), []);
    },
  },
  {
    name: "layers that another image has stay",
    async run({ engine }) {
      const { images } = engine;
      const first = await images.import(await treeOf("a"), { name: "a:1" });
      const second = await images.import(await treeOf("a"), { name: "b:1", message: "other" });
      assert.notEqual(first.id, second.id);
      const removed = await images.remove("a:1");
      assert.deepEqual(removed, { untagged: ["a:1"], deleted: [first.id] });
      const { deleted } = await images.remove("b:1");
      assert.deepEqual(deleted, [second.id, digestBytes("sha256", await treeOf("a"))]);
    },
  },
  {
    name: "pruning removes what dangles, or what has a name too, and says how much it was",
    async run({ engine }) {
      const { images } = engine;
      const one = await images.import(await treeOf("one", "12345"), { name: "app:1" });
      const two = await images.import(await treeOf("two", "1234567"), { name: "app:1" });
      const pruned = await images.prune();
      assert.deepEqual(pruned, {
        untagged: [],
        deleted: [one.id, digestBytes("sha256", await treeOf("one", "12345"))],
        spaceReclaimed: 5,
      });
      const kept = await images.prune({ filters: { dangling: false, label: "nosuch" } });
      assert.equal(kept.deleted.length, 0);
      const old = await images.prune({ filters: { dangling: false, until: "1h" } });
      assert.equal(old.deleted.length, 0);
      const all = await images.prune({ filters: { dangling: false } });
      assert.deepEqual(all.untagged, ["app:1"]);
      assert.equal(all.deleted[0], two.id);
      assert.equal(all.spaceReclaimed, 7);
    },
  },
  {
    name: "archives go out and come in again with names, IDs and files",
    async run({ engine }) {
      const { images } = engine;
      const one = await load(engine, "app:1");
      const two = await load(engine, "acme/site:2");
      await images.tag("app:1", "app:alias");
      const both = await readAll(images.save(["app:1", "acme/site:2"]), MAX);
      const archive = dockerArchive(both);
      const roots: string[] = [];
      for await (const { reference } of archive.roots()) roots.push(reference ?? "");
      assert.deepEqual(roots.sort(), ["acme/site:2", "app:1"]);
      const read = await archive.resolve("app:1");
      const manifest = JSON.parse(
        new TextDecoder().decode(await readAll(await archive.fetch(read), MAX)),
      ) as typeof one.manifest;
      assert.equal(manifest.config.digest, one.manifest.config.digest);
      assert.deepEqual(
        manifest.layers.map(({ digest }) => digest),
        one.config.rootfs.diff_ids,
      );
      await archive.close();
      for (const { manifest: { config } } of [one, two]) {
        await images.remove(config.digest, { force: true });
      }
      const loaded = await images.load(both);
      assert.deepEqual([...loaded.names].sort(), ["acme/site:2", "app:1"]);
      assert.equal((await images.get("app:1")).id, one.manifest.config.digest);
    },
  },
  {
    name: "an archive has the names that were asked for: one, all of a repository, or none",
    async run({ engine }) {
      const { images } = engine;
      await load(engine, "app:1");
      await images.tag("app:1", "app:2");
      await images.tag("app:1", "other:1");
      const image = await images.get("app:1");
      const manifestOf = async (bytes: Bytes): Promise<readonly (readonly string[] | null)[]> => {
        const store = dockerArchive(bytes);
        const found: string[] = [];
        for await (const { reference } of store.roots()) found.push(reference ?? "none");
        await store.close();
        return [found.sort()];
      };
      const saved = async (name: string): Promise<unknown> =>
        (await manifestOf(await readAll(images.save(name), MAX)))[0];
      assert.deepEqual(await saved("app:2"), ["app:2"]);
      assert.deepEqual(await saved("app"), ["app:1", "app:2"]);
      assert.deepEqual(await saved(image.id), ["none"]);
      assert.deepEqual(
        (await manifestOf(await readAll(image.save({ named: "other:1" }), MAX)))[0],
        ["other:1"],
      );
      const nameless = await readAll(image.save(), MAX);
      const { names: loaded } = await images.load(nameless);
      assert.deepEqual(loaded, [image.id]);
    },
  },
  {
    name: "nothing is saved of no names, and loading it loads nothing",
    async run(bench) {
      const answer = await ask(bench, "GET", "/v1.41/images/get");
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "application/x-tar");
      const archive = new Uint8Array(await answer.arrayBuffer());
      const error = await failure(bench.engine.images.load(archive));
      assert.equal(error["code"], "LOAD_FAILED", String(error));
      const comma = await ask(bench, "GET", "/v1.41/images/get?names=a,b");
      assert.equal(comma.status, 500);
      assert.deepEqual(await comma.json(), { message: "invalid reference format" });
    },
  },
  {
    name: "archives that are none are refused in a good answer",
    async run({ engine }) {
      const words = "Error processing tar file(exit status 1): unexpected EOF";
      const cut = (await treeOf("manifest.json", " ".repeat(4000))).subarray(0, 2000);
      for (const bytes of [utf8("notatar"), cut]) {
        await fails(engine.images.load(bytes), "LOAD_FAILED", 200, words);
      }
      const layout = await tarOf(
        { path: "oci-layout", body: utf8('{"imageLayoutVersion":"1.0.0"}') },
        { path: "index.json", body: utf8('{"schemaVersion":2,"manifests":[]}') },
        { path: "blobs/", type: "directory" },
      );
      for (
        const [bytes, file] of [
          [layout, "blobs/json"],
          [new Uint8Array(), "repositories"],
          [await tarOf(), "repositories"],
        ] as const
      ) {
        const words = new RegExp(
          `^open \\S+/docker-import-\\d+/${file}: no such file or directory$`,
        );
        await fails(engine.images.load(bytes), "LOAD_FAILED", 200, words);
      }
      assert.deepEqual(await engine.images.list({ all: true }), []);
    },
  },
  {
    name: "archives may be compressed, and layers that come are told unless it is to be quiet",
    async run({ engine }) {
      const { images } = engine;
      const image = await imageOf("compressed");
      const archive = await archiveOf({ "app:1": image });
      const compressed = await readAll(gzip(streamOf(archive)), MAX);
      const { result, events } = await eventsOf(images.load(compressed));
      assert.deepEqual(result.names, ["app:1"]);
      const layers = events.flatMap((event) => event.type === "layer" ? [event] : []);
      const ids = new Set(layers.map(({ id }) => id));
      assert.deepEqual([...ids], image.config.rootfs.diff_ids.map((id) => id.slice(7, 19)));
      for (const { status, current = 0, total = 0 } of layers) {
        assert.equal(status, "Loading layer");
        assert.ok(total > 0 && current <= total);
      }
      const again = await eventsOf(images.load(archive));
      assert.deepEqual(again.events, [{ type: "log", text: "Loaded image: app:1\n" }]);
      const other = await archiveOf({ "app:1": await imageOf("another") });
      const quiet = await eventsOf(images.load(other, { quiet: true }));
      const old = `The image app:1 already exists, renaming the old one with ID ${
        (await imageOf("compressed")).manifest.config.digest
      } to empty string\n`;
      assert.deepEqual(quiet.events, [
        { type: "log", text: old },
        { type: "log", text: "Loaded image: app:1\n" },
      ]);
    },
  },
  {
    name: "the archive of a file tree becomes an image",
    async run({ engine }) {
      const { images } = engine;
      const tree = await treeOf("hello.txt");
      const changes = ['CMD ["sh"]', "ENV A=b C='d e'", "LABEL x=y", "WORKDIR /srv", "EXPOSE 80"];
      const image = await images.import(tree, { name: "app", tag: "1", changes, message: "mine" });
      assert.match(image.id, ID_REGEXP);
      assert.deepEqual(image.tags, ["app:1"]);
      assert.deepEqual(image.labels, { x: "y" });
      assert.equal(image.size, 6);
      const config = image.attrs["Config"] as Record<string, unknown>;
      assert.deepEqual(config["Cmd"], ["sh"]);
      assert.deepEqual(config["Env"], ["A=b", "C=d e"]);
      assert.equal(config["WorkingDir"], "/srv");
      assert.deepEqual(config["ExposedPorts"], { "80/tcp": {} });
      assert.equal(image.attrs["Comment"], "mine");
      const root = image.attrs["RootFS"] as Record<string, unknown>;
      assert.deepEqual(root["Layers"], [digestBytes("sha256", tree)]);
      const [step, ...more] = await image.history();
      assert.deepEqual(more, []);
      assert.deepEqual({ ...step, created: undefined }, {
        id: image.id,
        created: undefined,
        createdBy: "",
        comment: "mine",
        size: 6,
        tags: ["app:1"],
      });
      const plain = await images.import(await readAll(gzip(streamOf(tree)), MAX));
      assert.deepEqual(plain.tags, []);
      assert.equal(plain.attrs["Comment"], "Imported from -");
    },
  },
  {
    name: "trees and changes that cannot be imported are refused",
    async run({ engine }) {
      const { images } = engine;
      const tree = await treeOf("a");
      await fails(
        images.import(tree, { changes: ["RUN x"] }),
        "LOAD_FAILED",
        400,
        "run is not a valid change command",
      );
      const cut = (await treeOf("a", "x".repeat(4000))).subarray(0, 2000);
      await fails(
        images.import(cut),
        "LOAD_FAILED",
        500,
        "ApplyLayer exit status 1 stdout:  stderr: unexpected EOF",
      );
      assert.deepEqual(await images.list({ all: true }), []);
    },
  },
  {
    name: "images are pulled by tag and by digest, and once only",
    async run(bench) {
      const { engine, host } = bench;
      const { images } = engine;
      const image = await imageOf("pulled");
      await putIntoRegistry(bench, "acme/app", "1", image);
      const name = `${host}/acme/app:1`;
      const { result, events } = await eventsOf(images.pull(name));
      assert.equal(result.id, image.manifest.config.digest);
      assert.deepEqual(result.tags, [name]);
      const digested = `${host}/acme/app@${image.descriptor.digest}`;
      assert.deepEqual(result.digests, [digested]);
      assert.deepEqual(statuses(events), [
        "Pulling from acme/app",
        `Digest: ${image.descriptor.digest}`,
        `Status: Downloaded newer image for ${name}`,
      ]);
      assert.deepEqual(events[0], { type: "status", text: "Pulling from acme/app", id: "1" });
      const done = events.flatMap((event) =>
        event.type === "layer" && event.status === "Pull complete" ? [event.id] : []
      );
      assert.deepEqual(done, image.manifest.layers.map(({ digest }) => digest.slice(7, 19)));
      const again = await eventsOf(images.pull(name));
      assert.equal(statuses(again.events).at(-1), `Status: Image is up to date for ${name}`);
      await images.remove(name);
      const byDigest = await eventsOf(images.pull(digested));
      assert.deepEqual(byDigest.result.tags, []);
      assert.deepEqual(byDigest.result.digests, [digested]);
      assert.equal((await images.get(digested)).id, result.id);
      const { untagged, deleted } = await images.remove(digested);
      assert.deepEqual(untagged, [digested]);
      assert.equal(deleted[0], result.id);
    },
  },
  {
    name: "a name takes those with digests along when it goes",
    async run(bench) {
      const { engine, host } = bench;
      const image = await imageOf("digested");
      await putIntoRegistry(bench, "acme/app", "1", image);
      await engine.images.pull(`${host}/acme/app:1`);
      const { untagged } = await engine.images.remove(`${host}/acme/app:1`);
      assert.deepEqual(untagged, [
        `${host}/acme/app:1`,
        `${host}/acme/app@${image.descriptor.digest}`,
      ]);
    },
  },
  {
    name: "all tags of a repository are pulled one after the other",
    async run(bench) {
      const { engine, host } = bench;
      for (const tag of ["1", "2"]) {
        await putIntoRegistry(bench, "acme/app", tag, await imageOf(`tag ${tag}`));
      }
      const { result, events } = await eventsOf(engine.images.pullAll(`${host}/acme/app`));
      assert.deepEqual(result.flatMap(({ tags }) => tags).sort(), [
        `${host}/acme/app:1`,
        `${host}/acme/app:2`,
      ]);
      const pulling = statuses(events).filter((text) => text.startsWith("Pulling from"));
      assert.deepEqual(pulling, ["Pulling from acme/app", "Pulling from acme/app"]);
    },
  },
  {
    name: "of an index the image of the platform is pulled, if there is one",
    async run(bench) {
      const { engine, host } = bench;
      const { images } = engine;
      const index = await randomIndex("index", { format: "docker", files: 1, maxFileBytes: 100 });
      await putIntoRegistry(bench, "acme/multi", "1", index);
      const name = `${host}/acme/multi:1`;
      const [amd64, arm64] = index.images;
      const own = await images.pull(name);
      assert.equal(own.id, amd64?.manifest.config.digest);
      assert.deepEqual(own.digests, [`${host}/acme/multi@${index.descriptor.digest}`]);
      const other = await images.pull(name, { platform: "linux/arm64" });
      assert.equal(other.id, arm64?.manifest.config.digest);
      assert.equal(other.platform.architecture, "arm64");
      await fails(
        images.pull(name, { platform: "linux/s390x" }),
        "PULL_FAILED",
        200,
        /^no matching manifest for linux\/s390x in the manifest list entries$/,
      );
    },
  },
  {
    name: "what a registry does not have is not pulled",
    async run(bench) {
      const { engine, host } = bench;
      await putIntoRegistry(bench, "acme/app", "1", await imageOf("there"));
      for (const name of [`${host}/acme/app:nosuch`, `${host}/acme/nosuch:1`]) {
        await fails(
          engine.images.pull(name),
          "PULL_FAILED",
          404,
          // The registry has the last words.
          new RegExp(`^manifest for ${name} not found: manifest unknown: `),
        );
      }
      const bad = `/v1.41/images/create?fromImage=${host}/acme/app&tag=1&platform=foobar`;
      const answer = await ask(bench, "POST", bad);
      assert.equal(answer.status, 400);
      assert.deepEqual(await answer.json(), {
        message: '"foobar": unknown operating system or architecture: invalid argument',
      });
    },
  },
  {
    name: "pushing tells the digest, and the registry has the image then",
    async run(bench) {
      const { engine, host, registryTransport: transport } = bench;
      const { images } = engine;
      const { manifest, config } = await load(engine, `${host}/acme/app:1`, "pushed");
      const { result, events } = await eventsOf(images.push(`${host}/acme/app:1`));
      assert.equal(statuses(events)[0], `The push refers to repository [${host}/acme/app]`);
      assert.deepEqual(result.tags.map(({ tag }) => tag), ["1"]);
      assert.equal(result.reference, `${host}/acme/app@${result.digest}`);
      const pushed = events.flatMap((event) =>
        event.type === "layer" && event.status === "Pushed" ? [event.id] : []
      );
      assert.deepEqual(pushed.sort(), config.rootfs.diff_ids.map((id) => id.slice(7, 19)).sort());
      const registry = new Registry(host, transport === undefined ? {} : { transport });
      const found = await registry.repository("acme/app").manifest("1");
      assert.equal(found.descriptor.digest, result.digest);
      assert.equal(found.descriptor.size, result.tags[0]?.size);
      assert.ok(found.parsed.kind === "image");
      assert.equal(found.parsed.value.config.digest, manifest.config.digest);
      assert.deepEqual((await images.get(`${host}/acme/app:1`)).digests, [result.reference]);
      const again = await eventsOf(images.push(`${host}/acme/app:1`));
      const states = again.events.flatMap((event) => event.type === "layer" ? [event.status] : []);
      assert.ok(states.includes("Layer already exists"), states.join());
      assert.equal(again.result.digest, result.digest);
      await images.tag(`${host}/acme/app:1`, `${host}/acme/app:2`);
      const all = await images.push(`${host}/acme/app`, { allTags: true });
      assert.deepEqual(all.tags.map(({ tag }) => tag).sort(), ["1", "2"]);
      await images.remove(manifest.config.digest, { force: true });
      assert.equal((await images.pull(result.reference)).id, manifest.config.digest);
    },
  },
  {
    name: "what cannot be pushed is told in a good answer, or refused",
    async run(bench) {
      const { engine, host } = bench;
      await load(engine, `${host}/acme/app:1`, "stays");
      await fails(
        engine.images.push(`${host}/acme/app:nosuch`),
        "PUSH_FAILED",
        200,
        `tag does not exist: ${host}/acme/app:nosuch`,
      );
      await fails(
        engine.images.push(`${host}/acme/nosuch:1`),
        "PUSH_FAILED",
        200,
        `An image does not exist locally with the tag: ${host}/acme/nosuch`,
      );
      const bare = await ask(bench, "POST", `/v1.41/images/${host}/acme/app/push?tag=1`);
      assert.equal(bare.status, 400);
      assert.deepEqual(await bare.json(), {
        message: "Bad parameters and missing X-Registry-Auth: EOF",
      });
    },
  },
  {
    name: "registries are asked about images by way of the engine",
    async run(bench) {
      const { engine, host } = bench;
      const { images } = engine;
      const single = await imageOf("asked");
      await putIntoRegistry(bench, "acme/app", "1", single);
      const data = await images.distribution(`${host}/acme/app:1`);
      assert.deepEqual(data.descriptor, single.descriptor);
      assert.deepEqual(data.platforms, [{ os: "linux", architecture: "amd64" }]);
      assert.equal(await data.hasPlatform("linux/amd64"), true);
      assert.equal(await data.hasPlatform("linux/arm64"), false);
      const index = await randomIndex("asked", { files: 1, maxFileBytes: 100 });
      await putIntoRegistry(bench, "acme/multi", "1", index);
      const multi = await images.distribution(`${host}/acme/multi:1`);
      assert.equal(multi.id, index.descriptor.digest);
      assert.equal(await multi.hasPlatform("linux/arm64/v8"), true);
      const oci = await randomImage("oci", { files: 1, maxFileBytes: 100 });
      await putIntoRegistry(bench, "acme/oci", "1", oci);
      assert.equal((await images.distribution(`${host}/acme/oci:1`)).platforms, undefined);
      const error = await failure(images.distribution(`${host}/acme/nosuch:1`));
      assert.equal(error["status"], 404, String(error));
      const pulled = await data.pull();
      assert.deepEqual(pulled.digests, [`${host}/acme/app@${single.descriptor.digest}`]);
    },
  },
  {
    name: "credentials are tried at a registry",
    async run(bench) {
      const { engine, host } = bench;
      const answer = await engine.login({ registry: host, username: "u", password: "p" });
      assert.deepEqual(answer, { status: "Login Succeeded", identityToken: "" });
      const empty = await ask(bench, "POST", "/v1.41/auth");
      assert.equal(empty.status, 500);
      assert.deepEqual(await empty.json(), { message: "EOF" });
    },
  },
  {
    name: "searches for too much or too little are refused",
    async run(bench) {
      for (const limit of [0, 1000]) {
        const answer = await ask(bench, "GET", `/v1.41/images/search?term=x&limit=${limit}`);
        assert.equal(answer.status, 400);
        assert.deepEqual(await answer.json(), {
          message: `Limit ${limit} is outside the range of [1, 100]`,
        });
      }
    },
  },
  {
    name: "a Dockerfile from scratch is built, step by step",
    async run({ engine }) {
      const { images } = engine;
      const entries = [
        {
          path: "Dockerfile",
          body: "FROM scratch\nARG who=me\nCOPY a.txt b/ /srv/\nENV A=b\nLABEL by=${who}\n" +
            'WORKDIR /srv\nENTRYPOINT ["/srv/a"]\nCMD ["-v"]\n',
        },
        { path: "a.txt", body: "hello\n" },
        { path: "b/", type: "directory" as const },
        { path: "b/c.txt", body: "ä" },
      ];
      const build = images.build({ entries }, {
        tags: ["app:1", "app:2"],
        labels: { x: "y" },
        buildArgs: { who: "you" },
      });
      let log = "";
      for await (const event of build) if (event.type === "log") log += event.text;
      const image = await build;
      assert.deepEqual(image.tags, ["app:1", "app:2"]);
      assert.deepEqual(image.labels, { by: "you", x: "y" });
      assert.equal(image.size, 8);
      const config = image.attrs["Config"] as Record<string, unknown>;
      assert.deepEqual((config["Env"] as readonly string[]).filter((one) => one !== PATH), ["A=b"]);
      assert.deepEqual(config["Entrypoint"], ["/srv/a"]);
      assert.deepEqual(config["Cmd"], ["-v"]);
      assert.equal(config["WorkingDir"], "/srv");
      assert.match(
        log,
        /^Step 1\/9 : FROM scratch\n ---> \nStep 2\/9 : ARG who=me\n ---> Running in/,
      );
      assert.match(log, /\nStep 3\/9 : COPY a.txt b\/ \/srv\/\n ---> [0-9a-f]{12}\nStep 4\/9/);
      const short = image.id.slice(7, 19);
      assert.ok(
        log.endsWith(
          ` ---> ${short}\nSuccessfully built ${short}\nSuccessfully tagged app:1\n` +
            "Successfully tagged app:2\n",
        ),
        log,
      );
      const steps = await image.history();
      assert.equal(steps.length, 8);
      assert.equal(steps[0]?.id, image.id);
      assert.ok(steps.every(({ id }) => id !== undefined));
      assert.deepEqual(steps.map(({ size }) => size), [0, 0, 0, 0, 0, 0, 8, 0]);
      assert.match(steps[1]?.createdBy ?? "", /^\/bin\/sh -c #\(nop\) {2}CMD \["-v"\]$/);
      assert.equal((await images.list()).length, 1);
      assert.equal((await images.list({ all: true })).length, 8);
      assert.equal((await engine.info())["Images"], 8);
      const parent = String(image.attrs["Parent"]);
      await fails(
        images.remove(parent),
        "ENGINE_CONFLICT",
        409,
        `conflict: unable to delete ${parent.slice(7, 19)} (cannot be forced) - image has ` +
          "dependent child images",
      );
      await images.remove("app:1");
      const { deleted } = await images.remove("app:2");
      // The steps go with what was made of them; one of them has a layer.
      assert.equal(deleted.length, 9);
      assert.deepEqual(await images.list({ all: true }), []);
    },
  },
  {
    name: "what is built begins with an image of the engine, or with one of a registry",
    async run(bench) {
      const { engine, host } = bench;
      const { images } = engine;
      const base = await load(engine, "base:1");
      const dockerfile = "FROM base:1\nLABEL a=b\n";
      const image = await images.build({ dockerfile }, { tags: "app:1" });
      assert.equal(image.attrs["Parent"], base.manifest.config.digest);
      assert.deepEqual(image.labels, { seed: "base:1", a: "b" });
      assert.deepEqual(
        (image.attrs["RootFS"] as Record<string, unknown>)["Layers"],
        base.config.rootfs.diff_ids,
      );
      const remote = await imageOf("remote base");
      await putIntoRegistry(bench, "acme/base", "1", remote);
      const other = await images.build({ dockerfile: `FROM ${host}/acme/base:1\nUSER 1\n` });
      assert.equal(other.attrs["Parent"], remote.manifest.config.digest);
      const missing = images.build({ dockerfile: `FROM ${host}/acme/nosuch:1\n` });
      const error = await failure(missing);
      assert.equal(error["code"], "BUILD_FAILED");
      assert.match(
        String(error["said"]),
        /^manifest for \S+\/acme\/nosuch:1 not found: manifest unknown: /,
      );
      assert.match(String(error["log"]), /^Step 1\/1 : FROM /);
    },
  },
  {
    name: "a stage is where a build may end",
    async run({ engine }) {
      const dockerfile = "FROM scratch AS one\nLABEL a=1\nFROM scratch AS two\nLABEL a=2\n";
      const one = await engine.images.build({ dockerfile }, { target: "one" });
      assert.deepEqual(one.labels, { a: "1" });
      const two = await engine.images.build({ dockerfile });
      assert.deepEqual(two.labels, { a: "2" });
      await fails(
        engine.images.build({ dockerfile }, { target: "zz" }),
        "BUILD_FAILED",
        400,
        "failed to reach build target zz in Dockerfile",
      );
    },
  },
  {
    name: "a quiet build tells the ID and no more",
    async run({ engine }) {
      const build = engine.images.build({ dockerfile: "FROM scratch\nLABEL a=b\n" }, {
        quiet: true,
      });
      const events = [];
      for await (const event of build) events.push(event);
      const { id } = await build;
      assert.deepEqual(events, [{ type: "log", text: `${id}\n` }]);
    },
  },
  {
    name: "builds that cannot be are refused in the same words",
    async run({ engine }) {
      const { images } = engine;
      const build = (dockerfile: string): PromiseLike<unknown> =>
        images.build({ entries: [{ path: "Dockerfile", body: dockerfile }] });
      await fails(
        build("FROM scratch\nCOPY missing /x\n"),
        "BUILD_FAILED",
        200,
        "COPY failed: file not found in build context or excluded by .dockerignore: stat missing: " +
          "file does not exist",
      );
      await fails(
        build("FROM scratch\n"),
        "BUILD_FAILED",
        200,
        "No image was generated. Is your Dockerfile empty?",
      );
      await fails(
        build("FROM scratch\nFOO x\n"),
        "BUILD_FAILED",
        400,
        "dockerfile parse error line 2: unknown instruction: FOO",
      );
      await fails(
        build("# nothing\n"),
        "BUILD_FAILED",
        400,
        "failed to parse Dockerfile: file with no instructions",
      );
      await fails(build(""), "BUILD_FAILED", 400, "the Dockerfile (Dockerfile) cannot be empty");
      await fails(
        images.build({ entries: [{ path: "a", body: "b" }] }),
        "BUILD_FAILED",
        500,
        "Cannot locate specified Dockerfile: Dockerfile",
      );
    },
  },
];

/** What builders put into the environment of images from nothing. */
const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const EMPTY_CONFIG = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};
