import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine, type EngineEvent } from "../../lib/engine/mod.ts";
import {
  DIGEST,
  failure,
  inspected,
  json,
  messages,
  recorded,
  scripted,
  type Sent,
  working,
} from "./scripted.ts";

test("push() gives the digest of every tag, from whichever words the engine has", async () => {
  const line = { status: `1: digest: ${DIGEST} size: 942` };
  const aux = { progressDetail: {}, aux: { Tag: "1", Digest: DIGEST, Size: 942 } };
  for (const said of [[line, aux], [aux], [line]]) {
    const { engine, sent } = working(() => messages({ status: "The push refers to" }, ...said));
    assert.deepEqual(await engine.images.push("r.test/app:1"), {
      repository: "r.test/app",
      reference: `r.test/app@${DIGEST}`,
      digest: DIGEST,
      tags: [{ tag: "1", digest: DIGEST, size: 942 }],
      isPartOfIndex: false,
    });
    assert.equal(sent.length, 1);
    const [{ path, query, headers, body } = {} as Sent] = sent;
    assert.equal(path, "/images/r.test/app/push");
    assert.deepEqual(query, [["tag", "1"]]);
    // Docker 20.10 refuses a push that has neither.
    assert.equal(headers?.get("x-registry-auth"), "e30=");
    assert.equal(headers?.get("content-type"), "application/json");
    assert.equal(body, "{}");
  }
});

test("complaint 13: push() asks for the digest where the engine does not tell it", async () => {
  const { engine, sent } = scripted(({ method }) =>
    method === "POST"
      ? messages({ status: "Pushed", id: "a", progressDetail: {} })
      : json(inspected({ RepoDigests: [`other@sha256:1`, `r.test/app@${DIGEST}`] }))
  );
  assert.equal((await engine.images.push("r.test/app:1")).digest, DIGEST);
  assert.equal(sent[1]?.path, "/images/r.test/app:1/json");
  const { engine: mute } = working(() => messages({ status: "Pushed" }));
  const error = await failure(mute.images.push("r.test/app:1"));
  assert.equal(error["code"], "PUSH_FAILED");
  assert.match(String(error["message"]), /does not say/);
});

test("push() of all tags sends no tag, and gives them all", async () => {
  const { engine, sent } = working(() =>
    messages(
      { aux: { Tag: "1", Digest: DIGEST, Size: 1 } },
      { aux: { Tag: "2", Digest: "sha256:22", Size: 2 } },
    )
  );
  const { tags } = await engine.images.push("r.test/app", { allTags: true });
  assert.deepEqual(tags.map(({ tag }) => tag), ["1", "2"]);
  assert.deepEqual(sent[0]?.query, []);
  assert.throws(() => engine.images.push("app:1", { allTags: true }), TypeError);
  assert.throws(() => engine.images.push(`app@${DIGEST}`), TypeError);
});

test("push() knows the tag though podman calls every one latest", async () => {
  const { engine } = scripted(() => messages({ status: `latest: digest: ${DIGEST} size: 341` }));
  const { tags } = await engine.images.push("r.test/app:1");
  assert.deepEqual(tags, [{ tag: "1", digest: DIGEST, size: 341 }]);
});

test("all tags are no matter for podman, which would take the latest one alone", async () => {
  const paths: string[] = [];
  const engine = new Engine({
    transport: ({ url }) => {
      paths.push(new URL(url).pathname);
      const headers = { "api-version": "1.41", "server": "Libpod/4.3.1 (linux)" };
      return Promise.resolve(new Response(null, { headers }));
    },
  });
  for (
    const work of [
      engine.images.pullAll("r.test/app"),
      engine.images.push("r.test/app", { allTags: true }),
    ]
  ) {
    const error = await failure(work);
    assert.equal(error["code"], "ENGINE_ERROR");
    assert.match(String(error["message"]), /r\.test\/app: podman takes one tag at a time/);
  }
  assert.deepEqual(new Set(paths), new Set(["/_ping"]));
});

test("push() says when an engine pushed one image of an index", async () => {
  const { engine, sent } = working(() =>
    messages({ status: `1: digest: ${DIGEST} size: 9` }, {
      aux: { manifestPushedInsteadOfIndex: true, originalIndex: {}, selectedManifest: {} },
    }), "1.46");
  assert.equal(
    (await engine.images.push("app:1", { platform: "linux/arm64" })).isPartOfIndex,
    true,
  );
  assert.deepEqual(sent[0]?.query[1], ["platform", '{"architecture":"arm64","os":"linux"}']);
});

test("complaint 2: a push that is denied fails", async () => {
  const message = "denied: requested access to the resource is denied";
  const { engine } = working(() =>
    messages(
      { status: "The push refers to repository [r.test/app]" },
      { status: "Retrying in 5 seconds", progressDetail: {}, id: "a" },
      { errorDetail: { message }, error: message },
    )
  );
  const operation = engine.images.push("r.test/app");
  const events: EngineEvent[] = [];
  const error = await failure((async () => {
    for await (const event of operation) events.push(event);
  })());
  assert.equal(error["code"], "PUSH_FAILED");
  assert.equal(error["reason"], "authorization");
  assert.equal(events.length, 2);
  for (const name of ["push-conn-refused", "push-no-auth"]) {
    const reply = await recorded(name);
    const failed = await failure(working(() => reply).engine.images.push("app"));
    assert.equal(failed["code"], "PUSH_FAILED", name);
  }
});
