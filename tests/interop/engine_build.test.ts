// Builds on a real Docker engine: classic and BuildKit, beside what the docker command builds.
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  BuildError,
  type BuildEvent,
  type BuildOptions,
  BuildSessionError,
  Engine,
  type EngineImage,
  type Operation,
} from "../../lib/runtime/engine.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import { type DockerEngine, noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { component, inScratch, mustRun } from "../support/program.ts";

const skip = noDockerEngine("busybox");

function write(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

/** An engine that has `busybox:base`, which needs no network. */
async function withBase(
  folder: string,
  work: (engine: Engine, docker: DockerEngine) => Promise<void>,
): Promise<void> {
  await withDockerEngine(join(folder, "engine"), async (docker) => {
    await using engine = await Engine.connect({ host: docker.env["DOCKER_HOST"] ?? "" });
    const body = new Uint8Array(readFileSync(component("busybox") ?? "busybox"));
    const link = (path: string) => ({ path, type: "symlink" as const, linkPath: "busybox" });
    const names = [
      "sh",
      "ls",
      "cat",
      "find",
      "sort",
      "sleep",
      "echo",
      "id",
      "env",
      "test",
      "mkdir",
    ];
    const root = writeTar([
      { path: "bin", type: "directory" },
      { path: "bin/busybox", body, mode: 0o755 },
      ...names.map((name) => link(`bin/${name}`)),
      { path: "etc", type: "directory" },
      { path: "etc/passwd", body: utf8("root:x:0:0::/:/bin/sh\nwho:x:7:7::/:/bin/sh\n") },
      { path: "tmp", type: "directory", mode: 0o1777 },
    ]);
    await engine.images.import(root, { name: "busybox:base", changes: ["ENV PATH=/bin"] });
    await work(engine, docker);
  });
}

interface Told {
  readonly image: EngineImage;
  readonly events: readonly BuildEvent[];
  readonly log: string;
}

async function told(build: Operation<EngineImage, BuildEvent>): Promise<Told> {
  const events: BuildEvent[] = [];
  for await (const event of build) events.push(event);
  const log = events.map((event) => event.type === "log" ? event.text : "").join("");
  return { image: await build, events, log };
}

async function failed(
  build: Operation<EngineImage, BuildEvent>,
  what = "the build",
): Promise<BuildError> {
  try {
    await build;
  } catch (error) {
    assert.ok(error instanceof BuildError, String(error));
    return error;
  }
  throw new Error(`${what} should have failed`);
}

/** So long sleeps no other program of this machine. */
const SLEEP_SECONDS = 98_765;

/** Whether a step of a build sleeps on this machine. */
function isSleeping(): boolean {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).some((id) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, "utf8").includes(`sleep\0${SLEEP_SECONDS}`);
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
}

function configOf({ attrs }: EngineImage): Record<string, unknown> {
  return attrs["Config"] as Record<string, unknown>;
}

