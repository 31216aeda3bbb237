import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  InvalidManifestError,
  RegistryError,
  SizeMismatchError,
  UploadError,
} from "../../lib/model/errors.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { makeGarbage } from "../support/garbage.ts";
import { turn } from "./fake_clock.ts";
import {
  answer,
  type Bench,
  bench,
  CONFIG,
  descriptorOf,
  errorResponse,
  failure,
  HOST,
  MANIFEST,
  noise,
  OCI_LAYER,
  type Script,
  utf8,
} from "./scripted.ts";

const LARGE = noise(2_500_000);
const LAYER = descriptorOf(LARGE, OCI_LAYER);

/** A registry that takes uploads and keeps what came. */
function uploads(stored: Map<string, Bytes>, hooks: { put?: Script } = {}): Script {
  let sessions = 0;
  let puts = 0;
  return async (request, seen) => {
    const url = new URL(request.url);
    if (request.method === "POST") {
      const location = `/v2/acme/app/blobs/uploads/${++sessions}?_state=x%2B${sessions}`;
      return new Response(null, { status: 202, headers: { location } });
    }
    const digest = url.searchParams.get("digest") ?? "";
    if (request.method === "PUT") {
      const special = await hooks.put?.(request, seen, ++puts);
      if (special !== undefined) return special;
      stored.set(digest, new Uint8Array(await request.arrayBuffer()));
      return new Response(null, { status: 201, headers: { "docker-content-digest": digest } });
    }
    const found = stored.get(url.pathname.split("/").at(-1) ?? "");
    return new Response(null, { status: found === undefined ? 404 : 200 });
  };
}

function streamOf(content: Bytes, onCancel: () => void = () => {}): ByteStream {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= content.byteLength) return controller.close();
      controller.enqueue(content.slice(at, at += 65_536));
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

test("a blob is pushed by one POST and one PUT, from bytes, a stream or a function", async () => {
  const sources = {
    bytes: LARGE,
    stream: streamOf(LARGE),
    function: () => streamOf(LARGE),
    "async function": () => Promise.resolve(streamOf(LARGE)),
  };
  for (const [name, source] of Object.entries(sources)) {
    const stored = new Map<string, Bytes>();
    const b = bench(uploads(stored));
    await b.clock.run(b.repository.push(LAYER, source));
    assert.deepEqual(stored.get(LAYER.digest), LARGE, name);
    assert.deepEqual(b.transport.seen.map(({ method, path }) => `${method} ${path}`), [
      "POST /v2/acme/app/blobs/uploads/",
      `PUT /v2/acme/app/blobs/uploads/1?_state=x%2B1&digest=${encodeURIComponent(LAYER.digest)}`,
    ], name);
    const put = b.transport.seen[1];
    assert.equal(put?.headers.get("content-type"), "application/octet-stream", name);
    assert.equal(b.clock.pending, 0, `${name}: timers are left`);
  }
});

test("empty blobs are pushed too", async () => {
  const stored = new Map<string, Bytes>();
  const b = bench(uploads(stored));
  const empty = new Uint8Array();
  await b.clock.run(b.repository.push(descriptorOf(empty, "text/plain"), streamOf(empty)));
  assert.equal(stored.size, 1);
});

test("content that is not what was announced is never stored", async () => {
  const damaged = LARGE.slice();
  damaged[2_000_000] = (damaged[2_000_000] ?? 0) ^ 1;
  const cases: [string, Bytes, typeof DigestMismatchError | typeof SizeMismatchError][] = [
    ["another digest", damaged, DigestMismatchError],
    ["too short", LARGE.slice(1), SizeMismatchError],
    ["too long", new Uint8Array([...LARGE, 1]), SizeMismatchError],
  ];
  for (const [name, content, type] of cases) {
    for (const source of [content, streamOf(content), () => streamOf(content)]) {
      const stored = new Map<string, Bytes>();
      const b = bench(uploads(stored));
      const error = await failure(b.clock.run(b.repository.push(LAYER, source)));
      assert.ok(error instanceof type, `${name}: ${String(error)}`);
      assert.equal(stored.size, 0, name);
    }
  }
});

