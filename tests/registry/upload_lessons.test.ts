/** The lessons about uploads that other clients learned, one test each (their threads). */
import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidReferenceError, UploadError } from "../../lib/model/errors.ts";
import { bench, descriptorOf, errorResponse, failure, noise, OCI_LAYER } from "./scripted.ts";
import { piecesOf, type Quirks, rangeOf, type Turn, uploadRegistry } from "./upload_registry.ts";

const MIB = 1024 * 1024;
const CONTENT = noise(10 * MIB);
const LAYER = descriptorOf(CONTENT, OCI_LAYER);
const SMALL = noise(2_500_000);
const SMALL_LAYER = descriptorOf(SMALL, OCI_LAYER);
const CHUNKED = { upload: { chunkBytes: 1_000_000 } };

const source = () => piecesOf(SMALL);

/** Pushes in chunks of a million bytes from a function, and gives what the registry saw. */
async function pushed(quirks: Quirks) {
  const registry = uploadRegistry(quirks);
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(SMALL_LAYER, source, CHUNKED));
  assert.deepEqual(registry.stored.get(SMALL_LAYER.digest), SMALL);
  return { ...b, ...registry };
}

const isPatch = ({ method }: Turn) => method === "PATCH";

/** An answer with another Range. */
function withRange(response: Response, range: string): Response {
  const headers = new Headers(response.headers);
  headers.set("range", range);
  return new Response(null, { status: response.status, headers });
}

test("lesson 31: chunks have 4 MiB, as GHCR takes them", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload());
  await b.clock.run(upload.append(CONTENT));
  await b.clock.run(upload.finish());
  assert.deepEqual(registry.bodies, [4 * MIB, 4 * MIB, 2 * MIB, 0]);
});

