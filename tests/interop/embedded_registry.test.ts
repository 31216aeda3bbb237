// Foreign clients judge the embedded registry: skopeo, a Docker engine.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { serve } from "../../lib/runtime/serve.ts";
import type { RunningServer } from "../../lib/runtime/running_server.ts";
import { fileUploads, registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { ociLayout } from "../../lib/store/oci_layout.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const CORPUS = process.env["LADING_CORPUS"] ?? join(process.cwd(), "../shared/corpus");
const LAYOUT = join(CORPUS, "made-by-umoci-skopeo/skopeo-oci-gzip");

function needs(...programs: string[]): string | false {
  return missing("corpus", ...programs);
}

/** A registry in memory, and one over a layout on the disk. */
async function withRegistries(
  directory: string,
  work: (server: RunningServer) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const onError = (error: unknown) => failures.push(error);
  const fs = nodeFileSystem();
  const layout = join(directory, "layout");
  const uploads = fileUploads(fs, join(directory, "uploads"));
  for (
    const handler of [
      registryHandler(memoryStore(), { onError }),
      registryHandler(ociLayout(fs, layout), { uploads, onError }),
    ]
  ) {
    const server = await serve(handler);
    try {
      await work(server);
    } finally {
      await server.close();
    }
    assert.deepEqual(failures, []);
  }
}

function manifestDigest(): string {
  const index = JSON.parse(readFileSync(join(LAYOUT, "index.json"), "utf8")) as {
    manifests: { digest: string }[];
  };
  return index.manifests[0]?.digest ?? "";
}

test(
  "skopeo pushes, inspects, lists, pulls, mounts and deletes",
  { skip: needs("skopeo") },
  async () => {
    await inScratch(async (directory) => {
      await withRegistries(directory, async ({ port }) => {
        const place = `docker://127.0.0.1:${port}/tools/image`;
        const copy = [
          "copy",
          "--insecure-policy",
          "--src-tls-verify=false",
          "--dest-tls-verify=false",
        ];
        await mustRun("skopeo", [...copy, `oci:${LAYOUT}`, `${place}:1`]);
        const inspect = async (reference: string) => {
          const { stdout } = await mustRun("skopeo", ["inspect", "--tls-verify=false", reference]);
          return JSON.parse(stdout) as { Digest: string; RepoTags: string[]; Layers: string[] };
        };
        const pushed = await inspect(`${place}:1`);
        assert.equal(pushed.Digest, manifestDigest());
        assert.deepEqual(pushed.RepoTags, ["1"]);
        await mustRun("skopeo", [
          ...copy,
          `${place}:1`,
          `docker://127.0.0.1:${port}/tools/other:2`,
        ]);
        await mustRun("skopeo", [...copy, `${place}@${pushed.Digest}`, `${place}:second`]);
        const { stdout } = await mustRun("skopeo", ["list-tags", "--tls-verify=false", place]);
        assert.deepEqual((JSON.parse(stdout) as { Tags: string[] }).Tags, ["1", "second"]);
        const out = join(directory, `out-${port}`);
        await mustRun("skopeo", [...copy, `${place}:second`, `dir:${out}`]);
        const manifest = readFileSync(join(out, "manifest.json"));
        const { stdout: digest } = await mustRun("skopeo", [
          "manifest-digest",
          join(out, "manifest.json"),
        ]);
        assert.equal(digest.trim(), pushed.Digest, manifest.toString());
        await mustRun("skopeo", ["delete", "--tls-verify=false", `${place}:1`]);
        await assert.rejects(
          inspect(`${place}:1`),
          /manifest unknown|MANIFEST_UNKNOWN|no such manifest/i,
        );
        assert.equal(
          (await inspect(`docker://127.0.0.1:${port}/tools/other:2`)).Digest,
          pushed.Digest,
        );
      });
    });
  },
);

test(
  "skopeo converts to Docker's types on the way, and back",
  { skip: needs("skopeo") },
  async () => {
    await inScratch(async (directory) => {
      await withRegistries(directory, async ({ port }) => {
        const place = `docker://127.0.0.1:${port}/tools/image`;
        const copy = [
          "copy",
          "--insecure-policy",
          "--src-tls-verify=false",
          "--dest-tls-verify=false",
        ];
        await mustRun("skopeo", [...copy, "--format", "v2s2", `oci:${LAYOUT}`, `${place}:docker`]);
        const { stdout } = await mustRun("skopeo", [
          "inspect",
          "--raw",
          "--tls-verify=false",
          `${place}:docker`,
        ]);
        assert.match(stdout, /application\/vnd\.docker\.distribution\.manifest\.v2\+json/);
        await mustRun("skopeo", [...copy, "--format", "oci", `${place}:docker`, `${place}:oci`]);
      });
    });
  },
);

const noEngine = needs("dockerd") || noDockerEngine();

test("a Docker engine pushes and pulls, and finds the same image", { skip: noEngine }, async () => {
  await inScratch(async (directory) => {
    await withDockerEngine(join(directory, "engine"), async (engine) => {
      writeFileSync(join(directory, "large"), new Uint8Array(3_000_000).map((_, i) => i * i >> 3));
      writeFileSync(join(directory, "hello"), "hello");
      const archive = join(directory, "root.tar");
      await mustRun("tar", ["-C", directory, "-cf", archive, "large", "hello"]);
      await engine.docker("import", archive, "made:here");
      const idOf = async (name: string) =>
        (await engine.docker("image", "inspect", "-f", "{{.Id}}", name)).stdout.trim();
      const id = await idOf("made:here");
      await withRegistries(directory, async ({ port, url }) => {
        const names = [`127.0.0.1:${port}/one:latest`, `127.0.0.1:${port}/deep/er/name:v1`];
        for (const name of names) {
          await engine.docker("tag", "made:here", name);
          await engine.docker("push", name);
          await engine.docker("rmi", name);
        }
        await engine.docker("rmi", "made:here");
        for (const name of names) {
          await engine.docker("pull", name);
          assert.equal(await idOf(name), id);
        }
        const catalog = await fetch(`${url}/v2/_catalog`);
        assert.deepEqual(await catalog.json(), { repositories: ["deep/er/name", "one"] });
        await engine.docker("tag", names[0] ?? "", "made:here");
        await engine.docker("rmi", ...names);
        await assert.rejects(
          engine.docker("pull", `127.0.0.1:${port}/one:none`),
          /manifest|not found/i,
        );
      });
    });
  });
});