test("an error of the source is the error of the push, and the request is aborted first", async () => {
  const reason = new RangeError("source broke");
  let isAborted: boolean | undefined;
  const b = bench(uploads(new Map(), {
    async put(request) {
      try {
        await request.arrayBuffer();
      } catch {
        isAborted = request.signal.aborted;
      }
      // As workerd does it: the body ended, so the registry is content.
      return new Response(null, { status: 201 });
    },
  }));
  let at = 0;
  const source = new ReadableStream<Bytes>({
    pull(controller) {
      if (at > 200_000) throw reason;
      controller.enqueue(LARGE.slice(at, at += 65_536));
    },
  }, { highWaterMark: 0 });
  assert.equal(await failure(b.clock.run(b.repository.push(LAYER, source))), reason);
  assert.equal(isAborted, true);
});

test("a source that fails does not wait for the session that is opened meanwhile", async () => {
  const reason = new RangeError("source broke");
  const small = descriptorOf(noise(1000), OCI_LAYER);
  const push = (b: Bench) =>
    failure(b.clock.measure(() =>
      b.repository.push(small, () => {
        throw reason;
      })
    ));

  let open: (response: Response) => void = () => {};
  const late = bench((request) =>
    request.method === "POST"
      ? new Promise<Response>((resolve) => open = resolve)
      : new Response(null, { status: 204 })
  );
  const before = late.clock.now();
  assert.equal(await push(late), reason);
  assert.equal(late.clock.now(), before, "nobody has waited");
  const location = "/v2/acme/app/blobs/uploads/1";
  open(new Response(null, { status: 202, headers: { location } }));
  while (late.transport.seen.length < 2) await turn();
  assert.equal(late.transport.seen.at(-1)?.method, "DELETE", "the late session is given back");
  assert.equal(late.transport.seen.at(-1)?.path, location);
  while (late.clock.pending > 0) await turn();

  let signal: AbortSignal | undefined;
  const never = bench((request) => {
    signal = request.signal;
    return new Promise<Response>(() => {});
  });
  assert.equal(await push(never), reason);
  assert.equal(signal?.aborted, false);
  await never.clock.run(new Promise((resolve) => signal?.addEventListener("abort", resolve)));
  assert.equal(
    never.transport.seen.length,
    1,
    "a session that nobody wants is not asked for again",
  );
  assert.equal(never.clock.pending, 0);
});

test("a source is cancelled when the registry refuses early", async () => {
  let cancelled = 0;
  const b = bench(uploads(new Map(), { put: () => errorResponse(413, "SIZE_INVALID") }));
  const error = await failure(
    b.clock.run(b.repository.push(LAYER, streamOf(LARGE, () => cancelled++))),
  );
  assert.ok(error instanceof UploadError, String(error));
  assert.equal(error.status, 413);
  assert.doesNotMatch(error.location ?? "", /_state/);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(cancelled, 1);

  const refused = bench(() => errorResponse(403, "DENIED"));
  await failure(
    refused.clock.run(refused.repository.push(LAYER, streamOf(LARGE, () => cancelled++))),
  );
  assert.equal(cancelled, 2);
});

