import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { gzip } from "../../lib/compress/gzip.ts";
import { InvalidManifestError, NotFoundError } from "../../lib/model/errors.ts";
import { parseImageIndex } from "../../lib/model/parse_image_index.ts";
import { parseImageManifest } from "../../lib/model/parse_manifest.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { memoryFileSystem, ociLayout } from "../../lib/store/mod.ts";
import { dockerArchive } from "../../lib/store/docker_archive.ts";
import { type OCIArchive, ociArchive } from "../../lib/store/oci_archive.ts";
import { corpusBytes } from "../support/corpus.ts";
import { fetched, filesBelow, pushImage, readFile, writeFile } from "./content.ts";
import { tarOf } from "./tar_of.ts";

const FOLDER = "made-by-umoci-skopeo";

async function blobs(archive: OCIArchive, reference: string): Promise<number[]> {
  const raw = await fetched(archive, await archive.resolve(reference));
  const { config, layers } = parseImageManifest(raw).value;
  const sizes: number[] = [];
  for (const descriptor of [config, ...layers]) {
    sizes.push((await fetched(archive, descriptor)).byteLength);
    assert.equal(await archive.exists(descriptor), true);
  }
  return sizes;
}

async function layoutAsTar(prefix: string): Promise<{ bytes: Bytes; digest: string }> {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  await layout.tag(image, "v1");
  await layout.tag(await pushImage(layout, 2, image), "note");
  const entries = await Promise.all((await filesBelow(fs, "x")).map(async (path) => {
    return { path: prefix + path.slice(2), content: await readFile(fs, path) };
  }));
  return { bytes: tarOf(entries), digest: image.digest };
}

test("ociArchive() reads the archives of skopeo and podman", async () => {
  for (
    const [name, reference] of [
      ["skopeo-oci-archive-v2.tar", "v2"],
      ["podman-oci-archive.tar", "example.com/test/app:v2"],
    ] as const
  ) {
    const bytes = await corpusBytes(`${FOLDER}/${name}`);
    const archive = ociArchive(bytes);
    const sizes = await blobs(archive, reference);
    assert.deepEqual(await blobs(archive, ""), sizes);
    assert.equal(sizes.length, 3);
    const found: (string | undefined)[] = [];
    for await (const root of archive.roots()) found.push(root.reference);
    assert.deepEqual(found, [reference]);
    const zipped = await readAll(gzip(streamOf(bytes)), { maxBytes: 1e8 });
    const packed = ociArchive(new Blob([zipped]));
    assert.deepEqual(await blobs(packed, reference), sizes);
    await packed.close();
    assert.deepEqual(await blobs(dockerArchive(bytes) as OCIArchive, reference), sizes);
  }
});

test("ociArchive() reads a layout that was packed with any names, and finds its referrers", async () => {
  for (const prefix of ["", "./", "././"]) {
    const { bytes, digest } = await layoutAsTar(prefix);
    const fs = memoryFileSystem();
    await writeFile(fs, "a.tar", bytes);
    const archive = ociArchive(fs, "a.tar");
    const image = await archive.resolve("v1");
    assert.equal(image.digest, digest);
    const referrers: string[] = [];
    for await (const referrer of archive.referrers(image)) referrers.push(referrer.digest);
    assert.deepEqual(referrers, [(await archive.resolve("note")).digest]);
  }
});

test("ociArchive() reads index.json of an archive that is a docker archive too", async () => {
  const archive = ociArchive(await corpusBytes("oras-go/content/oci/testdata/hello-world.tar"));
  const list = parseImageIndex(await fetched(archive, await archive.resolve("hello-world"))).value;
  const [amd64] = list.manifests;
  assert.ok(amd64 !== undefined && list.manifests.length > 1, "the other platforms are missing");
  assert.equal((await blobs(archive, amd64.digest))[1], 2479);
  // Written by a Docker that left the list out (moby issue 47210); manifest.json has the image.
  const path = "ggcr/v1/tarball/testdata/hello-world-v25.tar";
  await assert.rejects(ociArchive(await corpusBytes(path)).resolve(""), InvalidManifestError);
});

test("ociArchive() says what is wrong with archives that hold no layout", async () => {
  const docker = ociArchive(await corpusBytes("made-by-dockerd/docker-20.10-save-one.tar"));
  await assert.rejects(docker.resolve(""), (error: Error) => {
    assert.ok(error instanceof NotFoundError);
    assert.match(error.message, /it has no index\.json, it is no layout/);
    return true;
  });
  const fs = memoryFileSystem();
  await assert.rejects(ociArchive(fs, "absent.tar").resolve(""), { reason: "not-found" });
  const { bytes } = await layoutAsTar("");
  await assert.rejects(ociArchive(bytes.slice(0, 700)).resolve(""), { code: "INVALID_TAR" });
});
