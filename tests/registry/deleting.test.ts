import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  InvalidReferenceError,
  NotFoundError,
  RegistryError,
} from "../../lib/model/errors.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { memoryRegistry, type RandomImage, randomImage } from "../../lib/testing/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { turn } from "./fake_clock.ts";
import { errorResponse, failure } from "./scripted.ts";

interface Case {
  readonly image: RandomImage;
  readonly repository: Repository;
  readonly other: Repository;
  readonly requests: string[];
}

/** A repository with an image under two tags, and a registry that answers some requests otherwise. */
async function withImage(
  answer: (request: Request, path: string) => Response | undefined = () => undefined,
): Promise<Case> {
  const memory = memoryRegistry();
  const image = await randomImage("deleting");
  await image.pushTo(memory.store, "acme/app:1");
  await memory.store.tag(image.descriptor, "acme/app:2");
  const requests: string[] = [];
  const transport: Transport = async (request) => {
    const { pathname, search } = new URL(request.url);
    requests.push(`${request.method} ${pathname}${search}`);
    return answer(request, pathname) ?? await memory.transport(request);
  };
  const registry = new Registry("registry.test", { transport, retry: { retries: 0 } });
  return {
    image,
    repository: registry.repository("acme/app"),
    other: registry.repository("acme/other"),
    requests,
  };
}

async function tagsOf(repository: Repository): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of repository.tags()) tags.push(tag);
  return tags.sort();
}

test("delete() of a manifest takes its tags with it, and a second time is no error", async () => {
  const { image, repository } = await withImage();
  await repository.delete(image.descriptor);
  assert.deepEqual(await tagsOf(repository), []);
  assert.equal(await repository.exists(image.descriptor), false);
  await repository.delete(image.descriptor);
});

test("delete() of a blob leaves the manifest", async () => {
  const { image, repository } = await withImage();
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  await repository.delete(layer.descriptor);
  assert.equal(await repository.exists(layer.descriptor), false);
  assert.equal(await repository.exists(image.descriptor), true);
});

test("delete() says that a registry does not allow it", async () => {
  const { image, repository } = await withImage((request) =>
    request.method === "DELETE" ? errorResponse(405, "UNSUPPORTED") : undefined
  );
  const error = await failure(repository.delete(image.descriptor));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /^Cannot delete "registry\.test\/acme\/app@sha256:.*405 UNSUPPORTED/);
});

test("untag() removes a tag and keeps the manifest and its other tags", async () => {
  const { image, repository } = await withImage();
  await repository.untag("1");
  assert.deepEqual(await tagsOf(repository), ["2"]);
  assert.equal(await repository.exists(image.descriptor), true);
  assert.ok(await failure(repository.untag("1")) instanceof NotFoundError);
  const { digest } = image.descriptor;
  assert.ok(await failure(repository.untag(digest)) instanceof InvalidReferenceError);
});

const isTagDelete = ({ method }: Request, path: string) =>
  method === "DELETE" && /\/manifests\/[^:]+$/.test(path);

test("untag() works where tags cannot be deleted (distribution 2.8)", async () => {
  for (const status of [400, 404, 405, 501]) {
    const { image, repository, requests } = await withImage((request, path) =>
      isTagDelete(request, path) ? errorResponse(status, "DIGEST_INVALID") : undefined
    );
    await repository.untag("1");
    assert.deepEqual(await tagsOf(repository), ["2"], `${status}`);
    assert.equal(await repository.exists(image.descriptor), true);
    // One image to see whether anything can be deleted, one that has the tag.
    const deleted = requests.filter((request) => /^DELETE .*sha256:/.test(request));
    assert.equal(new Set(deleted).size, 2);
    assert.ok(!deleted.some((request) => request.includes(image.descriptor.digest)));
  }
});

test("untag() leaves the tag alone where nothing can be deleted", async () => {
  const { image, repository, requests } = await withImage((request, path) => {
    if (request.method !== "DELETE") return undefined;
    return isTagDelete(request, path)
      ? errorResponse(405, "UNSUPPORTED")
      : errorResponse(403, "DENIED");
  });
  const refusal = await failure(repository.untag("1"));
  assert.ok(refusal instanceof RegistryError);
  assert.match(refusal.message, /405 UNSUPPORTED/);
  assert.match(String(refusal.cause), /Cannot delete .*403/, "why the other way failed too");
  assert.equal((await repository.resolve("1")).digest, image.descriptor.digest);
  assert.ok(!requests.includes("PUT /v2/acme/app/manifests/1"));
});

test("lesson 41: mount() takes a blob over without moving it", async () => {
  const { image, other, requests } = await withImage();
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  assert.equal(await other.mount(layer.descriptor, "acme/app"), true);
  assert.equal(await other.exists(layer.descriptor), true);
  assert.ok(!requests.some((request) => /^(?:PUT|PATCH|GET)/.test(request)));
});