test("abort ends an upload at once and cancels its source", async () => {
  let cancelled = 0;
  const b = bench(uploads(new Map(), { put: () => new Promise<Response>(() => {}) }));
  const controller = new AbortController();
  const { signal } = controller;
  const source = streamOf(LARGE, () => cancelled++);
  const promise = failure(b.repository.push(LAYER, source, { signal }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const reason = new Error("stop");
  controller.abort(reason);
  assert.equal(await promise, reason);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(cancelled, 1);
  assert.equal(b.clock.pending, 0);
});

test("a PUT that fails for a moment starts a new session with the whole content", async () => {
  for (const source of [LARGE, () => streamOf(LARGE)]) {
    const stored = new Map<string, Bytes>();
    const b = bench(uploads(stored, {
      put: (_request, _seen, count) => count === 1 ? errorResponse(503, "UNAVAILABLE") : undefined,
    }));
    await b.clock.run(b.repository.push(LAYER, source));
    assert.deepEqual(stored.get(LAYER.digest), LARGE);
    assert.deepEqual(b.transport.seen.map(({ method }) => method), [
      "POST",
      "PUT",
      "HEAD",
      "GET",
      "POST",
      "PUT",
    ]);
    assert.match(b.transport.seen.at(-1)?.path ?? "", /uploads\/2\?/);
  }
});

test("lesson 40: a session that another server does not know is opened anew", async () => {
  const stored = new Map<string, Bytes>();
  const b = bench(uploads(stored, {
    put: (_request, _seen, count) =>
      count < 3 ? errorResponse(404, "BLOB_UPLOAD_UNKNOWN") : undefined,
  }));
  await b.clock.run(b.repository.push(LAYER, LARGE));
  assert.equal(stored.size, 1);

  const never = bench(uploads(new Map(), { put: () => errorResponse(404, "BLOB_UPLOAD_UNKNOWN") }));
  const error = await failure(never.clock.run(never.repository.push(LAYER, LARGE)));
  assert.ok(error instanceof UploadError, String(error));
  assert.match(error.message, /404 BLOB_UPLOAD_UNKNOWN .*common secret and common storage/);
  assert.equal(never.transport.seen.filter(({ method }) => method === "PUT").length, 4);
});

test("a stream that can be read once is not sent twice", async () => {
  const b = bench(uploads(new Map(), { put: () => errorResponse(503, "UNAVAILABLE") }));
  const error = await failure(b.clock.run(b.repository.push(LAYER, streamOf(LARGE))));
  assert.ok(error instanceof UploadError);
  assert.equal(b.transport.seen.filter(({ method }) => method === "PUT").length, 1);
});

test("F19: a PUT whose answer is lost is not sent again when the blob is there", async () => {
  const stored = new Map<string, Bytes>();
  const b = bench(uploads(stored, {
    async put(request) {
      stored.set(LAYER.digest, new Uint8Array(await request.arrayBuffer()));
      throw new TypeError("connection reset");
    },
  }));
  await b.clock.run(b.repository.push(LAYER, streamOf(LARGE)));
  assert.equal(b.transport.seen.filter(({ method }) => method === "PUT").length, 1);
});

test("lesson 47: a blob under SHA-512 is looked for under its own digest", async () => {
  const digest = digestBytes("sha512", CONFIG.raw);
  const target = { ...CONFIG.descriptor, digest };
  const reply = (status: number): Script => (request) => {
    if (request.method === "POST") {
      return new Response(null, { status: 202, headers: { location: "/u" } });
    }
    if (request.method === "HEAD") return new Response(null, { status });
    const headers = { "docker-content-digest": CONFIG.descriptor.digest };
    return new Response(null, { status: 201, headers });
  };
  const good = bench(reply(200));
  await good.clock.run(good.repository.push(target, CONFIG.raw));
  const bad = bench(reply(404));
  const error = await failure(bad.clock.run(bad.repository.push(target, CONFIG.raw)));
  assert.ok(error instanceof UploadError);
});

test("a registry that stored something else is not believed", async () => {
  const wrong = { "docker-content-digest": `sha256:${"1".repeat(64)}` };
  const b = bench((request) =>
    request.method === "POST"
      ? new Response(null, { status: 202, headers: { location: "/u" } })
      : new Response(null, { status: 201, headers: wrong })
  );
  for (const { descriptor, raw } of [CONFIG, MANIFEST]) {
    const error = await failure(b.clock.run(b.repository.push(descriptor, raw)));
    assert.ok(error instanceof DigestMismatchError);
  }
});

test("lesson 48: the same blob is uploaded once at a time", async () => {
  const stored = new Map<string, Bytes>();
  const b = bench(uploads(stored));
  let cancelled = 0;
  await b.clock.run(Promise.all([
    b.repository.push(LAYER, LARGE),
    b.repository.push(LAYER, streamOf(LARGE, () => cancelled++)),
    b.repository.push(LAYER, LARGE),
  ]));
  assert.equal(b.transport.seen.filter(({ method }) => method === "PUT").length, 1);
  assert.equal(cancelled, 1);
});

test("lesson 48: repositories of one registry object share uploads, if they are the same one", async () => {
  const b = bench(uploads(new Map()));
  const other = b.registry.repository("acme/app");
  await b.clock.run(Promise.all([b.repository.push(LAYER, LARGE), other.push(LAYER, LARGE)]));
  const puts = () => b.transport.seen.filter(({ method }) => method === "PUT").length;
  assert.equal(puts(), 1);
  const elsewhere = b.registry.repository("acme/other");
  await b.clock.run(Promise.all([b.repository.push(LAYER, LARGE), elsewhere.push(LAYER, LARGE)]));
  assert.equal(puts(), 3);
});

test("lesson 48: who waits for the upload of another sends its own content when that one fails", async () => {
  const stored = new Map<string, Bytes>();
  const b = bench(uploads(stored));
  const broken = () =>
    new ReadableStream<Bytes>({
      pull: (controller) => controller.error(new Error("the disk has gone")),
    });
  const [first, second] = await b.clock.run(Promise.allSettled([
    b.repository.push(LAYER, broken),
    b.repository.push(LAYER, streamOf(LARGE)),
  ]));
  assert.equal(first.status, "rejected");
  assert.equal(second.status, "fulfilled");
  assert.deepEqual(stored.get(LAYER.digest), LARGE);
});

test("lessons 1 and 3: a token that expires while a blob is sent is renewed, body and all", async () => {
  let tokens = 0;
  const bodies: number[] = [];
  const b = bench(async (request) => {
    const url = new URL(request.url);
    if (url.host === "auth.test") return Response.json({ token: `t${++tokens}` });
    const body = await request.arrayBuffer();
    const authorization = request.headers.get("authorization");
    const isStale = request.method === "PUT" && authorization === "Bearer t1";
    if (authorization === null || isStale) {
      const challenge = 'Bearer realm="https://auth.test/token",service="s"';
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": challenge });
    }
    if (request.method === "POST") {
      return new Response(null, { status: 202, headers: { location: "/u" } });
    }
    bodies.push(body.byteLength);
    return new Response(null, { status: 201 });
  });
  await b.clock.run(b.repository.push(LAYER, () => streamOf(LARGE)));
  assert.deepEqual(bodies, [LARGE.length]);
  assert.equal(tokens, 2);
});

test("lesson 2: a stream that was consumed by a refused request is an error that says so", async () => {
  const b = bench(async (request) => {
    if (request.method === "POST") {
      return new Response(null, { status: 202, headers: { location: "/u" } });
    }
    if (request.method === "HEAD") return new Response(null, { status: 404 });
    await request.arrayBuffer();
    return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="x"' });
  }, { credentials: () => Promise.resolve({ kind: "basic", username: "u", password: "p" }) });
  const error = await failure(b.clock.run(b.repository.push(LAYER, streamOf(LARGE))));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /can be read only once/);
  assert.deepEqual([error.status, error.method], [401, "PUT"]);
});

test("lesson 45: an HTML page of a proxy is reported in words", async () => {
  const html =
    "<html><head><style>x{}</style></head><body><h1>413 Entity Too Large</h1></body></html>";
  const b = bench(uploads(new Map(), {
    put: () => new Response(html, { status: 413, headers: { "content-type": "text/html" } }),
  }));
  const error = await failure(b.clock.run(b.repository.push(LAYER, LARGE)));
  assert.ok(error instanceof UploadError);
  assert.match(error.message, /answered 413 to PUT .*: 413 Entity Too Large$/);
});

test("a transport that cannot stream gets the content in one piece, once it is proved", async () => {
  const methods: string[] = [];
  const stored = new Map<string, Bytes>();
  const script = uploads(stored);
  const transport = Object.assign(async (request: Request) => {
    methods.push(request.method);
    const { pathname, search } = new URL(request.url);
    const seen = {
      method: request.method,
      url: request.url,
      path: pathname + search,
      headers: request.headers,
    };
    return await script(request, seen, methods.length) ?? new Response(null, { status: 404 });
  }, { traits: { streamingUpload: false, maxRequestBytes: 3_000_000 } });
  const b = bench(() => undefined, { transport });
  const damaged = LARGE.slice();
  damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1;
  const error = await failure(b.clock.run(b.repository.push(LAYER, streamOf(damaged))));
  assert.ok(error instanceof DigestMismatchError);
  assert.ok(!methods.includes("PUT"), "nothing was sent of what is not proved");
  await b.clock.run(b.repository.push(LAYER, streamOf(LARGE)));
  assert.deepEqual(stored.get(LAYER.digest), LARGE);
  assert.equal(methods.filter((method) => method === "PUT").length, 1);
  assert.ok(!methods.includes("PATCH"), "it goes in one piece");
});

test("a registry that takes nothing is given up after 60 seconds", async () => {
  const b = bench(uploads(new Map(), { put: () => new Promise<Response>(() => {}) }));
  const { ms, result } = await b.clock.measure(() =>
    failure(b.repository.push(LAYER, streamOf(LARGE)))
  );
  assert.ok(result instanceof RegistryError, String(result));
  assert.ok(ms >= 60_000 && ms < 120_000, `${ms}`);
});

test("an upload to a transport that has lost its request is given up and aborted", async () => {
  const lost = () => bench(uploads(new Map(), { put: () => new Promise<Response>(() => {}) }));
  const b = lost();
  const pushed = failure(b.repository.push(LAYER, streamOf(LARGE)));
  while (b.transport.seen.length < 2) await turn();
  await makeGarbage();
  assert.ok(await b.clock.run(pushed) instanceof RegistryError);

  const { repository, transport } = lost();
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = failure(repository.push(LAYER, streamOf(LARGE), { signal }));
  while (transport.seen.length < 2) await turn();
  await makeGarbage();
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await aborted, reason);
});

