import { test } from "node:test";
import assert from "node:assert/strict";
import { parseManifest } from "../../lib/model/parse_manifest.ts";
import { manifestDigest } from "../../lib/hash/mod.ts";
import {
  DigestMismatchError,
  InvalidConfigError,
  InvalidManifestError,
  InvalidReferenceError,
  LimitExceededError,
  NotFoundError,
  PlatformNotFoundError,
  RegistryError,
  SizeMismatchError,
} from "../../lib/model/errors.ts";
import { corpusBytes } from "../support/corpus.ts";
import {
  answer,
  bench,
  CONFIG,
  descriptorOf,
  DOCKER_LIST,
  errorResponse,
  failure,
  index,
  MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  readAllBytes,
  type Sample,
  sample,
  SCHEMA1,
  utf8,
} from "./scripted.ts";

const OTHER = sample({
  ...JSON.parse(new TextDecoder().decode(MANIFEST.raw)),
  annotations: { a: "b" },
}, OCI_MANIFEST);
const ZERO = `sha256:${"0".repeat(64)}`;

test("lesson 49: a missing Docker-Content-Digest is computed", async () => {
  const b = bench((request) => answer(MANIFEST, request, { "docker-content-digest": undefined }));
  const descriptor = await b.clock.run(b.repository.resolve("v1"));
  assert.deepEqual(descriptor, MANIFEST.descriptor);
  assert.deepEqual(b.transport.seen.map(({ method }) => method), ["HEAD", "GET"]);
  assert.ok(b.events.some(({ type }) => type === "fallback"));
});

test("lesson 49: a pinned digest is enforced without the header", async () => {
  const b = bench((request) => answer(OTHER, request, { "docker-content-digest": undefined }));
  const error = await failure(b.clock.run(b.repository.manifest(MANIFEST.descriptor.digest)));
  assert.ok(error instanceof DigestMismatchError);
  assert.equal(error.expected, MANIFEST.descriptor.digest);
  assert.equal(error.actual, OTHER.descriptor.digest);
});

test("lesson 50: a digest on HEAD only (ECR) is enough", async () => {
  const b = bench((request) =>
    answer(
      MANIFEST,
      request,
      request.method === "HEAD" ? {} : { "docker-content-digest": undefined },
    )
  );
  assert.deepEqual(await b.clock.run(b.repository.resolve("v1")), MANIFEST.descriptor);
  assert.equal(b.transport.seen.length, 1);
  const manifest = await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(manifest.descriptor, MANIFEST.descriptor);
});

test("lessons 51 and 62: every request for a manifest has the full Accept", async () => {
  const b = bench((request) => answer(MANIFEST, request));
  await b.clock.run(b.repository.resolve("v1"));
  await b.clock.run(b.repository.resolve(MANIFEST.descriptor.digest));
  await b.clock.run(b.repository.manifest("v1"));
  await b.clock.run(b.repository.exists(MANIFEST.descriptor));
  await b.clock.run(b.repository.fetch(MANIFEST.descriptor));
  const accepts = new Set(b.transport.seen.map(({ headers }) => headers.get("accept")));
  assert.equal(accepts.size, 1);
  const [accept = ""] = accepts;
  for (
    const type of [
      OCI_INDEX,
      OCI_MANIFEST,
      DOCKER_LIST,
      "application/vnd.docker.distribution.manifest.v2+json",
      SCHEMA1,
    ]
  ) assert.ok(accept?.split(", ").includes(type), type);
  assert.doesNotMatch(accept ?? "", /\*/);
});

test("lesson 52: a registry that misreads the list of types is asked for one at a time", async () => {
  const schema1 = await corpusSchema1();
  const v2 = sample(
    { ...JSON.parse(new TextDecoder().decode(MANIFEST.raw)), mediaType: undefined },
    "application/vnd.docker.distribution.manifest.v2+json",
  );
  const b = bench((request) => {
    const accept = request.headers.get("accept");
    if (accept === DOCKER_LIST) return errorResponse(404, "MANIFEST_UNKNOWN");
    return answer(accept === v2.descriptor.mediaType ? v2 : schema1, request);
  });
  const manifest = await b.clock.run(b.repository.manifest("v1"));
  assert.equal(manifest.descriptor.digest, v2.descriptor.digest);
  assert.equal(b.transport.seen.length, 3);
  const resolved = await b.clock.run(b.repository.resolve("v1"));
  assert.equal(resolved.digest, v2.descriptor.digest);
});