test("lesson 41: whatever keeps a mount from happening, the blob is to be pushed", async () => {
  const answers: readonly (() => Response | undefined)[] = [
    ...[400, 401, 403, 404, 405, 500].map((status) => () => errorResponse(status, "DENIED")),
    () =>
      new Response(null, { status: 202, headers: { location: "/v2/acme/other/blobs/uploads/x" } }),
    () => new Response(null, { status: 202 }),
    () => new Response(null, { status: 202, headers: { location: "https://elsewhere.test/x" } }),
  ];
  for (const [index, answer] of answers.entries()) {
    const { image, other } = await withImage((request) =>
      request.method === "POST" ? answer() : undefined
    );
    const [layer] = image.layers;
    assert.ok(layer !== undefined);
    assert.equal(await other.mount(layer.descriptor, "acme/app"), false, `answer ${index}`);
  }
});

test("mount() gives back the session that a registry opens instead", async () => {
  const { image, other, requests } = await withImage();
  const absent = { ...image.descriptor, digest: `sha256:${"0".repeat(64)}`, mediaType: "a/b" };
  assert.equal(await other.mount(absent, "acme/app"), false);
  const isGivenBack = () =>
    requests.some((request) => /^DELETE \/v2\/acme\/other\/blobs\/uploads\//.test(request));
  while (!isGivenBack()) await turn();
});

/** Mounts a layer from a repository that does not have it, to be pushed next. */
async function withOpened(answer?: (request: Request, path: string) => Response | undefined) {
  const found = await withImage(answer);
  const [layer] = found.image.layers;
  assert.ok(layer !== undefined);
  const { descriptor } = layer;
  const isMounted = await found.other.mount(descriptor, "acme/empty", { isPushedNext: true });
  assert.equal(isMounted, false);
  const about = (method: string) => found.requests.filter((line) => line.startsWith(method));
  return { ...found, layer, about };
}

test("what is pushed after a mount that failed goes to the upload that was opened for it", async () => {
  for (const chunkBytes of [undefined, 100]) {
    const { other, layer: { descriptor, bytes }, about } = await withOpened();
    await other.push(descriptor, bytes, { upload: { chunkBytes } });
    assert.equal(await other.exists(descriptor), true);
    const [opened, ...others] = about("POST");
    assert.match(opened ?? "", /[?&]mount=/);
    assert.deepEqual([...others, ...about("DELETE")], []);
  }
});

test("an upload that was opened in place of a mount is given back when nothing is sent", async () => {
  const { other, layer: { descriptor }, about } = await withOpened();
  const wrong = new Uint8Array(descriptor.size);
  assert.ok(await failure(other.push(descriptor, wrong)) instanceof DigestMismatchError);
  while (about("DELETE").length < 1) await turn();
  await other.mount(descriptor, "acme/empty", { isPushedNext: true });
  await other.mount(descriptor, "acme/empty", { isPushedNext: true });
  // A second mount takes the place of the first.
  while (about("DELETE").length < 2) await turn();
});

test("an upload that the registry has forgotten since the mount is opened anew", async () => {
  let isForgotten = false;
  const { other, layer: { descriptor, bytes }, about } = await withOpened(({ method }) => {
    if (method !== "PUT" || isForgotten) return undefined;
    isForgotten = true;
    return errorResponse(404, "BLOB_UPLOAD_UNKNOWN");
  });
  await other.push(descriptor, bytes);
  assert.equal(await other.exists(descriptor), true);
  assert.equal(about("POST").length, 2);
});

test("mount() refuses another digest, and names that are no repository", async () => {
  const { image, other } = await withImage((request) =>
    request.method === "POST"
      ? new Response(null, {
        status: 201,
        headers: { "docker-content-digest": `sha256:${"1".repeat(64)}` },
      })
      : undefined
  );
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  assert.ok(
    await failure(other.mount(layer.descriptor, "acme/app")) instanceof DigestMismatchError,
  );
  assert.ok(
    await failure(other.mount(layer.descriptor, "../app")) instanceof InvalidReferenceError,
  );
});

test("a login page is no answer to DELETE; the good ones of registries are", async () => {
  const html = { "content-type": "text/html; charset=utf-8" };
  const page = "<html><script>location = '/login'</script></html>";
  const cases: readonly (readonly [string, () => Response, boolean])[] = [
    ["200 with a page", () => new Response(page, { headers: html }), false],
    ["200 without content", () => new Response(null, { headers: { "content-length": "0" } }), true],
    ["200 with JSON", () => Response.json({}), true],
    ["202", () => new Response(null, { status: 202 }), true],
    ["202 of Flask", () => new Response(null, { status: 202, headers: html }), true],
    ["204", () => new Response(null, { status: 204 }), true],
    [
      "200 of Flask",
      () => new Response(null, { headers: { ...html, "content-length": "0" } }),
      true,
    ],
  ];
  for (const [name, answer, isDeleted] of cases) {
    const { image, repository } = await withImage(({ method }) =>
      method === "DELETE" ? answer() : undefined
    );
    const [layer] = image.layers;
    assert.ok(layer !== undefined);
    for (
      const work of [
        () => repository.delete(image.descriptor),
        () => repository.delete(layer.descriptor),
        () => repository.untag("1"),
      ]
    ) {
      if (isDeleted) {
        await work();
        continue;
      }
      const error = await failure(work());
      assert.ok(error instanceof RegistryError, name);
      assert.match(
        error.message,
        /^Cannot (?:delete|untag) .* does not answer like a registry: HTML/,
      );
      assert.equal(error.method, "DELETE");
    }
  }
});
