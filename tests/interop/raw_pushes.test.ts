// Blobs, manifests and layers for Windows in a real registry, and what skopeo says of them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { append, emptyImage, layerFrom } from "../../lib/image/mod.ts";
import { copy, planSync, push, pushBlob, pushManifest, sync } from "../../lib/ops/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { entry } from "../image/images.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const skip = missing("docker-registry", "skopeo");
const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

function withRepository(
  work: (repository: Repository, place: string, folder: string) => Promise<void>,
): Promise<void> {
  return inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const registry = new Registry(host, { transport: hostTransport() });
      await work(registry.repository("acme/app"), `docker://${host}/acme/app`, folder);
    })
  );
}

test("skopeo reads a manifest that was pushed as it is, byte for byte", { skip }, async () => {
  await withRepository(async (repository, place, folder) => {
    const diffIDs = { type: "layers", diff_ids: [] };
    const document = JSON.stringify({ os: "linux", architecture: "amd64", rootfs: diffIDs });
    const type = "application/vnd.oci.image.";
    const config = await pushBlob(repository, text(document), {
      mediaType: `${type}config.v1+json`,
    });
    const known = { schemaVersion: 2, mediaType: `${type}manifest.v1+json`, config, layers: [] };
    const raw = text(`${JSON.stringify({ ...known, mine: "ü" }, null, 3)}\n`);
    const { digest } = await pushManifest(repository, raw, { reference: "1" });
    assert.equal(digest, digestBytes("sha256", raw));
    const { stdout } = await mustRun("skopeo", [
      ...["inspect", "--raw", "--tls-verify=false", `${place}:1`],
    ]);
    assert.deepEqual(text(stdout), raw);
    writeFileSync(join(folder, "manifest.json"), raw);
    const named = await mustRun("skopeo", ["manifest-digest", join(folder, "manifest.json")]);
    assert.equal(named.stdout.trim(), digest);
  });
});

test(
  "a real registry refuses a manifest whose blobs it lacks, and sets no tag",
  { skip },
  async () => {
    await withRepository(async (repository) => {
      await pushBlob(repository, text("so that the repository is there"));
      const absent = { mediaType: "a/b", digest: digestBytes("sha256", text("absent")), size: 6 };
      const mediaType = "application/vnd.oci.image.manifest.v1+json";
      const raw = text(JSON.stringify({ schemaVersion: 2, mediaType, config: absent, layers: [] }));
      await assert.rejects(pushManifest(repository, raw, { reference: "1" }));
      await assert.rejects(repository.resolve("1"), { code: "NOT_FOUND" });
    });
  },
);

test("names of a real registry stay with the images that have them", { skip }, async () => {
  await withRepository(async (repository) => {
    const from = memoryStore();
    for (const tag of ["1", "2"]) await (await randomImage(tag)).pushTo(from, tag);
    await copy(from, "1", repository, { existing: "refuse" });
    const before = await repository.resolve("1");
    const taken = copy(from, "2", repository, { targetReference: "1", existing: "refuse" });
    await assert.rejects(Promise.resolve(taken), { code: "NAME_TAKEN", reference: "1" });
    await copy(from, "2", from, { targetReference: "1" });
    const plan = await planSync(from, repository, { existing: "keep" });
    assert.deepEqual(plan.tags.map(({ action }) => action), ["keep", "copy"]);
    const { copied, kept, bytesFetched } = await sync(from, repository, { existing: "keep" });
    assert.deepEqual([copied.length, kept.length, bytesFetched], [1, 1, plan.bytesToCopy]);
    assert.equal((await repository.resolve("1")).digest, before.digest);
  });
});

test("skopeo takes an image for Windows with a layer that was appended", { skip }, async () => {
  await withRepository(async (repository, place, folder) => {
    const base = emptyImage({ os: "windows", architecture: "amd64", "os.version": "10.0.20348.1" });
    const { os } = await base.platform();
    const layer = await layerFrom(["app.exe=MZ", "lib/a.dll=a"].map(entry), { os });
    const { descriptor } = await push(append(base, layer), repository, "windows");
    const { stdout } = await mustRun("skopeo", [
      ...["inspect", "--override-os", "windows", "--tls-verify=false", `${place}:windows`],
    ]);
    const { Digest, Os } = JSON.parse(stdout) as { readonly Digest: string; readonly Os: string };
    assert.deepEqual([Digest, Os], [descriptor.digest, "windows"]);
    // It reads the layer against its digest and its diffID.
    await mustRun("skopeo", [
      ...["--override-os", "windows", "copy", "--quiet", "--src-tls-verify=false"],
      ...["--dest-decompress", `${place}:windows`, `dir:${folder}/out`],
    ]);
  });
});
