import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import {
  descriptorOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  registry,
  send,
  sha256,
  sha512,
  utf8,
} from "./client.ts";

interface Listed {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly Record<string, unknown>[];
}

async function list(handler: Transport, digest: string, query = "", repository = "a/b") {
  const answer = await send(handler, "GET", `/v2/${repository}/referrers/${digest}${query}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), OCI_INDEX);
  const body = await answer.json() as Listed;
  assert.equal(body.schemaVersion, 2);
  assert.equal(body.mediaType, OCI_INDEX);
  return { headers: answer.headers, manifests: body.manifests };
}

test("referrers of what nobody speaks about are an empty index, whatever the repository", async () => {
  const { manifests, headers } = await list(registry(), sha256("x"));
  assert.deepEqual(manifests, []);
  assert.equal(headers.get("oci-filters-applied"), null);
  assert.deepEqual((await list(registry(), sha512("x"))).manifests, []);
  assert.deepEqual((await list(registry(), "blake3:abcd")).manifests, []);
  for (const digest of ["x", "sha256:x", `sha256:${"A".repeat(64)}`]) {
    const answer = await send(registry(), "GET", `/v2/a/b/referrers/${digest}`);
    await refused(answer, 400, "DIGEST_INVALID", digest);
  }
});

test("referrers carry type, annotations and size of manifests and indexes", async () => {
  const handler = registry();
  const subject = await pushImage(handler, "a/b", "1", "x");
  const annotations = { "org.example": "1", "__proto__x": "2" };
  const about = { subject: descriptorOf(OCI_MANIFEST, subject.manifest), annotations };
  const typed = await pushImage(handler, "a/b", undefined, "y", {
    ...about,
    artifactType: "application/vnd.example.sbom",
  });
  const untyped = await pushImage(handler, "a/b", "tagged", "z", about);
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], ...about });
  const put = await putManifest(handler, "a/b", sha256(index), index, OCI_INDEX);
  assert.equal(put.headers.get("oci-subject"), subject.digest);
  const { manifests } = await list(handler, subject.digest);
  const expected = [
    {
      mediaType: OCI_MANIFEST,
      digest: typed.digest,
      size: utf8(typed.manifest).length,
      artifactType: "application/vnd.example.sbom",
      annotations,
    },
    {
      mediaType: OCI_MANIFEST,
      digest: untyped.digest,
      size: utf8(untyped.manifest).length,
      artifactType: OCI_CONFIG,
      annotations,
    },
    { mediaType: OCI_INDEX, digest: sha256(index), size: utf8(index).length, annotations },
  ].sort((a, b) => a.digest < b.digest ? -1 : 1);
  assert.deepEqual(manifests, expected);
});

test("referrers can be filtered by type, and the answer says so", async () => {
  const handler = registry();
  const subject = descriptorOf(OCI_MANIFEST, "missing");
  for (
    const [seed, artifactType] of [["1", "a/x+json"], ["2", "a/y"], ["3", "a/x+json"]] as const
  ) {
    await pushImage(handler, "a/b", undefined, seed, { subject, artifactType });
  }
  const { manifests, headers } = await list(handler, subject.digest, "?artifactType=a%2Fx%2Bjson");
  assert.equal(headers.get("oci-filters-applied"), "artifactType");
  assert.deepEqual(manifests.map(({ artifactType }) => artifactType), ["a/x+json", "a/x+json"]);
  const none = await list(handler, subject.digest, "?artifactType=a/z");
  assert.deepEqual(none.manifests, []);
  assert.equal(none.headers.get("oci-filters-applied"), "artifactType");
});

test("referrers belong to their repository, and go when they are deleted", async () => {
  const handler = registry();
  const subject = descriptorOf(OCI_MANIFEST, "missing");
  const { digest } = await pushImage(handler, "a/b", undefined, "1", { subject });
  assert.equal((await list(handler, subject.digest)).manifests.length, 1);
  assert.equal((await list(handler, subject.digest, "", "a/c")).manifests.length, 0);
  assert.equal((await send(handler, "DELETE", `/v2/a/b/manifests/${digest}`)).status, 202);
  assert.equal((await list(handler, subject.digest)).manifests.length, 0);
});

test("referrers that do not fit into one manifest come in pages", async () => {
  const handler = registry();
  const subject = descriptorOf(OCI_MANIFEST, "missing");
  await pushBlob(handler, "a/b", "{}");
  const pushed: string[] = [];
  for (let i = 0; i < 5; i++) {
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "a/b",
      config: descriptorOf(OCI_CONFIG, "{}"),
      layers: [],
      subject,
      annotations: { large: String(i).repeat(1_500_000) },
    });
    pushed.push(sha256(manifest));
    assert.equal((await putManifest(handler, "a/b", sha256(manifest), manifest)).status, 201);
  }
  const found: unknown[] = [];
  let path: string | undefined = `/v2/a/b/referrers/${subject.digest}?artifactType=a%2Fb`;
  for (let pages = 0; path !== undefined; pages++) {
    assert.ok(pages < 5, "too many pages");
    const answer: Response = await send(handler, "GET", path);
    assert.ok(Number(answer.headers.get("content-length")) <= 4 * 1024 * 1024);
    found.push(...(await answer.json() as Listed).manifests.map(({ digest }) => digest));
    path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  assert.deepEqual(found, pushed.sort());
});
