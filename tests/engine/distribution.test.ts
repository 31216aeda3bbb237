import { test } from "node:test";
import assert from "node:assert/strict";
import { DIGEST, failure, inspected, json, pulled, scripted } from "./scripted.ts";

test("distribution() gives digest and platforms, and pulls exactly that", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (method === "POST") return pulled();
    if (!path.startsWith("/distribution")) {
      return json(path === "/version" ? { Os: "linux", Arch: "arm64" } : inspected());
    }
    return json({
      Descriptor: { mediaType: "application/vnd.oci.image.index.v1+json", digest: DIGEST, size: 9 },
      Platforms: [
        { architecture: "arm64", os: "linux", variant: "v8" },
        { architecture: "amd64", os: "linux" },
        { architecture: "unknown", os: "unknown" },
      ],
    });
  });
  const data = await engine.images.distribution("r.test/app:1");
  assert.equal(sent[0]?.path, "/distribution/r.test/app:1/json");
  assert.equal(data.id, DIGEST);
  assert.equal(data.shortID, DIGEST.slice(0, 19));
  assert.equal(data.descriptor.size, 9);
  assert.deepEqual(data.platforms?.length, 2);
  assert.equal(await data.hasPlatform("linux/amd64"), true);
  // docker-py does not find an entry that has a variant when none is asked for.
  assert.equal(await data.hasPlatform("linux/arm64"), true);
  assert.equal(await data.hasPlatform({ os: "windows", architecture: "amd64" }), false);
  assert.equal(await data.hasPlatform("linux"), true);
  assert.equal((await failure(data.hasPlatform("a/b/c/d")))["code"], "INVALID_PLATFORM");
  await data.pull({ platform: "linux/amd64" });
  const pull = sent.find(({ method }) => method === "POST");
  assert.deepEqual(pull?.query, [
    ["fromImage", "r.test/app"],
    ["tag", DIGEST],
    ["platform", "linux/amd64"],
  ]);
  await data.reload();
  assert.equal(sent.at(-1)?.path, "/distribution/r.test/app:1/json");
});

test("distribution() keeps the credentials that it was given for reload() and pull()", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (method === "POST") return pulled();
    return json(
      path.startsWith("/distribution") ? { Descriptor: { digest: DIGEST } } : inspected(),
    );
  });
  const credentials = { kind: "basic", username: "u", password: "p" } as const;
  const data = await engine.images.distribution("app", { credentials });
  await data.reload();
  await data.pull();
  for (const request of sent.slice(0, 3)) {
    assert.ok(request.headers.has("x-registry-auth"), request.path);
  }
});

test("hasPlatform() does not guess where the engine does not tell", async () => {
  const { engine } = scripted(() => json({ Descriptor: {}, Platforms: null }));
  const data = await engine.images.distribution("app");
  assert.equal(data.platforms, undefined);
  assert.equal((await failure(data.hasPlatform("linux/amd64")))["code"], "ENGINE_ERROR");
});