test("manifests are pushed byte for byte, with their own type", async () => {
  const bodies: string[] = [];
  const b = bench(async (request) => {
    bodies.push(await request.text());
    return new Response(null, { status: 201 });
  });
  const odd = utf8(
    `{ "schemaVersion":2 ,"config":${JSON.stringify(CONFIG.descriptor)},"layers":[]}\n`,
  );
  const target = descriptorOf(odd, MANIFEST.descriptor.mediaType);
  await b.clock.run(b.repository.push(target, streamOf(odd)));
  assert.deepEqual(bodies, [new TextDecoder().decode(odd)]);
  assert.equal(b.transport.seen[0]?.headers.get("content-type"), target.mediaType);
  assert.equal(b.transport.seen[0]?.url, `https://${HOST}/v2/acme/app/manifests/${target.digest}`);
});

test("a manifest that is announced as another kind, or as two, is not sent", async () => {
  const index = "application/vnd.oci.image.index.v1+json";
  const manifest = JSON.parse(new TextDecoder().decode(MANIFEST.raw));
  const wrong: readonly [Bytes, string][] = [
    [MANIFEST.raw, index],
    [MANIFEST.raw, "application/vnd.docker.distribution.manifest.list.v2+json"],
    [utf8(JSON.stringify({ ...manifest, mediaType: index })), MANIFEST.descriptor.mediaType],
    [utf8(JSON.stringify({ ...manifest, manifests: [] })), MANIFEST.descriptor.mediaType],
    [utf8(`{"layers":[],${JSON.stringify(manifest).slice(1)}`), MANIFEST.descriptor.mediaType],
    [utf8("[]"), MANIFEST.descriptor.mediaType],
    [utf8("<html>"), index],
  ];
  for (const [raw, mediaType] of wrong) {
    const b = bench(() => new Response(null, { status: 201 }));
    const error = await failure(b.clock.run(b.repository.push(descriptorOf(raw, mediaType), raw)));
    assert.ok(error instanceof InvalidManifestError, String(error));
    assert.equal(b.transport.seen.length, 0);
  }
});

