import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { memoryStore, writeDockerArchive } from "../../lib/store/mod.ts";
import { type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { fakeEngine, randomImage } from "../../lib/testing/mod.ts";
import { recorded, utf8 } from "../engine/scripted.ts";

const LIMITS = { maxBytes: 16 * 1024 * 1024, what: "the archive" };
const HEADERS = ["api-version", "content-type", "docker-experimental", "ostype", "server"];

/** What was asked when a reply was recorded. */
interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: Bytes;
  readonly headers?: Readonly<Record<string, string>>;
}

async function tarOf(...entries: readonly TarInput[]): Promise<Bytes> {
  return await readAll(writeTar(entries), LIMITS);
}

/** Everything of an answer but what differs each time: IDs, digests, folders, name servers. */
async function shape(answer: Response): Promise<unknown> {
  // A Response of an empty text has a type of its own, and engines do not write it so.
  const own = "text/plain;charset=UTF-8";
  const headers = HEADERS.map((name) => answer.headers.get(name)).map((value) =>
    value === own ? null : value
  );
  const text = (await answer.text())
    .replace(/\r\n/g, "\n")
    .replaceAll(/ on \d+\.\d+\.\d+\.\d+:53/g, "")
    .replaceAll(/\/\S+\/docker-import-\d+\//g, "/tmp/")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "(id)")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "(short)")
    .trim();
  return { status: answer.status, headers, text };
}

async function build(path: string, ...entries: readonly TarInput[]): Promise<Asked> {
  return { method: "POST", path: `/build${path}`, body: await tarOf(...entries) };
}

const dockerfile = (text: string): TarInput => ({ path: "Dockerfile", body: utf8(text) });

test("fakeEngine() gives the replies that were recorded of Docker 20.10", async () => {
  const layout: readonly TarInput[] = [
    { path: "blobs", type: "directory" },
    { path: "index.json", body: utf8("{}") },
  ];
  const scratch = await tarOf(dockerfile("FROM scratch\n"));
  const rows: readonly (readonly [name: string, asked: Asked])[] = [
    ["ping", { path: "/../_ping" }],
    ["ping-head", { method: "HEAD", path: "/../_ping" }],
    ["api-too-new", { path: "/../v9.99/info" }],
    ["api-too-old", { path: "/../v1.01/info" }],
    ["not-found", { path: "/nosuch" }],
    ["image-missing", { path: "/images/nope:nope/json" }],
    ["remove-missing", { method: "DELETE", path: "/images/nope:nope" }],
    ["save-missing", { path: "/images/nope:nope/get" }],
    ["tag-missing", { method: "POST", path: "/images/nope/tag?repo=a&tag=1" }],
    ["tag", { method: "POST", path: "/images/example.com/test/app:v2/tag?repo=copy&tag=1" }],
    ["tag-bad", { method: "POST", path: "/images/example.com/test/app:v2/tag?repo=Foo&tag=1" }],
    ["search-nohub", { path: "/images/search?term=x" }],
    ["pull-bad-ref", { method: "POST", path: "/images/create?fromImage=Foo&tag=1" }],
    ["push-no-auth", { method: "POST", path: "/images/example.com/test/app/push?tag=v2" }],
    ["push-conn-refused", {
      method: "POST",
      path: "/images/example.com/test/app/push?tag=v2",
      headers: { "x-registry-auth": "e30=" },
    }],
    ["load-garbage", { method: "POST", path: "/images/load", body: utf8("no archive") }],
    ["load-bad-oci", { method: "POST", path: "/images/load", body: await tarOf(...layout) }],
    ["load-ok", { method: "POST", path: "/images/load", body: await archive() }],
    ["load-quiet", { method: "POST", path: "/images/load?quiet=1", body: await archive() }],
    ["import", {
      method: "POST",
      path: "/images/create?fromSrc=-",
      body: await tarOf({ path: "a", body: utf8("a") }),
    }],
    ["build-scratch", await build("", dockerfile("FROM scratch\n"))],
    ["build-gz", {
      method: "POST",
      path: "/build",
      body: await readAll(gzip(streamOf(scratch)), LIMITS),
    }],
    ["build-missing-dockerfile", await build("?dockerfile=Nope", dockerfile("FROM scratch\n"))],
    ["build-fails-mid-stream", await build("", dockerfile("FROM scratch\nCOPY missing /x\n"))],
    [
      "build-copy",
      await build(
        "?t=example.com/test/built:2&labels=%7B%22x%22%3A%22y%22%7D",
        dockerfile("FROM scratch\nLABEL a=b\nCOPY a.txt /a.txt\n"),
        { path: "a.txt", body: utf8("a") },
      ),
    ],
    ["remove", { method: "DELETE", path: "/images/example.com/test/copy:t" }],
  ];
  const { transport, store } = fakeEngine();
  const image = await randomImage("recorded");
  for (const name of ["app:v2", "copy:t"]) await image.pushTo(store, `example.com/test/${name}`);
  for (const [name, { method = "GET", path, body = null, headers = {} }] of rows) {
    const url = `http://engine.test/v1.41${path}`;
    const answer = await transport(new Request(url, { method, body, headers }));
    assert.deepEqual(await shape(answer), await shape(await recorded(name)), name);
  }
});

async function archive(): Promise<Bytes> {
  const store = memoryStore();
  const image = await randomImage("recorded");
  const reference = "example.com/test/app:v2";
  await image.pushTo(store, reference);
  return await readAll(
    writeDockerArchive(store, [{ descriptor: image.descriptor, reference }]),
    LIMITS,
  );
}

test("fakeEngine() writes documents with the fields of those that were recorded", async () => {
  const { transport, store } = fakeEngine();
  await (await randomImage("fields")).pushTo(store, "example.com/test/app:v2");
  const fields = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.length === 0 ? [] : [fields(value[0])];
    if (typeof value !== "object" || value === null) return typeof value;
    return Object.entries(value).map(([key, one]) => [key, fields(one)]);
  };
  // What is in these depends on the image, or on the machine.
  const free = /^(Env|Cmd|Entrypoint|Labels|Tags|RepoDigests|RepoTags|Components|Layers)$/;
  const parse = (text: string): unknown =>
    fields(JSON.parse(text, (key, value) => free.test(key) ? "" : value));
  for (
    const [name, path] of [
      ["images-list", "/images/json"],
      ["image-inspect", "/images/example.com/test/app:v2/json"],
      ["image-history", "/images/example.com/test/app:v2/history"],
      ["version", "/version"],
    ] as const
  ) {
    const answer = await transport(new Request(`http://engine.test/v1.41${path}`));
    const ours = parse(await answer.text());
    assert.deepEqual(ours, parse(await (await recorded(name)).text()), name);
  }
});
