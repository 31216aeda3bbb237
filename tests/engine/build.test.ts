import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../lib/engine/mod.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import { readTar } from "../../lib/tar/reader.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { eventsOf, failure, messages, recorded, type Sent, utf8 } from "./scripted.ts";
import { building, built, DOCKERFILE, ID } from "./scripted_build.ts";

/** The files of the context that was sent, by their names. */
async function filesOf({ body }: Sent): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of readTar(streamFrom([utf8(body)]))) {
    files[entry.path] = await entry.text();
  }
  return files;
}

test("build() posts the context as a tar, and its result is the image", async () => {
  const { engine, sent } = building();
  const image = await engine.images.build(DOCKERFILE, { tags: "app:1" });
  assert.equal(image.id, ID);
  const [post, get] = sent;
  assert.equal(`${post?.method} ${post?.path}`, "POST /build");
  assert.equal(post?.headers.get("content-type"), "application/x-tar");
  assert.equal(post?.headers.get("x-registry-config"), null);
  assert.deepEqual(post?.query, [["t", "app:1"]]);
  assert.deepEqual(await filesOf(post as Sent), { Dockerfile: DOCKERFILE.dockerfile });
  assert.equal(get?.path, `/images/${ID}/json`);
});

test("a URL or a repository is a parameter, and nothing is sent along", async () => {
  for (const remote of ["https://example.com/x.git#main:dir", "git@example.com:x.git"]) {
    const { engine, sent } = building();
    await engine.images.build(remote, { dockerfile: "D", tags: "app" });
    assert.deepEqual(sent[0]?.query, [["t", "app"], ["remote", remote], ["dockerfile", "D"]]);
    assert.equal(sent[0]?.body, "");
    assert.equal(sent[0]?.headers.get("content-type"), null);
  }
});

test("a directory is packed, a Dockerfile from outside is named in the query and not written into it", async () => {
  const files = memoryFileSystem();
  for (const [path, text] of [["ctx/a", "a"], ["out/D", "FROM scratch\nLABEL long=1\n"]] as const) {
    await files.makeDirectory(path.slice(0, 3), { recursive: true });
    const file = await files.create(path);
    await file.write(utf8(text));
    await file.close();
  }
  const { engine, sent } = building(built, { files });
  await engine.images.build("ctx", { dockerfile: "../out/D" });
  const [key, name = ""] = sent[0]?.query[0] ?? [];
  assert.equal(key, "dockerfile");
  assert.equal(sent[0]?.query.length, 1);
  const packed = await filesOf(sent[0] as Sent);
  assert.equal(packed[name], "FROM scratch\nLABEL long=1\n");
  assert.equal(packed[".dockerignore"], `.dockerignore\n${name}\n`);
});

test("a recorded build gives its output piece by piece, and the ID", async () => {
  const { engine } = building(() => recorded("build-copy"));
  const build = engine.images.build(DOCKERFILE);
  const events = await eventsOf(build);
  const log = events.map((event) => event.type === "log" ? event.text : "").join("");
  assert.match(log, /^Step 1\/4 : FROM scratch\n ---> \nStep 2\/4 : LABEL a=b\n/);
  assert.match(log, /Successfully tagged example\.com\/test\/built:2\n$/);
  const id = "sha256:e300f8b7e8149bae8b90094076f7899400c6b17789c753982e4679e225e63203";
  assert.deepEqual(events.find(({ type }) => type === "image"), { type: "image", id });
  assert.equal((await build).id, id);
});

test("the ID comes from aux; a step that writes the same words does not decide", async () => {
  const other = "sha256:" + "ab".repeat(32);
  const rows: readonly [readonly unknown[], string][] = [
    [[{ stream: "Successfully built aaaaaaaaaaaa\n" }, { aux: { ID } }], ID],
    [[{ aux: { ID } }, { stream: "Successfully built aaaaaaaaaaaa\n" }], ID],
    [
      [{ stream: "Successfully built abcd1234\n" }, {
        stream: "Successfully built 33c838732b70\n",
      }],
      "33c838732b70",
    ],
    [[{ stream: `${other}\n` }], other],
    [[{ stream: `${other.slice(7)}\n` }], other.slice(7)],
    [[{ id: "moby.image.id", aux: { ID: other } }], other],
    [[{ aux: { ID: other } }, { aux: { ID } }], ID],
  ];
  for (const [said, wanted] of rows) {
    const { engine } = building(() => messages(...said));
    assert.equal((await engine.images.build(DOCKERFILE)).id, wanted);
  }
});

test("progress of a download by the engine is told, empty messages are passed over", async () => {
  const { engine } = building(() =>
    messages(
      {
        status: "Downloading context",
        progressDetail: { current: 10, total: 20 },
        progress: "[=>]",
      },
      {},
      { status: "Downloading", progressDetail: { current: 1, total: 2 }, id: "8c1d" },
      { stream: "[Warning] One or more build-args [X] were not consumed\n" },
      { aux: { ID } },
    )
  );
  const events = await eventsOf(engine.images.build("https://example.com/x.tar"));
  assert.deepEqual(events, [
    { type: "status", text: "Downloading context" },
    { type: "layer", id: "8c1d", status: "Downloading", current: 1, total: 2 },
    { type: "log", text: "[Warning] One or more build-args [X] were not consumed\n" },
    { type: "image", id: ID },
  ]);
});

test("abort() ends a build with its reason, and the engine hears of it", async () => {
  const reason = new Error("enough");
  let heard: unknown;
  const engine = new Engine({
    transport: (request) => {
      const headers = { "api-version": "1.41" };
      if (new URL(request.url).pathname === "/_ping") {
        return Promise.resolve(new Response(null, { headers }));
      }
      request.signal.addEventListener("abort", () => heard = request.signal.reason);
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => controller.enqueue(utf8('{"stream":"Step 1"}\r\n')),
      });
      return Promise.resolve(new Response(body, { headers }));
    },
  });
  const build = engine.images.build(DOCKERFILE);
  for await (const event of build) {
    assert.deepEqual(event, { type: "log", text: "Step 1" });
    build.abort(reason);
    break;
  }
  assert.equal(await failure(build), reason as unknown);
  assert.equal(heard, reason);
});