test("a manifest goes out under the type that it names itself", async () => {
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  const oci = MANIFEST.descriptor.mediaType;
  const manifest = JSON.parse(new TextDecoder().decode(MANIFEST.raw));
  // Layouts name Docker's manifests as the OCI's; registries look at what is in them.
  const raw = utf8(JSON.stringify({ ...manifest, mediaType: docker }));
  const { mediaType: _, ...unnamed } = manifest;
  const rows: readonly [Bytes, string, string][] = [
    [raw, oci, docker],
    [utf8(JSON.stringify(unnamed)), docker, docker],
    [utf8(JSON.stringify(unnamed)), oci, oci],
  ];
  for (const [raw, announced, sent] of rows) {
    const b = bench(() => new Response(null, { status: 201 }));
    await b.clock.run(b.repository.push(descriptorOf(raw, announced), raw));
    assert.equal(b.transport.seen[0]?.headers.get("content-type"), sent);
  }
});

test("a manifest whose blobs are missing says which", async () => {
  const b = bench(() =>
    errorResponse(400, "MANIFEST_BLOB_UNKNOWN", {}, "blob unknown to registry: sha256:aa")
  );
  const error = await failure(b.clock.run(b.repository.push(MANIFEST.descriptor, MANIFEST.raw)));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /400 MANIFEST_BLOB_UNKNOWN .*blob unknown to registry: sha256:aa/);
});

