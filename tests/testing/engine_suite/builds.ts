/** What every engine does: images that are built. */
import assert from "node:assert/strict";
import { type EngineCase, fails, failure, imageOf, load, putIntoRegistry } from "./bench.ts";

/** What builders put into the environment of images from nothing. */
const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const BUILDS: readonly EngineCase[] = [
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
