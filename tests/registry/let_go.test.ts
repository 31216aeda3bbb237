/** What a request holds is let go at its end: bodies, places, connections, and the caller's signal. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { RegistryError } from "../../lib/model/errors.ts";
import type { UploadOptions, UploadState } from "../../lib/registry/mod.ts";
import {
  answer,
  bench,
  CONFIG,
  descriptorOf,
  errorResponse,
  failure,
  HOST,
  MANIFEST,
  noise,
  OCI_LAYER,
  readAllBytes,
  redirect,
  type Script,
  utf8,
} from "./scripted.ts";

const BLOB = noise(1000);
const LAYER = descriptorOf(BLOB, OCI_LAYER);

/** Gives every answer of a script a body, and counts those that are open yet. */
function counted(script: Script) {
  const open = new Map<number, string>();
  let count = 0;
  const withBody: Script = async (request, seen, nth) => {
    const { status, headers } = await script(request, seen, nth) ?? errorResponse(404, "NONE");
    if (request.method === "HEAD" || status === 204) return new Response(null, { status, headers });
    const id = count++;
    open.set(id, `${request.method} ${seen.path}: ${status}`);
    let isRead = false;
    const body = new ReadableStream<Bytes>({
      pull(controller) {
        if (isRead) {
          open.delete(id);
          return controller.close();
        }
        isRead = true;
        controller.enqueue(utf8("{}"));
      },
      cancel: () => void open.delete(id),
    }, { highWaterMark: 0 });
    return new Response(body, { status, headers });
  };
  return { script: withBody, open: () => [...open.values()] };
}

/** A registry that takes what it gets, in whatever way. */
const taking: Script = async (request, { path }) => {
  await request.arrayBuffer();
  const location = "/v2/acme/app/blobs/uploads/1";
  const state = { location, range: `0-${BLOB.byteLength - 1}` };
  if (request.method === "POST") return new Response(null, { status: 202, headers: { location } });
  if (request.method === "PATCH" || path === location) {
    return new Response(null, { status: request.method === "PUT" ? 201 : 202, headers: state });
  }
  if (request.method === "PUT") return new Response(null, { status: 201 });
  return new Response(null, { status: request.method === "DELETE" ? 202 : 404 });
};

test("no way to upload leaves an answer open", async () => {
  const { script, open } = counted(taking);
  const b = bench(script);
  const push = (upload: UploadOptions) => b.clock.run(b.repository.push(LAYER, BLOB, { upload }));
  let state: UploadState | undefined;
  await push({});
  await push({ onState: (last) => void (state = last) });
  await push({ state });
  await push({ chunkBytes: Infinity });
  await push({ chunkBytes: 1000 });
  await b.clock.run(b.repository.push(MANIFEST.descriptor, MANIFEST.raw));
  assert.deepEqual(open(), []);
});

test("no answer stays open that is not the last: refusals, repetitions, deletions", async () => {
  let isBusy = true;
  const { script, open } = counted((request, seen, nth) => {
    if (isBusy) {
      isBusy = false;
      return errorResponse(503, "UNAVAILABLE");
    }
    return taking(request, seen, nth);
  });
  const b = bench(script);
  await b.clock.run(b.repository.delete(MANIFEST.descriptor));
  isBusy = true;
  await failure(b.clock.run(b.repository.manifest("v1")));
  await b.clock.run(b.repository.mount(LAYER, "acme/base"));
  await failure(b.clock.run(b.repository.fetch(LAYER).then(readAllBytes)));
  await b.clock.run(b.repository.exists(LAYER));
  assert.deepEqual(open(), []);
});

test("an answer with a wrong range is let go before the whole content is asked for", async () => {
  let cancelled = 0;
  const b = bench((request) => {
    if (!request.headers.has("range")) return answer({ raw: BLOB, descriptor: LAYER }, request);
    const body = new ReadableStream({ cancel: () => void cancelled++ });
    return new Response(body, { status: 206, headers: { "content-range": "bytes 0-9/20" } });
  });
  const range = { start: 10, end: 19 };
  const stream = await b.clock.run(b.repository.fetch(LAYER, { range }));
  assert.deepEqual(await b.clock.run(readAllBytes(stream)), BLOB.subarray(10, 20));
  assert.equal(cancelled, 1);
});

