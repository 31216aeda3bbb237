import { test } from "node:test";
import assert from "node:assert/strict";
import { answering, failure, inspected, json, line, recorded, scripted } from "./scripted.ts";

test("list() asks once, and writes booleans and filters as engines of every age read them", async () => {
  const { engine, sent } = answering(() => json([]));
  await engine.images.list();
  await engine.images.list({ all: true, filters: { dangling: false, label: ["a=b", "c"] } });
  await engine.images.list({ name: "app:*", filters: { reference: "b" } });
  assert.deepEqual(sent.map(line), [
    "GET /images/json",
    'GET /images/json?all=1&filters={"dangling":["false"],"label":["a=b","c"]}',
    'GET /images/json?filters={"reference":["app:*","b"]}',
  ]);
});

test("list() names images by the old parameter before API 1.25", async () => {
  const { engine, sent } = answering(() => json([]), { speaks: "1.24" });
  await engine.images.list({ name: "app" });
  assert.deepEqual(sent.map(line), ["GET /images/json?filter=app"]);
});

test("list() does not change the filters that it was given", async () => {
  const { engine } = answering(() => json([]));
  const filters = Object.freeze({ label: Object.freeze(["a"]) });
  await engine.images.list({ name: "app", filters });
  assert.deepEqual(filters, { label: ["a"] });
});

test("list() asks newer engines for what they know", async () => {
  const { engine, sent } = answering(() => json([]), { speaks: "1.52" });
  await engine.images.list({ manifests: true, sharedSize: true });
  assert.deepEqual(sent.map(line), ["GET /images/json?shared-size=1&manifests=1"]);
  const newest = answering(() => json([]), { speaks: "1.54" });
  await newest.engine.images.list({ manifests: true, identity: true });
  assert.deepEqual(newest.sent.map(line), ["GET /images/json?manifests=1&identity=1"]);
  await assert.rejects(newest.engine.images.list({ identity: true }), TypeError);
  assert.equal(newest.sent.length, 1);
});

test("list() reads the recorded reply", async () => {
  const reply = await recorded("images-list");
  const { engine } = answering(() => reply);
  const images = await engine.images.list();
  assert.ok(images.length > 0);
  for (const image of images) {
    assert.match(image.id, /^sha256:[0-9a-f]{64}$/);
    assert.equal(image.shortID, image.id.slice(0, 19));
    assert.ok(image.size >= 0);
    assert.ok(image.tags.every((tag) => !tag.includes("<none>")));
  }
});