test("tag() reads a manifest by digest and stores the same bytes under the tag", async () => {
  const bodies: string[] = [];
  const b = bench(async (request) => {
    if (request.method === "GET") return answer(MANIFEST, request);
    bodies.push(await request.text());
    return new Response(null, { status: 201 });
  });
  await b.clock.run(b.repository.tag(MANIFEST.descriptor, "v2"));
  assert.deepEqual(bodies, [new TextDecoder().decode(MANIFEST.raw)]);
  assert.match(b.transport.seen.at(-1)?.path ?? "", /\/manifests\/v2$/);
  // By its own digest the manifest has only to be there.
  await b.clock.run(b.repository.tag(MANIFEST.descriptor, MANIFEST.descriptor.digest));
  assert.equal(bodies.length, 1);
  await assert.rejects(b.repository.tag(MANIFEST.descriptor, CONFIG.descriptor.digest), TypeError);
});

test("a manifest under SHA-512 is tagged along with its digest, and by the tag where that is ignored", async () => {
  const digest = digestBytes("sha512", MANIFEST.raw);
  const target = { ...MANIFEST.descriptor, digest };
  for (const known of [undefined, "other, v2", "v2"]) {
    const b = bench((request) => {
      if (request.method === "GET") return answer({ ...MANIFEST, descriptor: target }, request);
      const headers = new Headers();
      if (known !== undefined && request.url.includes("?tag=")) headers.set("oci-tag", known);
      return new Response(null, { status: 201, headers });
    });
    await b.clock.run(b.repository.tag(target, "v2"));
    assert.deepEqual(b.transport.seen.slice(1).map(({ method, path }) => `${method} ${path}`), [
      `PUT /v2/acme/app/manifests/${digest}?tag=v2`,
      ...(known === undefined ? ["PUT /v2/acme/app/manifests/v2"] : []),
    ]);
  }
});