test("the caller's signal is left as it was, after success and after failure", async () => {
  const { signal } = new AbortController();
  let listening = 0;
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(...args: Parameters<typeof addEventListener>) {
      listening++;
      addEventListener.apply(signal, args);
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>) {
      listening--;
      removeEventListener.apply(signal, args);
    },
  });
  const b = bench((request, { path }) => {
    if (path.includes("/blobs/")) return answer({ raw: BLOB, descriptor: LAYER }, request);
    if (path.endsWith("/gone")) return new Response(null, { status: 404 });
    return path.endsWith("/broken")
      ? Promise.reject(new TypeError("fetch failed"))
      : answer(MANIFEST, request);
  });
  await b.clock.run(b.repository.manifest("v1", { signal }));
  await b.clock.run(b.repository.fetch(LAYER, { signal }).then(readAllBytes));
  await b.clock.run(b.repository.exists(LAYER, { signal }));
  await failure(b.clock.run(b.repository.manifest("gone", { signal })));
  await failure(b.clock.run(b.repository.manifest("broken", { signal })));
  assert.ok(listening <= 0, `${listening} listeners are left`);
});

test("connections that fail give their places back", async () => {
  let failures = 0;
  const b = bench(
    (request) =>
      ++failures % 6 === 0
        ? answer({ raw: BLOB, descriptor: LAYER }, request)
        : Promise.reject(new TypeError("fetch failed")),
    { concurrency: 1 },
  );
  for (let i = 0; i < 3; i++) {
    const stream = await b.clock.run(b.repository.fetch(LAYER));
    assert.equal((await b.clock.run(readAllBytes(stream))).byteLength, BLOB.byteLength);
  }
});

test("answers without a body give their places back", async () => {
  const b = bench(() => new Response(null, { status: 200 }), { concurrency: 1 });
  for (let i = 0; i < 100; i++) assert.ok(await b.clock.run(b.repository.exists(LAYER)));
});

test("a body that falls silent has its connection torn down", async () => {
  const signals: AbortSignal[] = [];
  const b = bench((request) => {
    signals.push(request.signal);
    return new Response(new ReadableStream<Bytes>({ pull: () => new Promise(() => {}) }));
  });
  await failure(b.clock.run(b.repository.fetch(LAYER).then(readAllBytes)));
  assert.ok(signals.length > 1);
  assert.deepEqual(signals.filter(({ aborted }) => !aborted), []);
});

test("a download that is cancelled between two attempts makes no other", async () => {
  const b = bench(() =>
    new Response(
      new ReadableStream<Bytes>({
        pull: (controller) => controller.error(new TypeError("terminated")),
      }),
    )
  );
  const large = descriptorOf(noise(300_000), OCI_LAYER);
  const stream = await b.clock.run(b.repository.fetch(large));
  const reader = stream.getReader();
  reader.read().catch(() => {});
  while (b.transport.seen.length < 2 || b.clock.pending === 0) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await reader.cancel();
  const { length } = b.transport.seen;
  await b.clock.run(b.repository.exists(LAYER));
  await b.clock.run(new Promise((resolve) => void b.clock.setTimer(120_000, () => resolve(0))));
  assert.equal(b.transport.seen.filter(({ method }) => method === "GET").length, length);
});

test("a body that arrives after its download was cancelled is let go", async () => {
  let isFirst = true;
  let isCancelled = false;
  let arrive = () => {};
  let isAsked = false;
  const b = bench(async () => {
    if (isFirst) {
      isFirst = false;
      return new Response(
        new ReadableStream<Bytes>({
          pull: (controller) => controller.error(new TypeError("terminated")),
        }),
      );
    }
    isAsked = true;
    await new Promise<void>((resolve) => arrive = resolve);
    return new Response(
      new ReadableStream<Bytes>({ cancel: () => void (isCancelled = true) }, { highWaterMark: 0 }),
    );
  });
  const large = descriptorOf(noise(300_000), OCI_LAYER);
  const reader = (await b.clock.run(b.repository.fetch(large))).getReader();
  reader.read().catch(() => {});
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  while (!isAsked) await turn();
  await reader.cancel();
  arrive();
  for (let i = 0; i < 20; i++) await turn();
  assert.ok(isCancelled);
});

