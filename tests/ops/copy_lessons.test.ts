import { test } from "node:test";
import assert from "node:assert/strict";
import { type Descriptor, MEDIA_TYPE_OCI_MANIFEST } from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { copy, pushArtifact, sync } from "../../lib/ops/mod.ts";
import { referrersTag, Registry, type Repository } from "../../lib/registry/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { get, put, putImage, putIndex, type Store } from "./content.ts";

const SIGNATURE = "application/vnd.example.signature";

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A registry that does not know the referrers API, and the store behind it. */
function withoutAPI(name: string): { readonly repository: Repository; readonly store: Store } {
  const { host, store, transport } = memoryRegistry();
  const plain = async (request: Request): Promise<Response> => {
    if (request.url.includes("/referrers/")) return new Response(null, { status: 404 });
    const response = await transport(request);
    const headers = new Headers(response.headers);
    headers.delete("oci-subject");
    return new Response(response.body, { status: response.status, headers });
  };
  return { repository: new Registry(host, { transport: plain }).repository(name), store };
}

function withAPI(name: string): Repository {
  const { host, transport } = memoryRegistry();
  return new Registry(host, { transport }).repository(name);
}

async function sign(target: Repository, subject: Descriptor): Promise<Descriptor> {
  const content = new TextEncoder().encode(`signed ${subject.digest}`);
  const options = { artifactType: SIGNATURE, subject, annotations: { by: "me" } };
  return await pushArtifact(target, [{ content }], options);
}

async function signedIn(repository: Repository): Promise<Descriptor> {
  const store = memoryStore();
  const image = await putImage(store, ["one"], { reference: "1" });
  await copy(store, "1", repository);
  await sign(repository, image);
  return image;
}

test("lesson 68: copied referrers are listed with their types and annotations", async () => {
  const from = withAPI("acme/app");
  const image = await signedIn(from);
  const { repository: to } = withoutAPI("acme/copy");
  await copy(from, "1", to, { referrers: true });
  const index = await to.manifest(referrersTag(image.digest));
  assert.ok(index.parsed.kind === "index");
  assert.deepEqual(
    index.parsed.value.manifests.map((
      { artifactType, annotations },
    ) => [artifactType, annotations?.["by"]]),
    [[SIGNATURE, "me"]],
  );
});

test("lesson 70: copying an image onto itself again and again lists its signature once", async () => {
  for (const repository of [withAPI("acme/app"), withoutAPI("acme/app").repository]) {
    const image = await signedIn(repository);
    const [before] = await all(repository.referrers(image));
    for (let times = 0; times < 3; times++) {
      const targetReference = `${times}`;
      const result = await copy(repository, "1", repository, { referrers: true, targetReference });
      assert.equal(result.referrers.length, 1);
      assert.equal(result.bytesFetched, 0);
    }
    const after = await all(repository.referrers(image));
    assert.deepEqual(after.map(({ digest }) => digest), [before?.digest]);
  }
});

test("lesson 71: attestations of unknown/unknown are copied with all platforms, whatever they hold", async () => {
  const from = memoryStore();
  const image = await putImage(from, ["one"]);
  const statement = await put(from, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    // A config of which nothing but the type is that of an image, as BuildKit writes it.
    config: await put(from, "application/vnd.oci.image.config.v1+json", { any: "thing" }),
    layers: [await put(from, "application/vnd.in-toto+json", { _type: "statement" })],
  }, {
    platform: { os: "unknown", architecture: "unknown" },
    annotations: {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": image.digest,
    },
  });
  const root = await putIndex(from, [image, statement], "app:1");
  for (const to of [memoryStore(), withAPI("acme/app")]) {
    await copy(from, "app:1", to, { platform: "all", targetReference: "1" });
    assert.equal((await to.resolve("1")).digest, root.digest);
    assert.deepEqual(await get(to, statement), await get(from, statement));
    const one = { os: "linux", architecture: "amd64" };
    const chosen = await copy(from, "app:1", to, { platform: one, targetReference: "2" });
    assert.equal(chosen.descriptor.digest, image.digest);
  }
});

