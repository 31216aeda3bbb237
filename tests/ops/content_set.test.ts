import { test } from "node:test";
import assert from "node:assert/strict";
import { DigestMismatchError, NotFoundError } from "../../lib/model/errors.ts";
import { copy } from "../../lib/ops/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { memoryFileSystem, ociLayout } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { assertHas, copyKind, KIND_NAMES, makeKind, pushKind } from "../runtimes/content_set.ts";

/** A registry of its own. */
function repository(allowSparse = false): Repository {
  const { host, transport } = memoryRegistry({ allowSparse });
  return new Registry(host, { transport }).repository("acme/app");
}

test("the set has the 22 kinds of the conformance suite", () => {
  assert.equal(KIND_NAMES.length, 22);
});

for (const name of KIND_NAMES) {
  if (name === "bad-digest-image" || name === "sparse") continue;
  test(`${name}: pushed, pulled, and copied to a registry and through a layout, each byte is the same`, async () => {
    const kind = await makeKind(name);
    const [first, second, third] = [repository(), repository(), repository()];
    await pushKind(kind, first);
    await assertHas(kind, first, "pushed");
    await copyKind(kind, first, second);
    await assertHas(kind, second, "registry to registry");
    const layout = ociLayout(memoryFileSystem(), "layout");
    await copyKind(kind, second, layout);
    await assertHas(kind, layout, "registry to layout");
    await copyKind(kind, layout, third);
    await assertHas(kind, third, "layout to registry");
  });
}

test("sparse: pushed and pulled as it is; of a copy what is there comes, or an error that names the rest", async () => {
  const kind = await makeKind("sparse");
  const [first, second] = [repository(true), repository()];
  await pushKind(kind, first);
  await assertHas(kind, first, "pushed");
  for (const reference of kind.roots.keys()) {
    const error = await Promise.resolve(copy(first, reference, second))
      .then(() => undefined, (error: unknown) => error);
    assert.ok(error instanceof NotFoundError, `${reference}: ${String(error)}`);
    assert.ok(kind.missing.some(({ digest }) => error.message.includes(digest)), error.message);
    await assert.rejects(second.resolve(reference), NotFoundError);
  }
  const platform = { os: "linux", architecture: "amd64" };
  const { descriptor } = await copy(first, "sparse-index", second, { platform });
  assert.ok(kind.contents.some(({ descriptor: { digest } }) => digest === descriptor.digest));
});

test("bad-digest-image: content of another digest is refused by the client, and by the registry", async () => {
  const kind = await makeKind("bad-digest-image");
  const { host, transport } = memoryRegistry();
  const target = new Registry(host, { transport }).repository("acme/app");
  const [manifest] = kind.contents.slice(-1);
  assert.ok(manifest !== undefined);
  await assert.rejects(pushKind(kind, target), { code: "SIZE_MISMATCH" });
  const { descriptor, bytes } = manifest;
  const size = bytes.byteLength;
  await assert.rejects(target.push({ ...descriptor, size }, bytes), DigestMismatchError);
  const url = `https://${host}/v2/acme/app/manifests/${descriptor.digest}`;
  const headers = { "content-type": descriptor.mediaType };
  const response = await transport(new Request(url, { method: "PUT", headers, body: bytes }));
  assert.equal(response.status, 400);
  await assert.rejects(target.resolve(descriptor.digest), NotFoundError);
});
