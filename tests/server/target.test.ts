import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import { fileUploads, registryHandler } from "../../lib/server/mod.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { ociLayout } from "../../lib/store/oci_layout.ts";
import {
  descriptorOf,
  imageParts,
  locationOf,
  noise,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  send,
  sha256,
  statusOf,
  utf8,
} from "./client.ts";

async function tagsOf(handler: Transport, repository: string): Promise<string[]> {
  const answer = await send(handler, "GET", `/v2/${repository}/tags/list`);
  assert.equal(answer.status, 200, repository);
  return (await answer.json() as { tags: string[] }).tags;
}

/** A store with one image, as another program leaves it. */
async function stored(reference: string | undefined, extra: Record<string, unknown> = {}) {
  const store = memoryStore();
  const parts = imageParts("x", extra);
  const manifest = descriptorOf(OCI_MANIFEST, parts.manifest);
  await store.push(descriptorOf(OCI_CONFIG, parts.config), utf8(parts.config));
  await store.push(descriptorOf(OCI_LAYER, parts.layer), utf8(parts.layer));
  await store.push(manifest, utf8(parts.manifest));
  await store.tag(manifest, reference ?? manifest.digest);
  return { store, parts };
}

test("what the tags of a target reach is served under their repository", async () => {
  const { store, parts } = await stored("library/alpine:3.20");
  const handler = registryHandler(store);
  assert.deepEqual(await tagsOf(handler, "library/alpine"), ["3.20"]);
  for (
    const path of [
      `blobs/${sha256(parts.layer)}`,
      `blobs/${sha256(parts.config)}`,
      `manifests/${parts.digest}`,
      "manifests/3.20",
    ]
  ) {
    // Each from a handler that knows nothing yet.
    const fresh = registryHandler(store);
    assert.equal(await statusOf(fresh, "GET", `/v2/library/alpine/${path}`), 200, path);
    assert.equal(await statusOf(fresh, "GET", `/v2/library/other/${path}`), 404, path);
  }
});

test("an index of the target is served down to its layers, over nested indexes", async () => {
  const { store, parts } = await stored("a/b:leaf");
  await store.untag("a/b:leaf");
  let content = parts.manifest;
  let type = OCI_MANIFEST;
  for (let depth = 0; depth < 3; depth++) {
    const manifests = [descriptorOf(type, content)];
    content = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    type = OCI_INDEX;
    await store.push(descriptorOf(type, content), utf8(content));
  }
  await store.tag(descriptorOf(type, content), "a/b:all");
  assert.equal(
    await statusOf(registryHandler(store), "GET", `/v2/a/b/blobs/${sha256(parts.layer)}`),
    200,
  );
  assert.equal(
    await statusOf(registryHandler(store), "GET", `/v2/a/b/manifests/${parts.digest}`),
    200,
  );
});

test("what the target gets while the handler runs is seen", async () => {
  const { store, parts } = await stored("a/b:1");
  const handler = registryHandler(store);
  assert.equal(await statusOf(handler, "GET", "/v2/c/d/manifests/2"), 404);
  assert.equal(await statusOf(handler, "GET", `/v2/c/d/blobs/${sha256(parts.layer)}`), 404);
  await store.tag(descriptorOf(OCI_MANIFEST, parts.manifest), "c/d:2");
  assert.equal(await statusOf(handler, "GET", `/v2/c/d/blobs/${sha256(parts.layer)}`), 200);
  assert.equal(await statusOf(handler, "GET", "/v2/c/d/manifests/2"), 200);
  await store.untag("c/d:2");
  assert.equal(await statusOf(handler, "GET", "/v2/c/d/manifests/2"), 404);
});

test("a repository has exactly its own tags, not those of names that mean the same", async () => {
  const { store } = await stored("library/alpine:latest");
  const handler = registryHandler(store);
  for (const name of ["alpine", "docker.io/library/alpine", "library/alpin"]) {
    assert.equal(await statusOf(handler, "GET", `/v2/${name}/manifests/latest`), 404, name);
  }
});

test("tags of names with one component can be pushed and pulled", async () => {
  const store = memoryStore();
  const { digest } = await pushImage(registryHandler(store), "alpine", "latest", "x");
  const head = await send(registryHandler(store), "HEAD", "/v2/alpine/manifests/latest");
  assert.equal(head.headers.get("docker-content-digest"), digest);
});

