import { test } from "node:test";
import assert from "node:assert/strict";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { RegistryError } from "../../lib/model/errors.ts";
import { referrersTag } from "../../lib/registry/mod.ts";
import {
  answer,
  bench,
  collect,
  errorResponse,
  failure,
  index,
  MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
  readAllBytes,
  type Sample,
  sample,
  type Script,
} from "./scripted.ts";

const SUBJECT = MANIFEST.descriptor;

function referrer(
  artifactType: string,
): { readonly content: Sample; readonly descriptor: Descriptor } {
  const document = JSON.parse(new TextDecoder().decode(MANIFEST.raw));
  const content = sample({ ...document, artifactType, subject: SUBJECT }, OCI_MANIFEST);
  return { content, descriptor: { ...content.descriptor, artifactType } };
}

const SBOM = referrer("application/spdx+json");
const SIGNATURE = referrer("application/vnd.test.signature");
const ALL = [SBOM, SIGNATURE];

/** A registry with the referrers API; other answers by a script. */
function withAPI(list: readonly Descriptor[], init: ResponseInit = {}): Script {
  return (request) => {
    if (request.url.includes("/referrers/")) {
      return new Response(index(list).raw, { headers: { "content-type": OCI_INDEX }, ...init });
    }
    const found = ALL.find(({ content }) => request.url.includes(content.descriptor.digest));
    return found === undefined ? undefined : answer(found.content, request);
  };
}

function digests(list: readonly Descriptor[]): string[] {
  return list.map(({ digest }) => digest);
}

const BOTH = [SBOM.descriptor, SIGNATURE.descriptor];
const TAG = `sha256-${SUBJECT.digest.slice(7)}`;

test("referrers are listed by the API", async () => {
  const b = bench(withAPI(BOTH));
  const found = await b.clock.run(collect(b.repository.referrers(SUBJECT)));
  assert.deepEqual(found, BOTH);
  assert.equal(b.transport.seen[0]?.path, `/v2/acme/app/referrers/${SUBJECT.digest}`);
  assert.equal(b.transport.seen[0]?.headers.get("accept"), OCI_INDEX);
  assert.ok(!b.transport.seen.some(({ path }) => path.endsWith(TAG)), "nothing is left to a tag");
  assert.deepEqual(b.events.filter(({ type }) => type === "fallback"), []);
});

test("a Content-Type with parameters is still an index", async () => {
  const b = bench(withAPI(BOTH, { headers: { "content-type": `${OCI_INDEX}; charset=utf-8` } }));
  assert.equal((await b.clock.run(collect(b.repository.referrers(SUBJECT)))).length, 2);
});

test("the filter is applied here, whatever the registry says it has done", async () => {
  const artifactType = "application/vnd.test.signature";
  for (const applied of [{}, { "oci-filters-applied": "artifactType" }]) {
    const b = bench(withAPI(BOTH, { headers: { "content-type": OCI_INDEX, ...applied } }));
    const found = await b.clock.run(collect(b.repository.referrers(SUBJECT, { artifactType })));
    assert.deepEqual(digests(found), [SIGNATURE.descriptor.digest]);
  }
  const plus = bench(withAPI([]));
  const type = "application/spdx+json";
  await plus.clock.run(collect(plus.repository.referrers(SUBJECT, { artifactType: type })));
  assert.match(plus.transport.seen[0]?.path ?? "", /\?artifactType=application%2Fspdx%2Bjson$/);
});

test("pages of referrers are put together, each once", async () => {
  const b = bench((request) => {
    if (!request.url.includes("/referrers/")) return undefined;
    const isSecond = request.url.includes("page=2");
    const headers = new Headers({ "content-type": OCI_INDEX });
    if (!isSecond) headers.set("link", '<?page=2>; rel="next"');
    const list = isSecond ? BOTH : [SBOM.descriptor];
    return new Response(index(list).raw, { headers });
  });
  assert.deepEqual(
    digests(await b.clock.run(collect(b.repository.referrers(SUBJECT)))),
    digests(BOTH),
  );
});

test("lesson 56: a wrong size in a list of referrers is put right by the manifest itself", async () => {
  const b = bench(withAPI(BOTH.map((item) => ({ ...item, size: item.size + 12_345 }))));
  const found = await b.clock.run(collect(b.repository.referrers(SUBJECT)));
  assert.deepEqual(found, BOTH);
  const [first] = found;
  assert.ok(first !== undefined);
  const raw = await b.clock.run(b.repository.fetch(first).then(readAllBytes));
  assert.deepEqual(raw, SBOM.content.raw);
});