test("lesson 52: a tag that is schema 1 alone is still read", async () => {
  const schema1 = await corpusSchema1();
  const b = bench((request) =>
    request.headers.get("accept")?.includes(",")
      ? answer(schema1, request)
      : errorResponse(404, "MANIFEST_UNKNOWN")
  );
  const manifest = await b.clock.run(b.repository.manifest("v1"));
  assert.equal(manifest.parsed.kind, "schema1");
});

test("a signed schema 1 has the digest of its payload, by tag and by digest", async () => {
  const schema1 = await corpusSchema1();
  const b = bench((request) => answer(schema1, request));
  const byTag = await b.clock.run(b.repository.manifest("v1", { accept: [SCHEMA1] }));
  assert.equal(byTag.descriptor.digest, schema1.descriptor.digest);
  const byDigest = await b.clock.run(b.repository.manifest(schema1.descriptor.digest));
  assert.equal(byDigest.descriptor.digest, schema1.descriptor.digest);
  // Signed anew each time, its length is not that of the descriptor.
  const stream = await b.clock.run(
    b.repository.fetch({ ...schema1.descriptor, size: schema1.descriptor.size - 7 }),
  );
  assert.deepEqual(await readAllBytes(stream), schema1.raw);
  const error = await failure(b.clock.run(b.repository.manifest(ZERO)));
  assert.ok(error instanceof DigestMismatchError);
});

test("lesson 53: an index is understood as what it is, whatever was asked for", async () => {
  const list = index([MANIFEST.descriptor]);
  const b = bench((request) => answer(list, request));
  const manifest = await b.clock.run(b.repository.manifest("v1", { accept: [OCI_MANIFEST] }));
  assert.equal(manifest.parsed.kind, "index");
  const generic = bench((request) => answer(list, request, { "content-type": "application/json" }));
  const guessed = await generic.clock.run(generic.repository.manifest("v1"));
  assert.equal(guessed.descriptor.mediaType, OCI_INDEX);
});

test("lesson 54: a body of another kind than its Content-Type is refused", async () => {
  const b = bench((request) => answer(MANIFEST, request, { "content-type": OCI_INDEX }));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof InvalidManifestError, String(error));
});

test("lesson 55: Content-Length is not believed when the body is encoded", async () => {
  const b = bench((request) =>
    // As runtimes give it that decode: the header is that of the compressed bytes.
    answer(MANIFEST, request, { "content-encoding": "gzip", "content-length": "20" })
  );
  const resolved = await b.clock.run(b.repository.resolve("v1"));
  assert.deepEqual(resolved, MANIFEST.descriptor);
});

test("lesson 57: gzip that the runtime has not decoded is decoded here", async () => {
  const b = bench((request) => {
    const zipped = new Blob([MANIFEST.raw]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Response(request.method === "HEAD" ? null : zipped, {
      headers: { "content-type": OCI_MANIFEST, "content-encoding": "gzip" },
    });
  });
  const manifest = await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(manifest.descriptor, MANIFEST.descriptor);
});

test("lesson 61: what was just pushed is tagged without reading it back", async () => {
  const b = bench((request) =>
    request.method === "PUT" ? new Response(null, { status: 201 }) : undefined
  );
  await b.clock.run(b.repository.push(MANIFEST.descriptor, MANIFEST.raw));
  await b.clock.run(b.repository.tag(MANIFEST.descriptor, "v1"));
  assert.deepEqual(b.transport.seen.map(({ method, path }) => `${method} ${path}`), [
    `PUT /v2/acme/app/manifests/${MANIFEST.descriptor.digest}`,
    "PUT /v2/acme/app/manifests/v1",
  ]);
  assert.equal(b.transport.seen[1]?.headers.get("content-type"), OCI_MANIFEST);
});

test("lesson 63: a + in a tag is refused with advice, before any request", async () => {
  const b = bench(() => undefined);
  const error = await failure(b.clock.run(b.repository.resolve("1.0.0+build")));
  assert.ok(error instanceof InvalidReferenceError);
  assert.match(error.message, /Helm writes _/);
  assert.equal(b.transport.seen.length, 0);
});

test("lesson 64: resolving asks for the header alone", async () => {
  const b = bench((request) => answer(MANIFEST, request), { host: "docker.io", name: "alpine" });
  await b.clock.run(b.repository.resolve("3.20"));
  assert.deepEqual(b.transport.seen.map(({ method, url }) => `${method} ${url}`), [
    "HEAD https://registry-1.docker.io/v2/library/alpine/manifests/3.20",
  ]);
});

test("lesson 64: Docker Hub's quota is not spent without leave", async () => {
  const script = (request: Request) =>
    answer(MANIFEST, request, { "docker-content-digest": undefined });
  const b = bench(script, { host: "docker.io", name: "alpine" });
  const error = await failure(b.clock.run(b.repository.resolve("3.20")));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /allowGet/);
  assert.equal(b.transport.seen.some(({ method }) => method === "GET"), false);
  const allowed = await b.clock.run(b.repository.resolve("3.20", { allowGet: true }));
  assert.deepEqual(allowed, MANIFEST.descriptor);
});

