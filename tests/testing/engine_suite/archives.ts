/** What every engine does: images saved and loaded. */
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../../lib/bytes/mod.ts";
import { gzip } from "../../../lib/compress/mod.ts";
import type { Bytes } from "../../../lib/model/bytes.ts";
import { dockerArchive } from "../../../lib/store/mod.ts";
import {
  archiveOf,
  ask,
  type EngineCase,
  eventsOf,
  fails,
  failure,
  imageOf,
  load,
  MAX,
  tarOf,
  treeOf,
  utf8,
} from "./bench.ts";

export const ARCHIVES: readonly EngineCase[] = [
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
];