test("an abort during the last attempt is thrown as it is", async () => {
  let controller = new AbortController();
  const reason = new Error("enough");
  const b = bench(({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new TypeError("terminated")));
      controller.abort(reason);
    }), { retry: { retries: 0 } });
  const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal: AbortSignal) => b.repository.manifest("v1", { signal }),
    (signal: AbortSignal) => b.repository.fetch(LAYER, { signal }),
    (signal: AbortSignal) => b.repository.exists(LAYER, { signal }),
  ];
  for (const call of calls) {
    controller = new AbortController();
    assert.equal(await failure(b.clock.run(call(controller.signal))), reason);
  }
});

test("a manifest that breaks off each time is an error that says how often", async () => {
  const b = bench(() => {
    const body = new ReadableStream<Bytes>({
      pull: (controller) => controller.error(new TypeError("terminated")),
    });
    return new Response(body, { headers: { "content-type": MANIFEST.descriptor.mediaType } });
  }, { retry: { retries: 2 } });
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /after 3 attempts/);
  assert.equal(b.transport.seen.length, 3);
});

test("a pause that a storage host asks for holds for all that is led there", async () => {
  const starts: number[] = [];
  let isBusy = true;
  const b = bench((request, seen) => {
    if (!request.url.includes("storage.example")) {
      return redirect(`https://storage.example${seen.path}`);
    }
    starts.push(b.clock.now());
    if (!isBusy) return answer(CONFIG, request);
    isBusy = false;
    return errorResponse(503, "UNAVAILABLE", { "retry-after": "7" });
  });
  const start = b.clock.now();
  const fetch = () => b.repository.fetch(CONFIG.descriptor).then(readAllBytes);
  const first = fetch();
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  await b.clock.run(Promise.all([first, fetch()]));
  assert.equal(starts.length, 3);
  for (const at of starts.slice(1)) assert.ok(at - start >= 7000, `${at - start}`);
});

test("a stream that can be read once is not sent on to where an upload is redirected", async () => {
  const b = bench(async (request) => {
    if (request.method === "HEAD") return new Response(null, { status: 404 });
    await request.arrayBuffer();
    return request.method === "POST"
      ? new Response(null, { status: 202, headers: { location: "/v2/acme/app/blobs/uploads/1" } })
      : request.method === "PUT"
      ? redirect("/v2/acme/app/blobs/uploads/2")
      : new Response(null, { status: 202 });
  });
  const large = noise(2_500_000);
  let at = 0;
  const content: ByteStream = new ReadableStream({
    pull(controller) {
      if (at >= large.byteLength) return controller.close();
      controller.enqueue(large.slice(at, at += 65_536));
    },
  });
  const error = await failure(
    b.clock.run(b.repository.push(descriptorOf(large, OCI_LAYER), content)),
  );
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /redirect|307/);
  assert.match(error.message, /can be read only once/);
  assert.ok(b.transport.seen.every(({ path }) => !path.includes("uploads/2")));
});

test("fixLocationScheme keeps the port of the registry, and a port that is named", async () => {
  const host = `${HOST}:5443`;
  for (
    const [location, led] of [
      [`http://${HOST}/moved`, `https://${host}/moved`],
      [`http://${HOST}:8443/moved`, `https://${HOST}:8443/moved`],
    ] as const
  ) {
    const b = bench(
      (request) => request.url.includes("/moved") ? answer(MANIFEST, request) : redirect(location),
      { fixLocationScheme: true, host },
    );
    await b.clock.run(b.repository.manifest("v1"));
    assert.equal(b.transport.seen.at(-1)?.url, led);
  }
});