test("F6: a wrong Docker-Content-Digest is an error by tag, and ignored by digest", async () => {
  const b = bench((request) => answer(MANIFEST, request, { "docker-content-digest": ZERO }));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof DigestMismatchError);
  assert.equal(error.expected, ZERO);
  const { digest } = MANIFEST.descriptor;
  const manifest = await b.clock.run(b.repository.manifest(digest));
  assert.equal(manifest.descriptor.digest, digest);
  assert.deepEqual(await b.clock.run(b.repository.resolve(digest)), MANIFEST.descriptor);
});

test("F6: a Docker-Content-Digest of another algorithm, or none, says nothing", async () => {
  for (const text of [`sha512:${"0".repeat(128)}`, `sha384:${"0".repeat(96)}`, "nonsense", ""]) {
    const b = bench((request) => answer(MANIFEST, request, { "docker-content-digest": text }));
    const manifest = await b.clock.run(b.repository.manifest("v1"));
    assert.equal(manifest.descriptor.digest, MANIFEST.descriptor.digest, text);
  }
});

test("bytes are proved before they are parsed", async () => {
  const b = bench((request) =>
    answer({ raw: utf8("{ no json"), descriptor: MANIFEST.descriptor }, request)
  );
  const error = await failure(b.clock.run(b.repository.manifest(MANIFEST.descriptor.digest)));
  assert.ok(error instanceof DigestMismatchError, String(error));
});

test("unknown fields and every byte of a manifest survive", async () => {
  const odd = `{ "schemaVersion": 2,\t"x-new": [1.50, "\\u00e9"], "config": ${
    JSON.stringify(CONFIG.descriptor)
  }, "layers": [] }\n`;
  const document = { raw: utf8(odd), descriptor: descriptorOf(utf8(odd), OCI_MANIFEST) };
  const b = bench((request) => answer(document, request));
  const { raw, parsed } = await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(raw, document.raw);
  assert.deepEqual((parsed.value as unknown as Record<string, unknown>)["x-new"], [1.5, "é"]);
});

test("a manifest may have 4 MiB and not a byte more", async () => {
  const limit = 4 * 1024 * 1024;
  const padded = (length: number): Sample => {
    const raw = new Uint8Array(length).fill(32);
    raw.set(MANIFEST.raw);
    return { raw, descriptor: descriptorOf(raw, OCI_MANIFEST) };
  };
  const good = bench((request) => answer(padded(limit), request));
  const { descriptor } = await good.clock.run(good.repository.manifest("v1"));
  assert.equal(descriptor.size, limit);
  for (const headers of [{}, { "content-length": undefined }, { "content-length": "10" }]) {
    const long = bench((request) => answer(padded(limit + 1), request, headers));
    const error = await failure(long.clock.run(long.repository.manifest("v1")));
    assert.ok(error instanceof LimitExceededError, String(error));
  }
  const pushed = await failure(
    good.repository.push(padded(limit + 1).descriptor, padded(limit + 1).raw),
  );
  assert.ok(pushed instanceof LimitExceededError);
});

test("a manifest whose size is not that of its descriptor is refused", async () => {
  const b = bench((request) => answer(MANIFEST, request));
  const wrong = { ...MANIFEST.descriptor, size: MANIFEST.descriptor.size + 1 };
  assert.ok(await failure(b.clock.run(b.repository.fetch(wrong))) instanceof SizeMismatchError);
});

