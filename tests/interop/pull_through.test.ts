// A mirror between foreign programs: a registry behind it, skopeo and a Docker engine before it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { LADING, start } from "../runtimes/lading_process.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

/** Larger than what is read whole before it is answered. */
const LAYER = new Uint8Array(1_000_000).map((_, at) => (at * at) >> 7);

/** Makes an image of one file with umoci. */
async function makeImage(folder: string): Promise<string> {
  const root = join(folder, "root");
  mkdirSync(root);
  writeFileSync(join(root, "data"), LAYER);
  const layout = join(folder, "layout");
  await mustRun("umoci", ["init", "--layout", layout]);
  await mustRun("umoci", ["new", "--image", `${layout}:1`]);
  await mustRun("umoci", ["insert", "--image", `${layout}:1`, root, "/app"]);
  return `oci:${layout}:1`;
}

/** Runs `lading serve --upstream`, and gives its address. */
async function withMirror(
  cache: string,
  upstream: string,
  work: (host: string) => Promise<void>,
): Promise<void> {
  const server = start([...LADING, "serve", cache, "--upstream", upstream]);
  try {
    const url = await server.firstLine();
    assert.notEqual(url, "");
    await work(url.slice("http://".length));
  } finally {
    server.signal("SIGTERM");
    assert.equal((await server.ended).code, 0);
  }
}

async function digestOf(place: string, ...flags: string[]): Promise<string> {
  const { stdout } = await mustRun("skopeo", ["inspect", ...flags, place]);
  return (JSON.parse(stdout) as { Digest: string }).Digest;
}

const copy = ["copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"];

test(
  "skopeo pulls through a mirror of a registry, and again when the registry has ended",
  { skip: missing("docker-registry", "skopeo", "umoci") },
  () =>
    inScratch(async (folder) => {
      const image = await makeImage(folder);
      const digest = await digestOf(image);
      const cache = join(folder, "cache");
      const pull = async (host: string, name: string): Promise<void> => {
        const to = `oci:${join(folder, name)}:1`;
        await mustRun("skopeo", [...copy, `docker://${host}/acme/app:1`, to]);
        assert.equal(await digestOf(to), digest);
      };
      let upstream = "";
      await withDockerRegistry(folder, async (host) => {
        upstream = host;
        await mustRun("skopeo", [...copy, image, `docker://${host}/acme/app:1`]);
        await withMirror(cache, host, async (mirror) => {
          await pull(mirror, "first");
          const place = `docker://${mirror}/acme/app:1`;
          assert.equal(await digestOf(place, "--tls-verify=false"), digest);
        });
      });
      // Another mirror over the same files, without what it mirrors.
      await withMirror(cache, upstream, (mirror) => pull(mirror, "second"));
      // What was pulled whole is an image as any other for those who read layouts.
      await mustRun("skopeo", [
        ...copy,
        `oci:${cache}:acme/app:1`,
        `oci:${join(folder, "third")}:1`,
      ]);
      assert.equal(await digestOf(`oci:${join(folder, "third")}:1`), digest);
    }),
);

test(
  "a Docker engine pulls from Docker Hub through a mirror, and again when the mirror is alone",
  { skip: noDockerEngine("docker-registry", "skopeo", "umoci", "docker") },
  () =>
    inScratch(async (folder) => {
      const image = await makeImage(folder);
      const cache = join(folder, "cache");
      const pull = (mirror: string, name: string): Promise<string> =>
        withDockerEngine(join(folder, name), async ({ docker }) => {
          await docker("pull", "--quiet", "acme/app:1");
          const { stdout } = await docker("image", "inspect", "--format={{.Id}}", "acme/app:1");
          return stdout;
        }, [`--registry-mirror=http://${mirror}`]);
      let [upstream, first] = ["", ""];
      await withDockerRegistry(folder, async (host) => {
        upstream = host;
        await mustRun("skopeo", [...copy, image, `docker://${host}/acme/app:1`]);
        await withMirror(cache, host, async (mirror) => {
          first = await pull(mirror, "one");
        });
      });
      assert.match(first, /^sha256:/);
      await withMirror(cache, upstream, async (mirror) => {
        assert.equal(await pull(mirror, "two"), first);
      });
    }),
);