test("a tag that reads as a digest cannot be used", async () => {
  const handler = registryHandler(memoryStore());
  const { manifest, digest } = await pushImage(handler, "a/b", "1", "x");
  const tag = digest.slice("sha256:".length);
  await pushBlob(handler, "sha256", imageParts("x").config);
  await pushBlob(handler, "sha256", imageParts("x").layer);
  await refused(await putManifest(handler, "sha256", tag, manifest), 400, "TAG_INVALID");
  await refused(await send(handler, "GET", `/v2/sha256/manifests/${tag}`), 404, "MANIFEST_UNKNOWN");
});

test("bare tags are served and written under the default repository", async () => {
  const { store, parts } = await stored("3.20");
  const without = registryHandler(store);
  assert.equal(await statusOf(without, "GET", "/v2/alpine/manifests/3.20"), 404);
  const handler = registryHandler(store, { defaultRepository: "alpine" });
  assert.deepEqual(await tagsOf(handler, "alpine"), ["3.20"]);
  assert.equal(await statusOf(handler, "GET", "/v2/alpine/manifests/3.20"), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/alpine/blobs/${sha256(parts.layer)}`), 200);
  assert.equal((await putManifest(handler, "alpine", "new", parts.manifest)).status, 201);
  assert.equal((await store.resolve("new")).digest, parts.digest);
  assert.equal(await statusOf(handler, "DELETE", "/v2/alpine/manifests/3.20"), 202);
  await assert.rejects(store.resolve("3.20"));
  assert.equal(await statusOf(handler, "GET", "/v2/alpine/manifests/new"), 200);
});

test("unnamed roots belong to the default repository", async () => {
  const { store, parts } = await stored(undefined);
  const path = `/v2/a/b/manifests/${parts.digest}`;
  assert.equal(await statusOf(registryHandler(store), "GET", path), 404);
  const handler = registryHandler(store, { defaultRepository: "a/b" });
  assert.equal(await statusOf(handler, "GET", path), 200);
  assert.deepEqual(await tagsOf(handler, "a/b"), []);
});

test("a manifest pushed by digest elsewhere does not enter the default repository", async () => {
  const handler = registryHandler(memoryStore(), { defaultRepository: "a/b" });
  const { digest } = await pushImage(handler, "c/d", undefined, "x");
  assert.equal(await statusOf(handler, "GET", `/v2/c/d/manifests/${digest}`), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), 404);
});

test("after a restart a registry has its tags, their content and their referrers", async () => {
  const store = memoryStore();
  const before = registryHandler(store);
  const image = await pushImage(before, "a/b", "1", "x");
  const other = await pushImage(before, "c/d", "1", "other");
  const subject = descriptorOf(OCI_MANIFEST, image.manifest);
  const sbom = await pushImage(before, "a/b", undefined, "sbom", { subject });
  const signature = await pushImage(before, "a/b", undefined, "signature", {
    subject: descriptorOf(OCI_MANIFEST, sbom.manifest),
  });
  const referrers = async (handler: Transport, repository: string, digest: string) => {
    const answer = await send(handler, "GET", `/v2/${repository}/referrers/${digest}`);
    const { manifests } = await answer.json() as { manifests: { digest: string }[] };
    return manifests.map((descriptor) => descriptor.digest);
  };
  const after = registryHandler(store);
  assert.deepEqual(await referrers(after, "a/b", image.digest), [sbom.digest]);
  assert.deepEqual(await referrers(after, "a/b", sbom.digest), [signature.digest]);
  assert.deepEqual(await referrers(after, "c/d", image.digest), []);
  for (
    const path of [
      `manifests/${signature.digest}`,
      `blobs/${sha256(signature.layer)}`,
      `blobs/${sha256(image.layer)}`,
      "manifests/1",
    ]
  ) {
    const fresh = registryHandler(store);
    assert.equal(await statusOf(fresh, "GET", `/v2/a/b/${path}`), 200, path);
  }
  assert.equal(await statusOf(after, "GET", `/v2/a/b/blobs/${sha256(other.layer)}`), 404);
  const catalog = await send(registryHandler(store), "GET", "/v2/_catalog");
  assert.deepEqual(await catalog.json(), { repositories: ["a/b", "c/d"] });
});

test("after a restart a blob that no manifest names has to be pushed again", async () => {
  const store = memoryStore();
  const digest = await pushBlob(registryHandler(store), "a/b", "hello");
  const after = registryHandler(store);
  assert.equal(await statusOf(after, "HEAD", `/v2/a/b/blobs/${digest}`), 404);
  await pushBlob(after, "a/b", "hello");
  assert.equal(await statusOf(after, "HEAD", `/v2/a/b/blobs/${digest}`), 200);
});

test("a target that cannot list its roots is served by what is asked for", async () => {
  const { store, parts } = await stored("a/b:1");
  const handler = registryHandler({
    exists: store.exists.bind(store),
    fetch: store.fetch.bind(store),
    push: store.push.bind(store),
    resolve: store.resolve.bind(store),
    tag: store.tag.bind(store),
  });
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(parts.layer)}`), 404);
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/1"), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(parts.layer)}`), 200);
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/2"), 404);
  await pushImage(handler, "c/d", "9", "y");
  assert.deepEqual(await tagsOf(handler, "c/d"), ["9"]);
});