test("F31: a login page is no manifest", async () => {
  const b = bench(() =>
    new Response(`<html><script>${"x".repeat(9000)}</script><title>Sign in</title></html>`, {
      headers: { "content-type": "text/html; charset=utf-8" },
    })
  );
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /does not answer like a registry: HTML/);
  assert.ok(error.message.length < 4096);
});

test("F31: a login page has no manifest, no blob, and takes none", async () => {
  const b = bench((request) =>
    new Response(request.method === "HEAD" ? null : "<html><h1>Sign in</h1></html>", {
      headers: { "content-type": "text/html; charset=utf-8" },
    })
  );
  const { repository, clock } = b;
  const isBlobThere = await clock.run(repository.exists(CONFIG.descriptor));
  assert.equal(isBlobThere, false);
  const works: (() => Promise<unknown>)[] = [
    () => repository.exists(MANIFEST.descriptor),
    () => repository.push(CONFIG.descriptor, CONFIG.raw),
    () => repository.push(MANIFEST.descriptor, MANIFEST.raw),
    () => repository.untag("v1"),
  ];
  for (const work of works) {
    const error = await failure(clock.run(work()));
    assert.ok(error instanceof RegistryError, String(error));
    assert.match(error.message, /HTML instead of a manifest|Sign in/);
  }
});

test("a tag counts as written when the registry says so, or has it", async () => {
  const tags: Record<string, (request: Request) => Response | undefined> = {
    missing: () => undefined,
    old: (request) => answer(index([]), request),
    new: (request) => answer(MANIFEST, request),
  };
  for (const [tag, there] of Object.entries(tags)) {
    for (const isNamed of [false, true]) {
      const headers: HeadersInit = isNamed
        ? { "docker-content-digest": MANIFEST.descriptor.digest }
        : {};
      const b = bench((request, { path }) => {
        if (request.method === "PUT") return new Response(null, { status: 202, headers });
        return path.endsWith(tag) ? there(request) : answer(MANIFEST, request);
      });
      const tagging = b.clock.run(b.repository.tag(MANIFEST.descriptor, tag));
      if (isNamed || tag === "new") await tagging;
      else assert.match(String(await failure(tagging)), /answered 202, but does not have it/);
    }
  }
});

test("a missing manifest is named in the registry's words", async () => {
  const b = bench(
    (request) =>
      request.method === "HEAD"
        ? new Response(null, { status: 404 })
        : errorResponse(404, "MANIFEST_UNKNOWN"),
    { host: "docker.io", name: "library/alpine" },
  );
  const calls: (() => Promise<unknown>)[] = [
    () => b.repository.resolve("9"),
    () => b.repository.manifest("9"),
  ];
  for (const call of calls) {
    const error = await failure(b.clock.run(call()));
    assert.ok(error instanceof NotFoundError);
    assert.equal(
      error.message,
      'Cannot pull "docker.io/library/alpine:9": registry answered 404 MANIFEST_UNKNOWN',
    );
    assert.ok(error.cause instanceof RegistryError);
    assert.equal(error.cause.status, 404);
    assert.equal(error.cause.diagnostics[0]?.code, "MANIFEST_UNKNOWN");
  }
});

test("the data of a descriptor is used when it is what the descriptor says", async () => {
  const content = utf8("hello");
  const descriptor = descriptorOf(content, "text/plain");
  const b = bench((request) => answer({ raw: content, descriptor }, request));
  const embedded = { ...descriptor, data: btoa("hello") };
  assert.deepEqual(await readAllBytes(await b.repository.fetch(embedded)), content);
  const part = await b.repository.fetch(embedded, { range: { start: 1, end: 2 } });
  assert.deepEqual(await readAllBytes(part), utf8("el"));
  assert.equal(b.transport.seen.length, 0);
  const wrong = { ...descriptor, data: btoa("jello") };
  assert.deepEqual(await readAllBytes(await b.clock.run(b.repository.fetch(wrong))), content);
  assert.equal(b.transport.seen.length, 1);
});

