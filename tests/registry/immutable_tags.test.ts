import { test } from "node:test";
import assert from "node:assert/strict";
import {
  AuthorizationError,
  isLadingError,
  RegistryError,
  TagImmutableError,
} from "../../lib/model/errors.ts";
import { copy } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry, randomImage } from "../../lib/testing/mod.ts";
import { answer, bench, errorResponse, failure, MANIFEST, type Script } from "./scripted.ts";

/** How registries say that a tag stands for good. */
const REFUSALS: readonly (readonly [name: string, answer: () => Response])[] = [
  [
    "Harbor",
    () =>
      errorResponse(
        412,
        "PRECONDITION",
        {},
        "Failed to process request due to 'app:v1' configured as immutable.",
      ),
  ],
  [
    "ECR",
    () =>
      errorResponse(
        400,
        "TAG_INVALID",
        {},
        "The image tag 'v1' already exists in the 'acme/app' repository and cannot be overwritten " +
          "because the repository is immutable.",
      ),
  ],
  ["a code of its own", () => errorResponse(409, "TAG_IMMUTABLE")],
  ["plain text", () => new Response("tag v1 is immutable\n", { status: 409 })],
];

for (const [name, refuse] of REFUSALS) {
  test(`lesson 78: a tag that may not be moved is an error of its own (${name})`, async () => {
    const b = bench((request) => request.method === "GET" ? answer(MANIFEST, request) : refuse());
    const error = await failure(b.clock.run(b.repository.tag(MANIFEST.descriptor, "v1")));
    assert.ok(error instanceof TagImmutableError, String(error));
    assert.equal(error.code, "TAG_IMMUTABLE");
    assert.equal(error.status, refuse().status);
    assert.match(error.message, /^Cannot push "[^"]*v1": registry answered 4\d\d/);
    const puts = b.transport.seen.filter(({ method }) => method === "PUT");
    assert.equal(puts.length, 1, "it is not tried again");
  });
}

test("lesson 78: other refusals of a manifest are not taken for one of the tag", async () => {
  for (const status of [400, 403, 409, 412]) {
    const script: Script = (request) =>
      request.method === "GET" ? answer(MANIFEST, request) : errorResponse(status, "DENIED");
    const b = bench(script, { name: "acme/immutable" });
    const error = await failure(b.clock.run(b.repository.tag(MANIFEST.descriptor, "v1")));
    assert.ok(error instanceof (status === 403 ? AuthorizationError : RegistryError));
    assert.ok(!(error instanceof TagImmutableError), `${status}`);
  }
});

test("lesson 78: a tag that stands for good is not removed by the way round", async () => {
  const b = bench((request) =>
    request.method === "HEAD" || request.method === "GET"
      ? answer(MANIFEST, request)
      : errorResponse(405, "UNSUPPORTED", {}, "the tag is immutable")
  );
  const error = await failure(b.clock.run(b.repository.untag("v1")));
  assert.ok(error instanceof TagImmutableError, String(error));
  assert.deepEqual(
    b.transport.seen.map(({ method }) => method).filter((method) => method !== "HEAD"),
    ["DELETE"],
  );
});

test("lesson 78: a copy to a tag that stands for good fails last, and its blobs stay", async () => {
  const { host, store, transport } = memoryRegistry();
  const repository = new Registry(host, {
    transport: (request) =>
      request.method === "PUT" && request.url.endsWith("/manifests/1")
        ? Promise.resolve(
          errorResponse(412, "PRECONDITION", {}, "'app:1' configured as immutable."),
        )
        : transport(request),
  }).repository("acme/app");
  const [before, after] = [await randomImage("before"), await randomImage("after")];
  await before.pushTo(store, "acme/app:1");
  const from = memoryStore();
  await after.pushTo(from, "1");
  const error = await failure(Promise.resolve(copy(from, "1", repository)));
  assert.ok(isLadingError(error) && error.code === "TAG_IMMUTABLE", String(error));
  assert.equal((await repository.resolve("1")).digest, before.descriptor.digest);
  const again = await copy(from, "1", repository, { targetReference: "2" });
  assert.equal(again.bytesFetched, after.descriptor.size, "the manifest alone");
});
