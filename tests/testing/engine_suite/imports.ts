/** What every engine does: file trees that become images. */
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../../lib/bytes/mod.ts";
import { gzip } from "../../../lib/compress/mod.ts";
import { digestBytes } from "../../../lib/hash/mod.ts";
import { type EngineCase, fails, MAX, treeOf } from "./bench.ts";

const ID_REGEXP = /^sha256:[0-9a-f]{64}$/;

export const IMPORTS: readonly EngineCase[] = [
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
];
