/** What every engine does: names that images have, get and lose. */
import assert from "node:assert/strict";
import { ask, type EngineCase, load } from "./bench.ts";

export const NAMES: readonly EngineCase[] = [
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
      const [image] = await bench.engine.images.list();
      assert.deepEqual(image?.tags, ["app:1", "x:three"]);
    },
  },
];
