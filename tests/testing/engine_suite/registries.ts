/** What every engine does: what else is done at registries: pushes, questions, logins, searches. */
import assert from "node:assert/strict";
import { Registry } from "../../../lib/registry/mod.ts";
import { randomImage, randomIndex } from "../../../lib/testing/mod.ts";
import {
  ask,
  type EngineCase,
  eventsOf,
  fails,
  failure,
  imageOf,
  load,
  putIntoRegistry,
  statuses,
} from "./bench.ts";

export const REGISTRIES: readonly EngineCase[] = [
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
];
