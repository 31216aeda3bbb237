/** What every engine does: images that come from registries. */
import assert from "node:assert/strict";
import { randomIndex } from "../../../lib/testing/mod.ts";
import {
  ask,
  type EngineCase,
  eventsOf,
  fails,
  imageOf,
  putIntoRegistry,
  statuses,
} from "./bench.ts";

export const PULLS: readonly EngineCase[] = [
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
];