test("a damaged manifest in the target hides what it reaches, and nothing else", async () => {
  const { store, parts } = await stored("a/b:1");
  const broken = utf8('{"schemaVersion":2,"manifests":"none"}');
  const descriptor = { mediaType: OCI_INDEX, digest: sha256(broken), size: broken.length };
  await store.push(descriptor, broken);
  await store.tag(descriptor, "a/b:0");
  const missing = descriptorOf(OCI_INDEX, "lost");
  await store.push(missing, utf8("lost"));
  await store.tag(missing, "a/b:lost");
  const handler = registryHandler(store);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(parts.layer)}`), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256("x")}`), 404);
  assert.deepEqual(await tagsOf(handler, "a/b"), ["0", "1", "lost"]);
});

test("a layout that is not there yet is an empty registry", async () => {
  const handler = registryHandler(ociLayout(memoryFileSystem(), "/layout"));
  for (const path of ["manifests/1", `blobs/${sha256("x")}`, "tags/list"]) {
    assert.equal(await statusOf(handler, "GET", `/v2/a/b/${path}`), 404, path);
  }
  const catalog = await send(handler, "GET", "/v2/_catalog");
  assert.deepEqual(await catalog.json(), { repositories: [] });
  await pushImage(handler, "a/b", "1", "x");
  assert.deepEqual(await tagsOf(handler, "a/b"), ["1"]);
});

test("a layout is a registry, with uploads in files and nothing left over", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "/layout");
  const uploads = fileUploads(fs, "/uploads");
  const handler = registryHandler(layout, { uploads });
  const content = noise(300_000);
  const started = await send(handler, "POST", "/v2/a/b/blobs/uploads/");
  for (let at = 0; at < content.length; at += 100_000) {
    const patch = await send(handler, "PATCH", locationOf(started), {
      body: content.slice(at, at + 100_000),
    });
    assert.equal(patch.status, 202);
  }
  assert.equal((await fs.readDirectory("/uploads")).length, 1);
  const digest = sha256(content);
  assert.equal((await send(handler, "PUT", `${locationOf(started)}?digest=${digest}`)).status, 201);
  assert.deepEqual(await fs.readDirectory("/uploads"), []);
  const range = await send(handler, "GET", `/v2/a/b/blobs/${digest}`, {
    headers: { range: "bytes=1000-299998" },
  });
  assert.equal(
    sha256(new Uint8Array(await range.arrayBuffer())),
    sha256(content.slice(1000, 299_999)),
  );
  const cancelled = await send(handler, "POST", "/v2/a/b/blobs/uploads/");
  await send(handler, "PATCH", locationOf(cancelled), { body: "x" });
  await send(handler, "DELETE", locationOf(cancelled));
  assert.deepEqual(await fs.readDirectory("/uploads"), []);

  const image = await pushImage(handler, "a/b", "1", "x");
  await pushImage(handler, "a/b", "1", "y");
  const after = registryHandler(ociLayout(fs, "/layout"));
  assert.deepEqual(await tagsOf(after, "a/b"), ["1"]);
  assert.equal(await statusOf(after, "DELETE", "/v2/a/b/manifests/1"), 202);
  assert.equal(await statusOf(after, "GET", "/v2/a/b/manifests/1"), 404);
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/manifests/${image.digest}`), 202);
  assert.equal(await layout.exists(descriptorOf(OCI_MANIFEST, image.manifest)), false);
});

test("fileUploads() removes what a crash left behind a day ago, and nothing younger", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory("/uploads");
  for (const name of ["lading-upload-old", "lading-upload-new", "mine"]) {
    await (await fs.create(`/uploads/${name}`)).close();
  }
  const old = Date.now() - 25 * 60 * 60 * 1000;
  await fs.setAttributes("/uploads/lading-upload-old", { mtimeMs: old });
  await fs.setAttributes("/uploads/mine", { mtimeMs: old });
  await (await fileUploads(fs, "/uploads").create()).remove();
  const names = (await fs.readDirectory("/uploads")).map(({ name }) => name).sort();
  assert.deepEqual(names, ["lading-upload-new", "mine"]);
});