test("an entry stays as it is where its manifest cannot be looked at", async () => {
  const odd = { mediaType: OCI_MANIFEST, digest: "blake9:abcd", size: 7 };
  const list = [...BOTH, odd];
  const api = withAPI(list);
  for (const [status, code] of [[404, "MANIFEST_UNKNOWN"], [405, "UNSUPPORTED"]] as const) {
    const b = bench((request, seen, count) =>
      request.method === "HEAD" ? errorResponse(status, code) : api(request, seen, count)
    );
    assert.deepEqual(await b.clock.run(collect(b.repository.referrers(SUBJECT))), list);
    assert.ok(!b.transport.seen.some(({ path }) => path.includes(odd.digest)));
  }
});

for (const stage of ["the list", "a manifest", "the tag"]) {
  test(`abort ends a list of referrers that waits for ${stage}`, async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const api = withAPI(BOTH);
    const b = bench((request, seen, count) => {
      const isList = request.url.includes("/referrers/");
      if (stage === "the tag" && isList) return errorResponse(404, "UNSUPPORTED");
      if (stage === "a manifest" && isList) return api(request, seen, count);
      controller.abort(reason);
      return new Promise(() => {});
    });
    const { signal } = controller;
    const work = collect(b.repository.referrers(SUBJECT, { signal }));
    assert.equal(await failure(b.clock.run(work)), reason);
  });
}

for (
  const [name, reply] of [
    ["404", () => errorResponse(404, "NAME_UNKNOWN")],
    ["404 in plain text", () => new Response("404 page not found\n", { status: 404 })],
    ["400", () => errorResponse(400, "UNSUPPORTED")],
    ["405", () => errorResponse(405, "UNSUPPORTED")],
    ["406", () => new Response(null, { status: 406 })],
    ["501", () => errorResponse(501, "UNSUPPORTED")],
    ["200 with HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["200 with JSON", () => Response.json({})],
  ] as const
) {
  test(`lesson 69: without the API (${name}) the tag of the referrers is read`, async () => {
    const b = bench((request) => {
      if (request.url.includes("/referrers/")) return reply();
      return request.url.endsWith(`/manifests/${TAG}`) ? answer(index(BOTH), request) : undefined;
    });
    const found = await b.clock.run(collect(b.repository.referrers(SUBJECT)));
    assert.deepEqual(digests(found), digests(BOTH));
    const artifactType = "application/spdx+json";
    const some = await b.clock.run(collect(b.repository.referrers(SUBJECT, { artifactType })));
    assert.deepEqual(digests(some), [SBOM.descriptor.digest]);
    const [event] = b.events.filter(({ type }) => type === "fallback");
    assert.deepEqual(event, {
      type: "fallback",
      registry: "registry.example",
      reason: "it has no referrers API; the tag of the referrers is read",
    });
  });
}

test("no API and no tag means no referrers, and so does a tag that is no index", async () => {
  const none = bench(() => errorResponse(404, "NAME_UNKNOWN"));
  assert.deepEqual(await none.clock.run(collect(none.repository.referrers(SUBJECT))), []);
  const image = bench((request) =>
    request.url.endsWith(TAG) ? answer(MANIFEST, request) : errorResponse(404, "NAME_UNKNOWN")
  );
  assert.deepEqual(await image.clock.run(collect(image.repository.referrers(SUBJECT))), []);
});

test("a registry that fails is not one without referrers", async () => {
  for (const status of [401, 403, 500]) {
    const b = bench(() => errorResponse(status, "UNKNOWN"));
    const error = await failure(b.clock.run(collect(b.repository.referrers(SUBJECT))));
    assert.ok(error instanceof RegistryError, `${status}`);
  }
});

test("where only the API or only the tag fails, that is the error", async () => {
  for (
    const [broken, action] of [["/referrers/", "list the referrers of"], [TAG, "pull"]] as const
  ) {
    const b = bench((request) => {
      if (request.url.includes(broken)) return errorResponse(403, "DENIED");
      return request.url.endsWith(TAG) ? answer(index(BOTH), request) : undefined;
    });
    const error = await failure(b.clock.run(collect(b.repository.referrers(SUBJECT))));
    assert.ok(error instanceof RegistryError && error.status === 403, broken);
    assert.ok(error.message.startsWith(`Cannot ${action} "registry.example/acme/app`));
  }
});

test("the tag of the referrers is no longer than a tag may be", () => {
  assert.equal(referrersTag(SUBJECT.digest), TAG);
  const long = referrersTag(`sha512:${"ab".repeat(64)}`);
  assert.equal(long, `sha512-${"ab".repeat(32)}`);
  assert.ok(long.length <= 128);
  assert.equal(referrersTag("multihash+base58:QmRZxt2b"), "multihash-base58-QmRZxt2b");
});