test(
  "the classic builder builds from every kind of context",
  { skip },
  () =>
    inScratch((folder) =>
      withBase(folder, async ({ images }, { docker, env }) => {
        const run = (text: string, options: BuildOptions = {}) =>
          told(images.build({ dockerfile: `FROM busybox:base\n${text}` }, options));

        // What docker-py's build_with_dockerignore pins.
        const context = write(join(folder, "ignoring"), {
          "Dockerfile": "FROM busybox:base\nADD . /test\nRUN find /test -type f | sort\n",
          ".dockerignore": [
            "ignored",
            "Dockerfile",
            ".dockerignore",
            " ignored-with-spaces ",
            "!ignored/subdir/excepted-file",
            "! ignored/subdir/excepted-with-spaces  ",
            "",
            "#*",
          ].join("\n"),
          "not-ignored": "this file should not be ignored",
          "#file.txt": "this file should not be ignored",
          "ignored/ignored-file": "",
          "ignored-with-spaces": "",
          "ignored/subdir/excepted-file": "",
          "ignored/subdir/excepted-with-spaces": "",
        });
        const { log } = await told(images.build(context, { tags: ["app:1", "app:2"] }));
        assert.deepEqual(log.match(/^\/test.*$/gm), [
          "/test/#file.txt",
          "/test/ignored/subdir/excepted-file",
          "/test/ignored/subdir/excepted-with-spaces",
          "/test/not-ignored",
        ]);
        assert.deepEqual([...(await images.get("app:1")).tags].sort(), ["app:1", "app:2"]);

        // The same files give the same image from the docker command, out of the cache.
        const shared = write(join(folder, "shared"), {
          "Dockerfile": "FROM busybox:base\nCOPY . /all\nRUN ls -l /all\n",
          "a.txt": "a",
          "dir/script": "#!/bin/sh\n",
          "naïve-日本.txt": "text",
        });
        chmodSync(join(shared, "dir/script"), 0o750);
        symlinkSync("/nowhere", join(shared, "link"));
        const quiet = { ...env, DOCKER_BUILDKIT: "0" };
        const { stdout } = await mustRun("docker", ["build", "-q", shared], { env: quiet });
        const again = await told(images.build(shared));
        assert.equal(again.image.id, stdout.trim());
        assert.equal(again.log.match(/Using cache/g)?.length, 2);
        assert.equal((await images.build(shared, { quiet: true })).id, again.image.id);
        assert.equal((await images.build(shared, { gzip: true, mtime: 0 })).id, again.image.id);

        // A Dockerfile from outside is not seen by COPY, whatever the context is.
        const outside = write(join(folder, "outside"), {
          "context/file.txt": "file",
          "Dockerfile.out": "FROM busybox:base\nCOPY . /src\nWORKDIR /src\nRUN ls -A\n",
        });
        const out = await told(
          images.build(join(outside, "context"), { dockerfile: "../Dockerfile.out" }),
        );
        assert.match(out.log, /Running in [0-9a-f]+\nfile\.txt\nRemoving/);
        const archive = await readAll(
          gzip(writeTar([{ path: "file.txt", body: utf8("file") }])),
          { maxBytes: 1e6 },
        );
        const content = "FROM busybox:base\nCOPY . /tar\nRUN ls -A /tar\n";
        const added = await told(images.build(archive, { dockerfile: { content } }));
        assert.match(added.log, /Running in [0-9a-f]+\nfile\.txt\nRemoving/);
        for (const dockerfile of ["custom", "hello/custom", join(folder, "inside/hello/custom")]) {
          const inside = write(join(folder, "inside"), {
            "custom": "FROM busybox:base\nCOPY . /in\n",
            "hello/custom": "FROM busybox:base\nCOPY . /in\n",
          });
          const found = await told(images.build(inside, { dockerfile }));
          assert.match(found.log, /Successfully built/, dockerfile);
        }

        // Archives as they are, entries, a Dockerfile alone.
        const plain = () => writeTar([{ path: "D", body: utf8("FROM scratch\nLABEL a=b\n") }]);
        const first = await images.build(plain(), { dockerfile: "D" });
        const second = await images.build(gzip(plain()), { dockerfile: "D" });
        const third = await images.build({ dockerfile: "FROM scratch\nLABEL a=b\n" });
        const entries = [{ path: "Dockerfile", body: "FROM scratch\nLABEL a=b\n" }];
        const fourth = await images.build({ entries });
        assert.deepEqual(new Set([first.id, second.id, third.id, fourth.id]).size, 1);
        assert.deepEqual(first.labels, { a: "b" });

        // What the engine fetches itself.
        const server = createServer((request, response) => {
          if (request.url === "/Dockerfile") {
            response.setHeader("content-type", "text/plain");
            response.end("FROM scratch\nLABEL a=b\n");
          } else {
            response.setHeader("content-type", "application/x-tar");
            response.end(archive);
          }
        }).listen(0, "127.0.0.1");
        await new Promise((resolve) => server.once("listening", resolve));
        try {
          const { port } = server.address() as AddressInfo;
          const remote = await told(images.build(`http://127.0.0.1:${port}/Dockerfile`));
          assert.equal(remote.image.id, first.id);
          const bad = await failed(images.build(`http://127.0.0.1:${port}/x.tar`));
          assert.match(bad.message, /Dockerfile/);
        } finally {
          server.close();
        }

        // Options.
        const labelled = await run("RUN true || id", { labels: { "com.example": "yes" } });
        assert.equal(labelled.image.labels["com.example"], "yes");
        const user = await run("ARG test\nUSER $test", { buildArgs: { test: "OK" } });
        assert.equal(configOf(user.image)["User"], "OK");
        const proxy = await run("RUN env", {
          buildArgs: { HTTP_PROXY: "http://p", http_proxy: "http://q" },
        });
        assert.match(proxy.log, /HTTP_PROXY=http:\/\/p\n/);
        assert.match(proxy.log, /http_proxy=http:\/\/q\n/);
        const hosts = await run("RUN cat /etc/hosts", {
          extraHosts: { "extrahost.local": "127.0.0.1" },
        });
        assert.match(hosts.log, /127\.0\.0\.1\s+extrahost\.local/);
        const stages = "FROM busybox:base AS first\nRUN mkdir -p /tmp/first\n" +
          "FROM busybox:base AS second\nRUN mkdir -p /tmp/second\n";
        const target = await told(images.build({ dockerfile: stages }, { target: "first" }));
        assert.doesNotMatch(target.log, /\/tmp\/second/);
        const noCache = await run("RUN echo once");
        assert.doesNotMatch(noCache.log, /Using cache/);
        assert.match((await run("RUN echo once")).log, /Using cache/);
        assert.doesNotMatch((await run("RUN echo once", { noCache: true })).log, /Using cache/);
        await run("RUN echo a\nRUN echo b\nRUN echo c", { tags: "cached:1" });
        const from = { cacheFrom: ["cached:1"] };
        const cached = await run("RUN echo a\nRUN echo b\nRUN echo c", from);
        assert.equal(cached.log.match(/Using cache/g)?.length, 3);
        const unknown = await run("RUN echo a\nRUN echo b\nRUN echo c", { cacheFrom: ["none:1"] });
        assert.doesNotMatch(unknown.log, /Using cache/);
        const shm = await run("RUN echo limits", {
          shmSize: 134217728,
          limits: { memory: 64 * 2 ** 20, memorySwap: -1, cpuShares: 512 },
          ulimits: [{ name: "nofile", soft: 100, hard: 200 }],
          networkMode: "none",
          rm: true,
          forceRm: true,
          platform: "linux/amd64",
          version: 1,
        });
        assert.match(shm.log, /limits\n/);
        const stderr = await run("RUN echo oops >&2");
        assert.ok(
          stderr.events.some((event) =>
            event.type === "log" && event.text === "\u001b[91moops\n\u001b[0m"
          ),
        );
        // The last of several is that of the image, and steps may write the same words.
        const liar = await run("RUN echo Successfully built abcd1234");
        assert.equal(liar.image.id, liar.events.findLast((event) => event.type === "image")?.id);

        // Failures.
        const three = await failed(images.build(
          { dockerfile: "FROM busybox:base\nRUN echo before && sh -c 'exit 3'\n" },
          { tags: "never:1" },
        ));
        assert.equal(three.exitCode, 3);
        assert.match(three.log, /before\n/);
        assert.match(three.message, /^Cannot build "never:1": The command .* code: 3$/);
        await assert.rejects(images.get("never:1"), { code: "IMAGE_NOT_FOUND" });
        const failures: readonly [string, BuildOptions, RegExp][] = [
          ["FROM busybox:base\nFOO bar\n", {}, /unknown instruction: FOO/],
          ["FROM busybox:base\n", { squash: true }, /squash is only supported with experimental/],
          ["FROM 127.0.0.1:1/none:1\n", { platform: "linux/s390x" }, /refused/],
          ["FROM busybox:base\n", { target: "none" }, /failed to reach build target none/],
          ["FROM busybox:base\nCOPY none /x\n", {}, /COPY failed: file not found/],
          ["FROM scratch\n", {}, /No image was generated/],
          ["FROM 127.0.0.1:1/none:1\n", {}, /connection refused/],
          ["FROM busybox:base\n", { isolation: "zz" }, /Unsupported isolation: "zz"/],
          ["FROM busybox:base\n", { securityOptions: ["a=b"] }, /security options/],
        ];
        for (const [dockerfile, options, words] of failures) {
          const error = await failed(
            images.build({ dockerfile }, options),
            `${dockerfile} ${JSON.stringify(options)}`,
          );
          assert.match(error.message, words, dockerfile);
        }
        const nothing = await failed(images.build({ entries: [] }, { dockerfile: "Nope" }));
        assert.match(nothing.message, /Cannot locate specified Dockerfile: Nope/);
        const noTar = await failed(images.build(utf8("no archive")));
        assert.ok(noTar.status >= 400, noTar.message);

        // An abort ends the step that runs.
        const sleeping = images.build({ dockerfile: "FROM busybox:base\nRUN sleep 1000\n" });
        const aborted = (async () => {
          for await (const event of sleeping) {
            if (event.type === "log" && event.text.includes("Running in")) sleeping.abort();
          }
        })();
        await assert.rejects(aborted, { name: "AbortError" });
        for (let tries = 0;; tries++) {
          const { stdout: running } = await docker("ps", "--quiet");
          if (running === "") break;
          assert.ok(tries < 400, "the step still runs");
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
      })
    ),
);

test(
  "BuildKit builds without a session, and says where it would need one",
  { skip },
  () =>
    inScratch((folder) =>
      withBase(folder, async ({ images }) => {
        const run = (text: string, options: BuildOptions = {}) =>
          images.build({ dockerfile: `FROM busybox:base\n${text}` }, {
            version: 2,
            networkMode: "none",
            ...options,
          });
        const { image, events, log } = await told(run(
          "ARG A\nRUN echo hi $A; echo err >&2; echo 日本語",
          { tags: ["kit:1", "kit:2"], buildArgs: { A: "arg" }, labels: { a: "b" } },
        ));
        assert.deepEqual([...image.tags].sort(), ["kit:1", "kit:2"]);
        assert.equal(image.labels["a"], "b");
        assert.match(log, /^hi arg$/m);
        assert.match(log, /^日本語$/m);
        const steps = events.filter((event) => event.type === "step");
        const step = steps.findLast(({ name }) => name.includes("RUN echo hi"));
        assert.ok(step?.completedAt !== undefined && step.startedAt !== undefined);
        assert.ok(step.completedAt.getTime() > Date.now() - 600_000);
        assert.ok(steps.some(({ id }) => step.inputs.includes(id)));
        assert.ok(
          events.some((event) =>
            event.type === "log" && event.text === "err\n" && event.stream === "stderr" &&
            event.step === step.id
          ),
        );
        assert.ok(events.some((event) => event.type === "progress" && event.name !== ""));
        assert.deepEqual(events.findLast(({ type }) => type === "image"), {
          type: "image",
          id: image.id,
        });

        // What is not ignored is copied, of a directory and of its own .dockerignore.
        const context = write(join(folder, "context"), {
          "D": "FROM busybox:base\nCOPY . /c\nRUN find /c -type f | sort\n",
          "D.dockerignore": "a\n.dockerignore\n*.dockerignore\n",
          ".dockerignore": "b\n",
          "a": "",
          "b": "",
        });
        const copied = await told(images.build(context, {
          version: 2,
          networkMode: "none",
          dockerfile: "D",
        }));
        assert.deepEqual(copied.log.match(/^\/c.*$/gm), ["/c/D", "/c/b"]);

        const error = await failed(run("RUN echo before; sh -c 'exit 3'"));
        assert.match(error.message, /did not complete successfully: exit code: 3|exit code: 3/);
        assert.match(error.log, /before\n/);
        assert.match(error.log, /ERROR: .*exit code: 3/);
        assert.match((await failed(run("COPY none /x"))).message, /none/);
        const network = await failed(run("RUN echo", { networkMode: "bridge2" }));
        assert.match(network.message, /network mode "bridge2" not supported/);
        const secret = "RUN --mount=type=secret,id=s,required=true cat /run/secrets/s";
        const needing = await failed(run(secret));
        assert.ok(needing instanceof BuildSessionError, needing.message);
        const sleeping = run(`RUN sleep ${SLEEP_SECONDS}`);
        const aborted = (async () => {
          for await (const event of sleeping) {
            if (event.type !== "step" || !event.name.includes("sleep") || !event.startedAt) {
              continue;
            }
            for (let tries = 0; !isSleeping(); tries++) {
              assert.ok(tries < 1000, "the step does not begin");
              await new Promise((resolve) => setTimeout(resolve, 50));
            }
            sleeping.abort();
          }
        })();
        await assert.rejects(aborted, { name: "AbortError" });
        for (let tries = 0; isSleeping(); tries++) {
          assert.ok(tries < 1000, "the step still runs");
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
      })
    ),
);

test(
  "squashing makes one layer of those of a build, on an engine that experiments",
  {
    skip: noDockerEngine(),
  },
  () =>
    inScratch((folder) =>
      withDockerEngine(join(folder, "engine"), async ({ hosts: [host] }) => {
        await using engine = await Engine.connect({ host });
        assert.equal((await engine.ping()).isExperimental, true);
        const entries = ["one", "two", "three"].map((path) => ({ path, body: path }));
        const dockerfile = "FROM scratch\nCOPY one /\nCOPY two /\nCOPY three /\n";
        const context = { entries: [{ path: "Dockerfile", body: dockerfile }, ...entries] };
        const layersOf = async (options: BuildOptions): Promise<number> => {
          const { attrs } = await engine.images.build(context, options);
          const { Layers: layers } = attrs["RootFS"] as { readonly Layers: readonly string[] };
          return layers.length;
        };
        assert.equal(await layersOf({}), 3);
        assert.equal(await layersOf({ squash: true }), 1);
      }, ["--experimental"])
    ),
);

test("bases of a registry that wants a login are built on with its credentials", {
  skip: skip || noDockerEngine("docker-registry", "htpasswd"),
}, () =>
  inScratch((folder) =>
    withBase(folder, async (engine, { env }) => {
      const password = "GR?XGR?XGR?XGR?Xé";
      const file = join(folder, "htpasswd");
      await mustRun("htpasswd", ["-Bbc", file, "user", password]);
      await withDockerRegistry(folder, async (host) => {
        const { images } = engine;
        const credentials = { kind: "basic" as const, username: "user", password };
        await images.tag("busybox:base", `${host}/private/base:1`);
        await images.push(`${host}/private/base:1`, { credentials });
        await images.remove(`${host}/private/base:1`);
        const dockerfile = `ARG HOST\nFROM $HOST/private/base:1\nLABEL a=b\n`;
        const options = { buildArgs: { HOST: host }, pull: true };
        const refused = await failed(images.build({ dockerfile }, options));
        assert.equal(refused.reason, "authentication", refused.message);
        const given = await images.build({ dockerfile }, {
          ...options,
          credentials: { [host]: credentials },
        });
        assert.equal(given.labels["a"], "b");
        // Those of the machine are found for what the Dockerfile names.
        const asked: string[] = [];
        await using other = await Engine.connect({
          host: env["DOCKER_HOST"] ?? "",
          credentials: ({ registry }) => {
            asked.push(registry);
            return Promise.resolve(credentials);
          },
        });
        await other.images.build({ dockerfile }, options);
        assert.deepEqual(asked, [host]);
        const kit = await failed(images.build({ dockerfile }, { ...options, version: 2 }));
        assert.ok(kit instanceof BuildSessionError, kit.message);
      }, { htpasswd: { realm: "test", path: file } });
    })
  ));
