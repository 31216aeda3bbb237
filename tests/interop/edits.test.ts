// Edited images in the hands of others: a real registry, skopeo and podman.
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  append,
  flatten,
  type Image,
  layerFrom,
  loadImage,
  mapIndex,
  mutate,
  rebase,
  squash,
} from "../../lib/image/mod.ts";
import { push } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { loadIndex } from "../../lib/image/mod.ts";
import { memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const skip = missing("docker-registry", "skopeo");

async function edits(format: "oci" | "docker"): Promise<Record<string, Image>> {
  const store = memoryStore();
  const made = await randomImage(`base-${format}`, { format, layers: 3 });
  await made.pushTo(store);
  const base = await loadImage(store, made.descriptor);
  const body = new TextEncoder().encode("console.log('hello');\n");
  const layer = await layerFrom([{ path: "main.js", body }, { path: ".wh.gone" }], {
    prefix: "/app",
    mtime: 1_700_000_000,
  });
  const app = mutate(append(base, layer), { cmd: ["node", "/app/main.js"], user: "1000" });
  const newBase = mutate(base, { env: { NEW: "1" } });
  return {
    app,
    squashed: squash(app, { from: 1 }),
    flat: flatten(app),
    rebased: rebase(app, { oldBase: base, newBase }),
    converted: mutate(app, { mediaTypes: format === "oci" ? "docker" : "oci" }),
    retimed: mutate(app, { timestamps: { time: 0, layers: true } }),
  };
}

test("a real registry takes edited images, and skopeo proves them", { skip }, async () => {
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const registry = new Registry(host, { transport: hostTransport() });
      for (const format of ["oci", "docker"] as const) {
        for (const [name, image] of Object.entries(await edits(format))) {
          const tag = `${name}-${format}`;
          const { descriptor } = await push(image, registry.repository("acme/app"), tag);
          const place = `docker://${host}/acme/app:${tag}`;
          const { stdout } = await mustRun("skopeo", ["inspect", "--tls-verify=false", place]);
          assert.equal((JSON.parse(stdout) as { Digest: string }).Digest, descriptor.digest, tag);
          const config = await mustRun("skopeo", [
            ...["inspect", "--config", "--raw", "--tls-verify=false", place],
          ]);
          assert.deepEqual(
            new TextEncoder().encode(config.stdout),
            new Uint8Array(await image.rawConfig()),
            tag,
          );
          // It reads every blob against its digest and, where it has to decompress, its diffID.
          await inScratch((to) =>
            mustRun("skopeo", [
              ...["copy", "--quiet", "--src-tls-verify=false", "--dest-decompress"],
              ...[place, `dir:${to}`],
            ])
          );
        }
      }
    })
  );
});

test("an index of edited images is whole in a real registry", { skip }, async () => {
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const store = memoryStore();
      const made = await randomIndex("edited");
      await made.pushTo(store);
      const index = mapIndex(await loadIndex(store, made.descriptor), (image) => flatten(image));
      const target = new Registry(host, { transport: hostTransport() }).repository("acme/app");
      const { descriptor } = await push(index, target, "1");
      assert.equal((await target.resolve("1")).digest, descriptor.digest);
      await inScratch((to) =>
        mustRun("skopeo", [
          ...["copy", "--quiet", "--all", "--src-tls-verify=false"],
          ...[`docker://${host}/acme/app:1`, `oci:${to}/layout:1`],
        ])
      );
    })
  );
});

const noPodman = missing("podman") ||
  (process.getuid?.() === 0 ? false : "needs root for a storage of its own");

test("podman unpacks edited images", { skip: noPodman }, async () => {
  await inScratch(async (folder) => {
    const store = ociLayout(nodeFileSystem(), `${folder}/layout`);
    const storage = [
      ...["--root", `${folder}/root`, "--runroot", `${folder}/run`, "--storage-driver", "vfs"],
    ];
    for (const [name, image] of Object.entries(await edits("oci"))) {
      if (name === "converted") continue;
      await push(image, store, name);
      const { stdout } = await mustRun("podman", [
        ...storage,
        // A name for the image is made of the path, which has to be in lower case.
        ...["pull", "--quiet", `oci:layout:${name}`],
      ], { cwd: folder });
      const id = (await image.manifest()).config.digest.replace("sha256:", "");
      assert.equal(stdout.trim(), id, name);
    }
  });
});