test("copy() sends blobs that a registry has by its word alone, once, when it misses them", async () => {
  const rows = [[400, "exists"], [404, "exists"], [400, "mount"], [400, "neighbour"]] as const;
  for (const [status, word] of rows) {
    const isMounting = word !== "exists";
    const store = memoryStore();
    const shared = await put(store, "application/vnd.oci.image.layer.v1.tar", "shared");
    await putImage(store, [shared, "own"], { reference: "1" });
    const { host, transport } = memoryRegistry();
    const other = new Registry(host, { transport }).repository("acme/other");
    await copy(store, "1", other);
    const from = word === "neighbour" ? other : store;
    const sent: string[] = [];
    let refusals = 0;
    // Its cache says that the layer is there; its storage knows better.
    const forgetful = async (request: Request): Promise<Response> => {
      const { pathname, searchParams } = new URL(request.url);
      const isShared = request.url.includes(shared.digest) ||
        searchParams.get("digest") === shared.digest;
      if (request.method === "HEAD" && isShared) {
        const headers = { "content-length": String(shared.size) };
        return new Response(null, { status: isMounting ? 404 : 200, headers });
      }
      if (searchParams.get("mount") === shared.digest) return new Response(null, { status: 201 });
      const response = await transport(request);
      if (request.method === "PUT" && pathname.includes("/blobs/")) {
        sent.push(searchParams.get("digest") ?? "");
      }
      if (!pathname.includes("/manifests/") || response.status < 400) return response;
      if (request.method !== "PUT") return response;
      refusals++;
      const errors = [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown to registry" }];
      return Response.json({ errors }, { status });
    };
    const to = new Registry(host, { transport: forgetful }).repository("acme/app");
    const mountFrom = word === "mount" ? "acme/other" : undefined;
    const { descriptor, bytesFetched } = await copy(from, "1", to, { mountFrom });
    assert.equal((await to.resolve("1")).digest, descriptor.digest);
    assert.equal(refusals, 1);
    assert.equal(sent.filter((digest) => digest === shared.digest).length, 1);
    assert.equal(sent.length, 3, "config, own layer, and the one that was missing");
    assert.ok(bytesFetched > 0);
  }
});

test("copy() does not send everything again when a registry misses what nobody has", async () => {
  const from = memoryStore();
  await putImage(from, ["one", "two"], { reference: "1" });
  const { host, transport } = memoryRegistry();
  const requests: string[] = [];
  const to = new Registry(host, {
    transport: (request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      const errors = [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown to registry" }];
      return request.method === "PUT" && request.url.includes("/manifests/")
        ? Promise.resolve(Response.json({ errors }, { status: 400 }))
        : transport(request);
    },
  }).repository("acme/app");
  await assert.rejects(Promise.resolve(copy(from, "1", to)), /400 MANIFEST_BLOB_UNKNOWN/);
  assert.equal(
    requests.filter((line) => line.startsWith("PUT") && line.includes("/blobs/")).length,
    3,
  );
  assert.equal(requests.filter((line) => line.includes("PUT /v2/acme/app/manifests")).length, 1);
});

test("sync() leaves the tags of referrers out: each registry keeps lists of its own", async () => {
  const { repository: from } = withoutAPI("acme/app");
  const image = await signedIn(from);
  // A registry that has the API gets no tag that nobody looks at.
  const known = withAPI("acme/copy");
  await sync(from, known, { referrers: true });
  assert.deepEqual(await all(known.tags()), ["1"]);
  assert.equal((await all(known.referrers(image))).length, 1);
  // In one without it, what was listed there before stays listed.
  const { repository: plain } = withoutAPI("acme/copy");
  const store = memoryStore();
  await putImage(store, ["one"], { reference: "1" });
  await copy(store, "1", plain);
  const content = new TextEncoder().encode("of the target alone");
  await pushArtifact(plain, [{ content }], { artifactType: SIGNATURE, subject: image });
  await sync(from, plain, { referrers: true });
  assert.equal((await all(plain.referrers(image))).length, 2);
  // Without referrers there is nothing that such a list could be about.
  const mirror = withAPI("acme/mirror");
  await sync(from, mirror);
  assert.deepEqual(await all(mirror.tags()), ["1"]);
});
