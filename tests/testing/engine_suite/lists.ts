/** What every engine does: images listed, inspected and chosen. */
import assert from "node:assert/strict";
import { readAll } from "../../../lib/bytes/mod.ts";
import { ask, type EngineCase, fails, load, MAX, treeOf } from "./bench.ts";

/** The config of an image that says nothing. */
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

/** The fields of `inspect` that say where, not what. */
function withoutPlace(attrs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { GraphDriver: _, Metadata: __, ...rest } = attrs;
  return rest;
}

export const LISTS: readonly EngineCase[] = [
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
        descriptor: undefined,
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
];
