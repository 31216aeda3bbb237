import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  AuthenticationError,
  DigestMismatchError,
  InvalidManifestError,
  InvalidReferenceError,
  NotFoundError,
} from "../../lib/model/errors.ts";
import { fetchManifest } from "../../lib/registry/mod.ts";
import { memoryRegistry, randomIndex } from "../../lib/testing/mod.ts";
import { parseSchema1 } from "../../lib/model/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { answer, failure, MANIFEST, OCI_MANIFEST, sample } from "./scripted.ts";

const OTHER = sample({
  ...JSON.parse(new TextDecoder().decode(MANIFEST.raw)),
  annotations: { a: "b" },
}, OCI_MANIFEST);

test("fetchManifest() gets by tag and by digest what the class gets", async () => {
  const index = await randomIndex("one manifest");
  const registry = memoryRegistry({ host: "ghcr.io" });
  await index.pushTo(registry.store, "acme/app:1");
  const { transport } = registry;
  const byTag = await fetchManifest("ghcr.io/acme/app:1", { transport });
  assert.deepEqual(byTag.descriptor, index.descriptor);
  assert.deepEqual(byTag.parsed.value, index.index);
  const { digest } = index.descriptor;
  const byDigest = await fetchManifest(`ghcr.io/acme/app@${digest}`, { transport });
  assert.deepEqual(byDigest.raw, byTag.raw);
  assert.deepEqual(registry.requests.map(({ method, path }) => `${method} ${path}`), [
    "GET /v2/acme/app/manifests/1",
    `GET /v2/acme/app/manifests/${digest}`,
  ]);
});

test("fetchManifest() knows Docker Hub by its short names", async () => {
  let asked = "";
  const transport = (request: Request) => {
    asked = request.url;
    return Promise.resolve(answer(OTHER, request));
  };
  await fetchManifest("alpine", { transport });
  assert.equal(asked, "https://registry-1.docker.io/v2/library/alpine/manifests/latest");
});

test("fetchManifest() proves SHA-256, SHA-512 and the payload of schema 1", async () => {
  for (const algorithm of ["sha256", "sha512"] as const) {
    const name = `r.example/a@${digestBytes(algorithm, MANIFEST.raw)}`;
    const headers = { "docker-content-digest": undefined };
    const right = (request: Request) => Promise.resolve(answer(MANIFEST, request, headers));
    const { descriptor } = await fetchManifest(name, { transport: right });
    assert.equal(descriptor.digest, name.slice("r.example/a@".length));
    const wrong = (request: Request) => Promise.resolve(answer(OTHER, request, headers));
    const error = await failure(fetchManifest(name, { transport: wrong }));
    assert.ok(error instanceof DigestMismatchError, algorithm);
  }
  const raw = await corpusBytes("containers-image/internal/manifest/testdata/v2s1.manifest.json");
  const { payload, mediaType } = parseSchema1(raw);
  const digest = digestBytes("sha256", payload);
  const signed = { raw, descriptor: { mediaType, digest, size: raw.byteLength } };
  const transport = (request: Request) => Promise.resolve(answer(signed, request));
  const old = await fetchManifest(`r.example/a@${digest}`, { transport });
  assert.deepEqual([old.parsed.kind, old.descriptor.digest], ["schema1", digest]);
});

test("fetchManifest() fails as the class does", async () => {
  const say = (status: number, body: string, headers: Record<string, string> = {}) => ({
    transport: () => Promise.resolve(new Response(body, { status, headers })),
    retry: { retries: 0 },
  });
  const type = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
  const rows = [
    [NotFoundError, "r.example/a:1", say(404, "")],
    [AuthenticationError, "r.example/a:1", say(401, "", { "www-authenticate": "Basic realm=x" })],
    [InvalidManifestError, "r.example/a:1", say(200, "{}", type)],
    [InvalidReferenceError, "r.example/UPPER", say(200, "")],
  ] as const;
  for (const [kind, name, options] of rows) {
    const error = await failure(fetchManifest(name, options));
    assert.ok(error instanceof kind, `${kind.name}: ${error}`);
  }
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assert.equal(await failure(fetchManifest("r.example/a", { ...say(200, ""), signal })), reason);
});