test("lesson 31: a 416 that names the largest chunk makes chunks smaller", async () => {
  const registry = uploadRegistry({
    before: ({ method, headers }) =>
      method === "PATCH" && Number(headers.get("content-range")?.split("-")[1]) > 4 * MIB &&
        registry.sessions.get("s1")?.content.byteLength === 0
        ? errorResponse(416, "UNKNOWN", {}, "the blob chunk is larger than the maximum of 4.00MiB")
        : undefined,
  });
  const b = bench(registry.script);
  const upload = { chunkBytes: 6 * MIB };
  await b.clock.run(b.repository.push(LAYER, piecesOf(CONTENT), { upload }));
  assert.deepEqual(registry.bodies, [4 * MIB, 2 * MIB, 4 * MIB, 0]);
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("lesson 32: an upload of which the registry has a part only is not ended", async () => {
  const keep = (turn: Turn) => isPatch(turn) && turn.count === 1 ? 700_000 : undefined;
  for (const chunkBytes of [1_000_000, Infinity]) {
    const registry = uploadRegistry({ keep });
    const b = bench(registry.script);
    await b.clock.run(b.repository.push(SMALL_LAYER, source, { upload: { chunkBytes } }));
    assert.deepEqual(registry.stored.get(SMALL_LAYER.digest), SMALL);
    assert.equal(registry.log.filter((line) => line.startsWith("PUT")).length, 1);
  }
  const registry = uploadRegistry({ keep });
  const b = bench(registry.script);
  const upload = { chunkBytes: Infinity };
  const error = await failure(b.clock.run(b.repository.push(SMALL_LAYER, source(), { upload })));
  assert.ok(error instanceof UploadError);
  assert.match(error.message, /the registry has 700000 of 2500000 bytes/);
  assert.equal(error.offset, 700_000);
  assert.ok(!registry.log.some((line) => line.startsWith("PUT")));
});

test("lesson 33: a Range that stands still is doubted once, and then the own count believed", async () => {
  let first: string | undefined;
  const stands = (turn: Turn, response: Response): Response => {
    if (turn.session === undefined || !isPatch(turn) && turn.method !== "GET") return response;
    first ??= rangeOf(turn.session);
    return response.status === 416 ? response : withRange(response, first);
  };
  // It has the chunk, and refuses to take it again.
  const { log } = await pushed({ after: stands });
  assert.equal(log.filter((line) => line === "PATCH").length, 1, "one chunk was sent again");
});

test("lesson 33: a registry that drops chunks gets the blob in one request", async () => {
  // ECR answers 201 to PATCH and forgets the second and later bodies (aws/containers-roadmap#2831).
  const { log, events } = await pushed({
    keep: (turn) => isPatch(turn) && turn.count > 1 ? 0 : undefined,
    after: (turn, response) =>
      isPatch(turn) && response.status === 202
        ? new Response(null, { status: 201, headers: response.headers })
        : response,
    before: ({ headers, session, method }) => {
      // It does not look at the range either.
      if (method === "PATCH" && session !== undefined) headers.delete("content-range");
      return undefined;
    },
  });
  assert.equal(log.at(-1), "PUT 0-2499999");
  assert.ok(events.some(({ type }) => type === "fallback"));
});

test("lesson 34: a Range of the last chunk alone is understood", async () => {
  for (const isSaidSo of [true, false]) {
    const { bodies } = await pushed({
      after(turn, response) {
        if (!isPatch(turn) || turn.session === undefined) return response;
        const [start = 0, end = 0] = (turn.headers.get("content-range") ?? "").split("-").map(
          Number,
        );
        return withRange(response, isSaidSo ? `${start}-${end}` : `0-${end - start}`);
      },
    });
    assert.deepEqual(bodies, [1_000_000, 1_000_000, 500_000, 0]);
  }
});

test("lesson 35: a Range that is too small never leads to a loop", async () => {
  const small = (turn: Turn, response: Response) =>
    turn.session !== undefined && response.headers.has("range")
      ? withRange(response, "0-99")
      : response;
  const registry = uploadRegistry({ after: small });
  const b = bench(registry.script);
  await failure(b.clock.run(b.repository.push(SMALL_LAYER, source(), CHUNKED)));
  assert.ok(registry.log.length < 30, String(registry.log.length));
  // What can be read again goes out in one request.
  const again = uploadRegistry({ after: small });
  const c = bench(again.script);
  await c.clock.run(c.repository.push(SMALL_LAYER, source, CHUNKED)).catch(() => {});
  assert.ok(again.log.length < 60, String(again.log.length));
});

test("lesson 36: a session that refuses the repeated chunk is left, and the blob sent anew", async () => {
  const { sessions, log } = await pushed({
    isStrict: true,
    cut: (turn) => isPatch(turn) && turn.count === 2 ? 400_000 : undefined,
  });
  assert.equal(log.filter((line) => line === "POST").length, 2);
  assert.ok(log.includes("GET"), "the registry was asked first");
  assert.equal(sessions.has("s2"), false);
});

test("lesson 37: Content-Range has a start and an end and nothing else", async () => {
  const { transport } = await pushed({});
  const ranges = transport.seen.filter(({ method }) => method === "PATCH")
    .map(({ headers }) => headers.get("content-range"));
  assert.deepEqual(ranges, ["0-999999", "1000000-1999999", "2000000-2499999"]);
});

for (const status of [400, 404, 405, 416, 501]) {
  test(`lesson 38: a registry that answers ${status} to the first chunk gets the blob in one PUT`, async () => {
    const { log, events } = await pushed({
      before: (turn) => isPatch(turn) ? errorResponse(status, "UNSUPPORTED") : undefined,
    });
    assert.deepEqual(log.filter((line) => line !== "DELETE"), [
      "POST",
      "PATCH",
      "POST",
      "PUT 0-2499999",
    ]);
    assert.ok(events.some((event) => event.type === "fallback" && /no|not/.test(event.reason)));
    const registry = uploadRegistry({
      before: (turn) => isPatch(turn) ? errorResponse(status, "UNSUPPORTED") : undefined,
    });
    const b = bench(registry.script);
    const upload = { chunkBytes: Infinity };
    await b.clock.run(b.repository.push(SMALL_LAYER, source, { upload }));
    assert.equal(registry.log.at(-1), "PUT 0-2499999");
  });
}

test("lesson 38: where the transport cannot stream, the blob is held for that", async () => {
  const registry = uploadRegistry({
    before: (turn) => isPatch(turn) ? errorResponse(405, "UNSUPPORTED") : undefined,
  });
  const b = bench(registry.script);
  const traits = { streamingUpload: false };
  const transport = Object.assign((request: Request) => b.transport(request), { traits });
  const c = bench(() => undefined, { transport });
  await c.clock.run(c.repository.push(LAYER, () => piecesOf(CONTENT)));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("lesson 39: after a chunk that failed the registry is asked where it stands", async () => {
  const { log } = await pushed({
    after(turn, response) {
      if (isPatch(turn) && turn.count === 2) throw new TypeError("connection reset");
      return response;
    },
  });
  assert.deepEqual(log, [
    "POST",
    "PATCH 0-999999",
    "PATCH 1000000-1999999",
    "GET",
    "PATCH 2000000-2499999",
    "PUT",
  ]);
});

test("lesson 40: chunks behind a load balancer without a shared secret say what is wrong", async () => {
  const registry = uploadRegistry({
    before: (turn) =>
      isPatch(turn) || turn.method === "GET"
        ? errorResponse(404, "BLOB_UPLOAD_UNKNOWN")
        : undefined,
  });
  const b = bench(registry.script);
  const error = await failure(b.clock.run(b.repository.push(SMALL_LAYER, source, CHUNKED)));
  assert.ok(error instanceof UploadError);
  assert.match(error.message, /404 BLOB_UPLOAD_UNKNOWN.*common secret and common storage/);
  assert.ok(registry.log.length < 60, String(registry.log.length));
});

test("lesson 42: a blob is mounted from the same registry only", async () => {
  const b = bench(() => undefined);
  for (const from of ["other.example:5000/acme/app", "https://other.example/acme/app"]) {
    const error = await failure(b.repository.mount(SMALL_LAYER, from));
    assert.ok(error instanceof InvalidReferenceError, from);
  }
  assert.equal(b.transport.seen.length, 0);
});

test("lesson 44: a cookie that the registry sets is not sent back", async () => {
  const { transport } = await pushed({
    after(_turn, response) {
      const headers = new Headers(response.headers);
      headers.append("set-cookie", "sid=1");
      return new Response(response.body, { status: response.status, headers });
    },
  });
  assert.ok(transport.seen.every(({ headers }) => !headers.has("cookie")));
});

test("lesson 45: chunks get smaller where a proxy takes less, and a maximum is honoured", async () => {
  const html = "<html><body><h1>413 Request Entity Too Large</h1></body></html>";
  const registry = uploadRegistry({
    before: ({ method, headers }) => {
      const [start = 0, end = 0] = (headers.get("content-range") ?? "").split("-").map(Number);
      return method === "PATCH" && end - start >= 600_000
        ? new Response(html, { status: 413, headers: { "content-type": "text/html" } })
        : undefined;
    },
  });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(SMALL_LAYER, piecesOf(SMALL), CHUNKED));
  assert.deepEqual(registry.stored.get(SMALL_LAYER.digest), SMALL);
  assert.ok(registry.bodies.every((size) => size <= 500_000), String(registry.bodies));

  const limited = uploadRegistry({ opened: { "oci-chunk-max-length": "800000" } });
  const c = bench(limited.script);
  await c.clock.run(c.repository.push(SMALL_LAYER, piecesOf(SMALL)));
  assert.deepEqual(limited.bodies, [800_000, 800_000, 800_000, 100_000, 0]);
});

for (const status of [411, 413]) {
  test(`lesson 45: a blob whose PUT is answered ${status} is sent in chunks`, async () => {
    const registry = uploadRegistry({
      before: ({ method, url, count, headers }) =>
        method === "PUT" && count === 1 && url.searchParams.has("digest") &&
          headers.get("content-length") !== "0"
          ? errorResponse(status, "SIZE_INVALID")
          : undefined,
    });
    const b = bench(registry.script);
    await b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT)));
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
    assert.deepEqual(registry.bodies, [4 * MIB, 4 * MIB, 2 * MIB, 0]);
    assert.ok(b.events.some(({ type }) => type === "fallback"));
  });
}

test("lesson 46: a stream goes out with its length, whole or the rest of it", async () => {
  const registry = uploadRegistry({
    cut: ({ method, count }) => method === "PUT" && count === 1 ? 1_000_000 : undefined,
  });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(SMALL_LAYER, source));
  const lengths = b.transport.seen.filter(({ method }) => method === "PUT")
    .map(({ headers }) => headers.get("content-length"));
  // Where a stream has a length of its own, as on workerd, the header is not for us to set.
  assert.ok(
    lengths.every((length, at) => length === null || length === ["2500000", "1500000"][at]),
    String(lengths),
  );
});