test("image() follows an index to the image of a platform, also through nested ones", async () => {
  const platform = { os: "linux", architecture: "arm64" };
  const inner = index([{ ...MANIFEST.descriptor, platform }]);
  const attestation = {
    ...OTHER.descriptor,
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };
  const outer = index([attestation, inner.descriptor]);
  const all = new Map([MANIFEST, inner, outer].map((item) => [item.descriptor.digest, item]));
  const b = bench((request) =>
    answer(all.get(request.url.split("/").at(-1) ?? "") ?? outer, request)
  );
  const image = await b.clock.run(b.repository.image("v1", { platform }));
  assert.equal(image.descriptor.digest, MANIFEST.descriptor.digest);
  const only = await b.clock.run(b.repository.image("v1"));
  assert.equal(only.descriptor.digest, MANIFEST.descriptor.digest);
  assert.deepEqual(await b.clock.run(b.repository.platforms(outer.descriptor)), [platform]);
  const error = await failure(
    b.clock.run(b.repository.image("v1", { platform: { os: "linux", architecture: "s390x" } })),
  );
  assert.ok(error instanceof PlatformNotFoundError);
  assert.deepEqual(error.available, [platform]);
});

test("indexes nest five levels and not more", async () => {
  const nest = (levels: number): Sample[] => {
    const list: Sample[] = [
      index([{ ...MANIFEST.descriptor, platform: { os: "linux", architecture: "amd64" } }]),
    ];
    while (list.length < levels) list.unshift(index([list[0]?.descriptor ?? CONFIG.descriptor]));
    return list;
  };
  const run = (levels: number) => {
    const samples = [...nest(levels), MANIFEST];
    const all = new Map(samples.map((item) => [item.descriptor.digest, item]));
    const b = bench((request) => {
      const found = all.get(request.url.split("/").at(-1) ?? "") ?? samples[0];
      return found === undefined ? undefined : answer(found, request);
    });
    return b.clock.run(
      b.repository.image("v1", { platform: { os: "linux", architecture: "amd64" } }),
    );
  };
  assert.equal((await run(5)).descriptor.digest, MANIFEST.descriptor.digest);
  assert.ok(await failure(run(6)) instanceof LimitExceededError);
});

test("platforms() of an image without an index are in its config", async () => {
  const b = bench((request) =>
    answer(request.url.includes("/blobs/") ? CONFIG : MANIFEST, request)
  );
  assert.deepEqual(await b.clock.run(b.repository.platforms(MANIFEST.descriptor)), [
    { os: "linux", architecture: "amd64" },
  ]);
});

test("platforms() refuses a config without a platform", async () => {
  const config = sample({ os: "linux" }, OCI_CONFIG);
  const manifest = sample({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: config.descriptor,
    layers: [],
  }, OCI_MANIFEST);
  const b = bench((request) =>
    answer(request.url.includes("/blobs/") ? config : manifest, request)
  );
  const error = await failure(b.clock.run(b.repository.platforms(manifest.descriptor)));
  assert.ok(error instanceof InvalidConfigError);
  assert.match(error.message, /architecture: missing/);
});

test("resolve() takes tag@digest, where the digest decides", async () => {
  const b = bench((request) => answer(MANIFEST, request));
  const { digest } = MANIFEST.descriptor;
  const descriptor = await b.clock.run(b.repository.resolve(`v1@${digest}`));
  assert.equal(descriptor.digest, digest);
  assert.equal(b.transport.seen[0]?.path, `/v2/acme/app/manifests/${digest}`);
});

test("a blob and a manifest are looked for where they are", async () => {
  const blob = descriptorOf(utf8("x"), OCI_LAYER);
  const b = bench((request) => request.url.includes(blob.digest) ? new Response(null) : undefined);
  assert.equal(await b.clock.run(b.repository.exists(blob)), true);
  assert.equal(await b.clock.run(b.repository.exists(MANIFEST.descriptor)), false);
  assert.deepEqual(b.transport.seen.map(({ method, path }) => `${method} ${path}`), [
    `HEAD /v2/acme/app/blobs/${blob.digest}`,
    `HEAD /v2/acme/app/manifests/${MANIFEST.descriptor.digest}`,
  ]);
});

async function corpusSchema1(): Promise<Sample> {
  const raw = await corpusBytes("containers-image/internal/manifest/testdata/v2s1.manifest.json");
  const digest = manifestDigest(parseManifest(raw));
  return { raw, descriptor: { mediaType: SCHEMA1, digest, size: raw.byteLength } };
}
