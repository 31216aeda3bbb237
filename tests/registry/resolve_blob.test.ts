import { test } from "node:test";
import assert from "node:assert/strict";
import { NotFoundError, RegistryError } from "../../lib/model/errors.ts";
import { bench, descriptorOf, failure, OCI_LAYER, readAllBytes, utf8 } from "./scripted.ts";

const BYTES = utf8("a layer");
const { digest, size } = descriptorOf(BYTES, OCI_LAYER);
const FOUND = { mediaType: "application/octet-stream", digest, size };

test("resolveBlob() learns the size from HEAD, and the blob can be fetched by it", async () => {
  const b = bench(({ method }) =>
    new Response(method === "HEAD" ? null : BYTES, { headers: { "content-length": `${size}` } })
  );
  const descriptor = await b.clock.run(b.repository.resolveBlob(digest));
  assert.deepEqual(descriptor, FOUND);
  assert.deepEqual(await readAllBytes(await b.clock.run(b.repository.fetch(descriptor))), BYTES);
});

test("resolveBlob() asks for one byte where HEAD is refused", async () => {
  const b = bench(({ method }) =>
    method === "HEAD" ? new Response(null, { status: 405 }) : new Response(BYTES.slice(0, 1), {
      status: 206,
      headers: { "content-range": `bytes 0-0/${size}` },
    })
  );
  assert.deepEqual(await b.clock.run(b.repository.resolveBlob(digest)), FOUND);
  const empty = bench(({ method }) =>
    new Response(null, { status: method === "HEAD" ? 405 : 416 })
  );
  assert.equal((await empty.clock.run(empty.repository.resolveBlob(digest))).size, 0);
});

test("resolveBlob() says that a blob is not there, or that its size is not told", async () => {
  const none = bench(() => undefined);
  assert.ok(
    await failure(none.clock.run(none.repository.resolveBlob(digest))) instanceof NotFoundError,
  );
  for (const length of [undefined, "many", "-1", "1e3", "99999999999999999999"]) {
    const headers = length === undefined ? {} : { "content-length": length };
    const b = bench(() => new Response(null, { headers }));
    const error = await failure(b.clock.run(b.repository.resolveBlob(digest)));
    assert.ok(error instanceof RegistryError, String(length));
    assert.match(error.message, /does not say how large it is/);
  }
});
