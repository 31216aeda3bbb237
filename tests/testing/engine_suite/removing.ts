/** What every engine does: images removed and pruned. */
import assert from "node:assert/strict";
import { digestBytes } from "../../../lib/hash/mod.ts";
import { type EngineCase, fails, load, treeOf } from "./bench.ts";

export const REMOVING: readonly EngineCase[] = [
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
];
