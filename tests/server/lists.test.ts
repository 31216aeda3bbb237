import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import { pushBlob, pushImage, putManifest, refused, registry, send, sha256 } from "./client.ts";

async function page(handler: Transport, path: string) {
  const answer = await send(handler, "GET", path);
  assert.equal(answer.status, 200, path);
  const body = await answer.json() as { tags?: string[]; repositories?: string[] };
  const next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  return { items: body.tags ?? body.repositories, next };
}

async function tagged(...tags: string[]): Promise<Transport> {
  const handler = registry();
  const { manifest } = await pushImage(handler, "a/b", undefined, "x");
  for (const tag of tags) await putManifest(handler, "a/b", tag, manifest);
  return handler;
}

test("tags are listed in ASCII order", async () => {
  const handler = await tagged("b", "10", "9", "_z", "A", "a.1", "a-1");
  const answer = await send(handler, "GET", "/v2/a/b/tags/list");
  assert.deepEqual(await answer.json(), {
    name: "a/b",
    tags: ["10", "9", "A", "_z", "a-1", "a.1", "b"],
  });
});

test("tags come in pages: n, last and Link", async () => {
  const handler = await tagged("a", "b", "c", "d", "e");
  const list = (query: string) => page(handler, `/v2/a/b/tags/list${query}`);
  assert.deepEqual(await list("?n=2"), {
    items: ["a", "b"],
    next: "/v2/a/b/tags/list?n=2&last=b",
  });
  assert.deepEqual(await list("?n=2&last=b"), {
    items: ["c", "d"],
    next: "/v2/a/b/tags/list?n=2&last=d",
  });
  assert.deepEqual(await list("?n=2&last=d"), { items: ["e"], next: undefined });
  assert.deepEqual(await list("?n=5"), { items: ["a", "b", "c", "d", "e"], next: undefined });
  assert.deepEqual(await list("?n=0"), { items: [], next: undefined });
  assert.deepEqual(await list("?last=bb"), { items: ["c", "d", "e"], next: undefined });
  assert.deepEqual(await list("?last=z"), { items: [], next: undefined });
  for (const n of ["-1", "x", "", "1.5"]) {
    await refused(
      await send(handler, "GET", `/v2/a/b/tags/list?n=${n}`),
      400,
      "PAGINATION_NUMBER_INVALID",
      n,
    );
  }
});

test("a repository without tags has an empty list, an unknown one is 404", async () => {
  const handler = registry();
  await pushBlob(handler, "a/b", "x");
  assert.deepEqual((await page(handler, "/v2/a/b/tags/list")).items, []);
  await refused(await send(handler, "GET", "/v2/a/c/tags/list"), 404, "NAME_UNKNOWN");
});

test("the catalog lists the repositories that hold something, in pages", async () => {
  const handler = registry();
  assert.deepEqual((await page(handler, "/v2/_catalog")).items, []);
  await pushImage(handler, "b/x", "1", "1");
  await pushImage(handler, "a/y", "1", "2");
  const digest = await pushBlob(handler, "c/z", "x");
  assert.deepEqual((await page(handler, "/v2/_catalog")).items, ["a/y", "b/x", "c/z"]);
  assert.deepEqual(await page(handler, "/v2/_catalog?n=2"), {
    items: ["a/y", "b/x"],
    next: "/v2/_catalog?n=2&last=b%2Fx",
  });
  assert.deepEqual(await page(handler, "/v2/_catalog?n=2&last=b%2Fx"), {
    items: ["c/z"],
    next: undefined,
  });
  await send(handler, "DELETE", `/v2/c/z/blobs/${digest}`);
  await send(handler, "GET", `/v2/d/d/blobs/${sha256("x")}`);
  await send(handler, "POST", "/v2/e/e/blobs/uploads/");
  assert.deepEqual((await page(handler, "/v2/_catalog")).items, ["a/y", "b/x"]);
});