test("list() takes null, absent fields and placeholders for what they are: nothing", async () => {
  const created = -62135596800;
  const { engine } = answering(() =>
    json([
      { Id: "sha256:1", RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"], Labels: null },
      { Id: "2", RepoTags: null, RepoDigests: null, Created: created, Containers: -1 },
      { Id: "3", Created: 1795218512, SharedSize: 5, Containers: 2, Manifests: [{ ID: "m" }] },
    ])
  );
  const [first, second, third] = await engine.images.list();
  assert.deepEqual(first?.tags, []);
  assert.deepEqual(first?.digests, []);
  assert.deepEqual(first?.labels, {});
  assert.equal(first?.created, undefined);
  assert.deepEqual(second?.tags, []);
  assert.equal(second?.created, undefined);
  assert.equal(second?.containers, undefined);
  assert.equal(second?.sharedSize, undefined);
  assert.equal(third?.created?.toISOString(), "2026-11-20T23:48:32.000Z");
  assert.equal(third?.sharedSize, 5);
  assert.equal(third?.containers, 2);
  assert.deepEqual(third?.manifests, [{ ID: "m" }]);
});

test("get() gives a handle with what docker-py has", async () => {
  const id = `sha256:b4f1${"0".repeat(60)}`;
  const { engine, sent } = answering(() =>
    json(inspected({
      Id: id,
      RepoTags: ["app:1", "<none>:<none>", "r.test/app:2"],
      RepoDigests: ["r.test/app@sha256:1"],
      Config: { Labels: { a: "b" } },
      Variant: "v8",
      Architecture: "arm64",
    }))
  );
  const image = await engine.images.get("r.test:5000/app:1");
  assert.deepEqual(sent.map(line), ["GET /images/r.test:5000/app:1/json"]);
  assert.equal(image.id, id);
  assert.equal(image.shortID, "sha256:b4f100000000");
  assert.deepEqual(image.tags, ["app:1", "r.test/app:2"]);
  assert.deepEqual(image.digests, ["r.test/app@sha256:1"]);
  assert.deepEqual(image.labels, { a: "b" });
  assert.equal(image.attrs["Os"], "linux");
  assert.equal(image.created?.toISOString(), "2026-11-20T23:48:30.754Z");
  assert.deepEqual(image.platform, { os: "linux", architecture: "arm64" });
  assert.equal(String(image), "app:1, r.test/app:2");
});

test("an image without names, labels and config has none", async () => {
  for (const fields of [{ RepoTags: null, Config: null }, { RepoTags: undefined, Config: {} }]) {
    const { engine } = answering(() => json(inspected({ Id: "0123456789abcdef", ...fields })));
    const image = await engine.images.get("0123456789ab");
    assert.deepEqual(image.tags, []);
    assert.deepEqual(image.labels, {});
    assert.equal(image.shortID, "0123456789ab");
    assert.equal(String(image), "0123456789ab");
  }
});

test("complaint 14: the ID is one thing, the manifest or index of an image another", async () => {
  const digest = `sha256:${"7a".repeat(32)}`;
  const descriptor = { mediaType: "application/vnd.oci.image.index.v1+json", digest, size: 10 };
  const { engine } = scripted(({ path }) => {
    const fields = { Id: digest, Descriptor: { ...descriptor, annotations: { a: "b" } } };
    return json(path === "/images/json" ? [fields, inspected()] : inspected(fields));
  }, { speaks: "1.48" });
  assert.deepEqual((await engine.images.get("app:1")).descriptor, descriptor);
  const listed = await engine.images.list();
  assert.deepEqual(listed.map((image) => image.descriptor), [descriptor, undefined]);
  const classic = answering(() => json(inspected({ Descriptor: null })));
  const image = await classic.engine.images.get("app:1");
  assert.equal(image.descriptor, undefined);
  assert.match(image.id, /^sha256:/);
});

test("get() reads the recorded reply", async () => {
  const reply = await recorded("image-inspect");
  const { engine } = answering(() => reply);
  const image = await engine.images.get("example.com/test/app:v2");
  assert.match(image.id, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(image.platform, { os: "linux", architecture: "arm64" });
});

test("get() and history() ask newer engines for one platform in JSON", async () => {
  const { engine, sent } = scripted(
    ({ path }) => json(path.endsWith("history") ? [] : inspected()),
    { speaks: "1.49" },
  );
  await engine.images.get("app", { platform: "linux/arm64/v8" });
  await engine.images.get("app", { manifests: true });
  await engine.images.history("app", { platform: { os: "windows", architecture: "amd64" } });
  assert.deepEqual(sent.map(line), [
    'GET /images/app/json?platform={"architecture":"arm64","os":"linux","variant":"v8"}',
    "GET /images/app/json?manifests=1",
    'GET /images/app/history?platform={"architecture":"amd64","os":"windows"}',
  ]);
  const both = engine.images.get("app", { platform: "amd64", manifests: true });
  assert.ok(await failure(both) instanceof TypeError);
});

test("history() reads the recorded reply, and has no IDs where there are none", async () => {
  const reply = await recorded("image-history");
  const { engine } = answering(() => reply);
  const [step] = await engine.images.history("app");
  assert.ok(step !== undefined && step.created instanceof Date && step.size >= 0);
  const { engine: other } = answering(() =>
    json([{ Id: "<missing>", Created: 0, CreatedBy: "x", Size: 1, Tags: null, Comment: "c" }])
  );
  assert.deepEqual(await other.images.history("app"), [{
    id: undefined,
    created: new Date(0),
    createdBy: "x",
    comment: "c",
    size: 1,
    tags: [],
  }]);
});

test("tag() sends repository and tag apart; a tag of its own goes before one in the name", async () => {
  const { engine, sent } = answering(() => new Response(null, { status: 201 }));
  assert.equal(await engine.images.tag("app", "site"), "site:latest");
  assert.equal(
    await engine.images.tag("app:1", "r.test:5000/a/site:dev"),
    "r.test:5000/a/site:dev",
  );
  assert.equal(await engine.images.tag("sha256:5f71", "site:two", { tag: "three" }), "site:three");
  assert.deepEqual(sent.map(line), [
    "POST /images/app/tag?repo=docker.io/library/site&tag=latest",
    "POST /images/app:1/tag?repo=r.test:5000/a/site&tag=dev",
    "POST /images/sha256:5f71/tag?repo=docker.io/library/site&tag=three",
  ]);
});

test("tag() fails as the recorded engine says", async () => {
  const [missing, bad] = [await recorded("tag-missing"), await recorded("tag-bad")];
  assert.equal(
    (await failure(answering(() => missing).engine.images.tag("nosuch", "a")))["code"],
    "IMAGE_NOT_FOUND",
  );
  assert.equal(
    (await failure(answering(() => bad).engine.images.tag("app", "a")))["code"],
    "ENGINE_ERROR",
  );
});

test("remove() says what is gone, and sends what it was told", async () => {
  const reply = await recorded("remove");
  const { engine, sent } = scripted(() => reply.clone(), { speaks: "1.50" });
  const result = await engine.images.remove("app:1");
  assert.ok(result.untagged.length + result.deleted.length > 0);
  await engine.images.remove("app", { force: true, noPrune: true });
  await engine.images.remove("app", { platforms: ["linux/arm64", "linux/amd64"] });
  assert.deepEqual(sent.map(line), [
    "DELETE /images/app:1",
    "DELETE /images/app?force=1&noprune=1",
    'DELETE /images/app?platforms={"architecture":"arm64","os":"linux"}' +
    '&platforms={"architecture":"amd64","os":"linux"}',
  ]);
});

test("remove() tells a missing image from one that is in use", async () => {
  const reply = await recorded("remove-missing");
  const { engine } = answering(() => reply);
  assert.equal((await failure(engine.images.remove("nosuch")))["code"], "IMAGE_NOT_FOUND");
  const message = "conflict: unable to delete 5f71 (must be forced) - image is being used";
  const { engine: other } = answering(() => json({ message }, { status: 409 }));
  const error = await failure(other.images.remove("app"));
  assert.equal(error["code"], "ENGINE_CONFLICT");
  assert.equal(error["said"], message);
});

test("remove() tells a conflict on podman as well, which answers 500", async () => {
  for (
    const message of [
      'unable to delete image "5f70" by ID with more than one tag ([a:1 b:1]): please force removal',
      "image used by 7a: image is in use by a container",
    ]
  ) {
    const { engine } = answering(() =>
      json({ cause: "c", message, response: 500 }, { status: 500 })
    );
    const error = await failure(engine.images.remove("a"));
    assert.equal(error["code"], "ENGINE_CONFLICT");
    assert.equal(error["reason"], "conflict");
  }
});

test("prune() takes null for nothing, and filters as they are", async () => {
  const reply = await recorded("prune");
  const { engine, sent } = answering(() => reply);
  const result = await engine.images.prune({ filters: { dangling: true } });
  assert.equal(typeof result.spaceReclaimed, "number");
  assert.deepEqual(sent.map(line), ['POST /images/prune?filters={"dangling":["true"]}']);
  const { engine: other } = answering(() => json({ ImagesDeleted: null, SpaceReclaimed: 0 }));
  assert.deepEqual(await other.images.prune(), { untagged: [], deleted: [], spaceReclaimed: 0 });
  const { engine: third } = answering(() =>
    json({
      ImagesDeleted: [{ Untagged: "hello-world:latest" }, { Deleted: "sha256:1" }],
      SpaceReclaimed: 13,
    })
  );
  assert.deepEqual(await third.images.prune({ filters: { dangling: false } }), {
    untagged: ["hello-world:latest"],
    deleted: ["sha256:1"],
    spaceReclaimed: 13,
  });
});

test("pruneBuilds() names the space to keep as the engine's age wants it", async () => {
  for (const [speaks, name] of [["1.41", "keep-storage"], ["1.48", "reserved-space"]] as const) {
    const { engine, sent } = answering(() => json({ CachesDeleted: null, SpaceReclaimed: 0 }), {
      speaks,
    });
    assert.deepEqual(await engine.images.pruneBuilds({ all: true, reservedSpace: 5 }), {
      deleted: [],
      spaceReclaimed: 0,
    });
    assert.deepEqual(sent.map(line), [`POST /build/prune?all=1&${name}=5`]);
  }
  const { engine } = answering(() => json({ CachesDeleted: ["a"], SpaceReclaimed: 1 }));
  assert.deepEqual(await engine.images.pruneBuilds(), { deleted: ["a"], spaceReclaimed: 1 });
  assert.ok(await failure(engine.images.pruneBuilds({ reservedSpace: -1 })) instanceof RangeError);
});

test("search() encodes the term, limits the results and reads the reply", async () => {
  const { engine, sent } = answering(() =>
    json([{
      star_count: 1,
      is_official: true,
      name: "n",
      is_automated: false,
      description: "größe",
    }])
  );
  assert.deepEqual(await engine.images.search("a&b=c d", { limit: 5, filters: { stars: 3 } }), [{
    name: "n",
    description: "größe",
    stars: 1,
    isOfficial: true,
    isAutomated: false,
  }]);
  assert.deepEqual(sent[0]?.query, [["term", "a&b=c d"], ["limit", "5"], [
    "filters",
    '{"stars":["3"]}',
  ]]);
  for (const limit of [0, 101, 1.5, NaN]) {
    assert.ok(await failure(engine.images.search("a", { limit })) instanceof RangeError);
  }
  const reply = await recorded("search-nohub");
  const error = await failure(answering(() => reply).engine.images.search("a"));
  assert.equal(error["code"], "ENGINE_ERROR");
});

test("search() reads the fields of podman too", async () => {
  const found = { Index: "r.test", Name: "r.test/app", Description: "d", Stars: 3 };
  const { engine } = answering(() =>
    json([{ ...found, Official: "[OK]", Automated: "", Tag: "" }])
  );
  assert.deepEqual(await engine.images.search("r.test/a"), [
    { name: "r.test/app", description: "d", stars: 3, isOfficial: true, isAutomated: false },
  ]);
});

test("a handle asks by its ID: tag, history, remove, reload", async () => {
  const id = `sha256:${"5f".repeat(32)}`;
  let tags = ["app:1"];
  const { engine, sent } = scripted(({ method, path }) => {
    if (method === "POST") return new Response(null, { status: 201 });
    if (method === "DELETE") return json([{ Deleted: id }]);
    return json(path.endsWith("history") ? [] : inspected({ RepoTags: tags }));
  });
  const image = await engine.images.get("app:1");
  assert.equal(await image.tag("b"), "b:latest");
  assert.deepEqual(await image.history(), []);
  tags = ["app:1", "b:latest"];
  assert.deepEqual(image.tags, ["app:1"]);
  await image.reload();
  assert.deepEqual(image.tags, tags);
  assert.deepEqual(await image.remove({ force: true }), { untagged: [], deleted: [id] });
  assert.deepEqual(sent.map(line), [
    "GET /images/app:1/json",
    `POST /images/${id}/tag?repo=docker.io/library/b&tag=latest`,
    `GET /images/${id}/history`,
    `GET /images/${id}/json`,
    `DELETE /images/${id}?force=1`,
  ]);
});

test("version() and info() give what the engine says", async () => {
  const reply = await recorded("version");
  const { engine, sent } = scripted(({ path }) => path === "/info" ? json({ Images: 3 }) : reply);
  const version = await engine.version();
  assert.equal(version.version, "20.10.24+dfsg1");
  assert.equal(version.apiVersion, "1.41");
  assert.equal(version.minAPIVersion, "1.12");
  assert.equal(version.os, "linux");
  assert.equal((await engine.info())["Images"], 3);
  assert.deepEqual(sent.map(line), ["GET /version", "GET /info"]);
});

test("every request has the headers that were configured, and lading's name", async () => {
  const { engine, sent } = answering(() => json([]), { headers: { "X-Meta-Foo": "1" } });
  await engine.images.list();
  assert.equal(sent[0]?.headers.get("x-meta-foo"), "1");
  const agent = sent[0]?.headers.get("user-agent");
  assert.ok(agent === null || agent?.startsWith("lading/"));
});

test("request() is a way to everything else", async () => {
  const { engine, sent } = scripted(({ path }) =>
    path === "/containers/create" ? json({ Id: "c" }, { status: 201 }) : undefined
  );
  const answer = await engine.request({
    method: "POST",
    path: "/containers/create",
    query: { name: "a b", list: ["1", "2"], off: false, none: undefined },
    body: { Image: "app" },
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), { Id: "c" });
  assert.equal(sent[0]?.body, '{"Image":"app"}');
  assert.equal(sent[0]?.headers.get("content-type"), "application/json");
  assert.deepEqual(sent[0]?.query, [["name", "a b"], ["list", "1"], ["list", "2"], ["off", "0"]]);
  const error = await failure(engine.request({ path: "/nosuch" }));
  assert.equal(error["code"], "ENGINE_ERROR");
  assert.equal(error["status"], 404);
  const raw = { type: "application/x-tar", content: "tar" };
  await engine.request({ method: "POST", path: "/containers/create", body: raw });
  assert.equal(sent.at(-1)?.body, "tar");
  for (const path of ["x", "/a?b", "/a#b", "/../x", "/a/../b", "/a//b", "/a\nb", "/a b", ""]) {
    assert.ok(await failure(engine.request({ path })) instanceof TypeError, path);
  }
});

test("close() frees the transport, and `await using` does", async () => {
  let closed = 0;
  const { engine } = answering(() => json([]), {
    close() {
      closed++;
    },
  });
  await engine.close();
  await engine[Symbol.asyncDispose]();
  assert.equal(closed, 2);
});
