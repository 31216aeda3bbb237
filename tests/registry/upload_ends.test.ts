import { test } from "node:test";
import assert from "node:assert/strict";
import { DigestMismatchError, NotFoundError, RegistryError } from "../../lib/model/errors.ts";
import type { BlobUpload, UploadState } from "../../lib/registry/mod.ts";
import { turn } from "./fake_clock.ts";
import { bench, descriptorOf, errorResponse, failure, noise, OCI_LAYER } from "./scripted.ts";
import { piecesOf, type Quirks, rangeOf, uploadRegistry } from "./upload_registry.ts";

const CONTENT = noise(2_500_000);
const LAYER = descriptorOf(CONTENT, OCI_LAYER);
const CHUNKED = { upload: { chunkBytes: 1_000_000 } };

/** Starts an upload, sends some of it, and gives the state that a process would have written down. */
async function stateAfter(bytes: number, quirks: Quirks = {}) {
  const registry = uploadRegistry(quirks);
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload({ chunkBytes: 500_000 }));
  await b.clock.run(upload.append(CONTENT.slice(0, bytes)));
  const state: UploadState = JSON.parse(JSON.stringify(upload.state()));
  return { registry, state, upload };
}

test("a closing PUT that is refused is not sent again, and the upload is given back", async () => {
  const registry = uploadRegistry({
    before: ({ method }) => method === "PUT" ? errorResponse(403, "DENIED") : undefined,
  });
  const b = bench(registry.script);
  const error = await failure(b.clock.run(b.repository.push(LAYER, CONTENT, CHUNKED)));
  assert.ok(error instanceof RegistryError && error.status === 403, String(error));
  assert.deepEqual(registry.log.slice(-2), ["PUT", "DELETE"]);
  assert.equal(registry.sessions.size, 0);
});

test("a closing PUT that always fails is sent four times, as late as the registry wants", async () => {
  const registry = uploadRegistry({
    before: ({ method }) =>
      method === "PUT" ? errorResponse(503, "UNAVAILABLE", { "retry-after": "7" }) : undefined,
  });
  const b = bench(registry.script);
  const { ms, result } = await b.clock.measure(() =>
    failure(b.repository.push(LAYER, CONTENT, CHUNKED))
  );
  assert.ok(result instanceof RegistryError && result.status === 503, String(result));
  assert.equal(registry.log.filter((line) => line === "PUT").length, 4);
  assert.ok(ms >= 21_000 && ms < 60_000, `${ms}`);
  assert.equal(registry.stored.size, 0);
});

test("a registry that has lost the upload, or a part of it, at the end gets it anew", async () => {
  for (const left of [undefined, 0, 1, 1_000_000, CONTENT.length - 1]) {
    const registry = uploadRegistry({
      before({ method, count, session }) {
        if (method !== "PUT" || count > 1 || session === undefined) return undefined;
        if (left === undefined) registry.sessions.delete(session.id);
        else session.content = CONTENT.slice(0, left);
        return errorResponse(503, "UNAVAILABLE");
      },
    });
    const b = bench(registry.script);
    const source = () => piecesOf(CONTENT);
    await b.clock.run(b.repository.push(LAYER, source, CHUNKED));
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT, `${left}`);
    assert.equal(registry.log.filter((line) => line.startsWith("PUT")).length, 2, `${left}`);
  }
});

test("an upload of which nothing was sent goes on in another session, and gives the old one back", async () => {
  const { registry, state } = await stateAfter(0);
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, CONTENT, { upload: { state } }));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
  assert.ok(registry.log.includes("DELETE"), registry.log.join());
  assert.equal(registry.sessions.size, 0);
});

test("what arrived after the state was written is skipped once, whatever follows", async () => {
  const { registry, state } = await stateAfter(500_000);
  const session = registry.sessions.get("s1");
  assert.ok(session !== undefined);
  for (const ahead of [100_000, 700_000]) {
    session.content = CONTENT.slice(0, 500_000 + ahead);
    const told: number[] = [];
    const onState = ({ offset }: UploadState) => void told.push(offset);
    const b = bench(registry.script);
    const upload = await b.clock.run(b.repository.resumeUpload(state, { chunkBytes: 500_000 }));
    await b.clock.run(upload.append(CONTENT.slice(upload.offset)));
    assert.deepEqual(session.content, CONTENT, `${ahead}`);
    assert.equal(registry.bodies.slice(1).reduce((sum, size) => sum + size, 0), 2_000_000 - ahead);
    registry.bodies.length = 1;
    onState(upload.state());
    assert.deepEqual(told, [CONTENT.length]);
  }
});

test("another process knows the smallest and the largest chunk of the registry", async () => {
  const limits = { "oci-chunk-min-length": "600000", "oci-chunk-max-length": "900000" };
  const { registry, state } = await stateAfter(600_000, { opened: limits });
  assert.equal(state.offset, 600_000);
  for (const chunkBytes of [100_000, 2_000_000]) {
    const session = registry.sessions.get("s1");
    assert.ok(session !== undefined);
    session.content = CONTENT.slice(0, 600_000);
    registry.bodies.length = 0;
    const b = bench(registry.script);
    const upload = await b.clock.run(b.repository.resumeUpload(state, { chunkBytes }));
    await b.clock.run(upload.append(CONTENT.slice(600_000)));
    const size = chunkBytes < 600_000 ? 600_000 : 900_000;
    assert.deepEqual(registry.bodies, Array(Math.floor(1_900_000 / size)).fill(size));
  }
});

test("another process knows that the registry does not tell how far it is", async () => {
  let told: string | undefined;
  const quirks: Quirks = {
    after({ session, method }, response) {
      if (session === undefined || method === "DELETE" || !response.headers.has("range")) {
        return response;
      }
      told ??= rangeOf(session);
      const headers = new Headers(response.headers);
      headers.set("range", told);
      return new Response(null, { status: response.status, headers });
    },
  };
  const { registry, state } = await stateAfter(1_500_000, quirks);
  assert.deepEqual(registry.sessions.get("s1")?.content, CONTENT.slice(0, 1_500_000));
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.resumeUpload(state));
  assert.equal(upload.offset, 1_500_000);
  await b.clock.run(upload.append(CONTENT.slice(1_500_000)));
  await b.clock.run(upload.finish());
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
  assert.equal(registry.log.filter((line) => line === "POST").length, 1);
});

test("an upload that another process goes on with still knows its digest", async () => {
  const states: UploadState[] = [];
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const upload = {
    chunkBytes: 1_000_000,
    onState: (state: UploadState) => void states.push(state),
  };
  await b.clock.run(b.repository.push(LAYER, CONTENT, { upload }));
  const other = descriptorOf(noise(2_500_000, 3), OCI_LAYER);
  const [state] = states;
  const pushing = b.repository.push(other, noise(2_500_000, 3), { upload: { state } });
  assert.ok(await failure(b.clock.run(pushing)) instanceof TypeError);
});

test("where a repository is missing a resumed upload says so", async () => {
  const { state } = await stateAfter(500_000);
  const b = bench(() => errorResponse(404, "NAME_UNKNOWN"));
  const error = await failure(
    b.clock.run(b.repository.push(LAYER, CONTENT, { upload: { state } })),
  );
  assert.ok(error instanceof NotFoundError, String(error));
});

test("an upload that is over takes nothing more, however it ended", async () => {
  const ends: Readonly<Record<string, (upload: BlobUpload) => Promise<unknown>>> = {
    finished: (upload: BlobUpload) => upload.finish(),
    cancelled: (upload: BlobUpload) => upload.cancel(),
    "of another digest": (upload: BlobUpload) => failure(upload.finish()),
  };
  for (const [name, end] of Object.entries(ends)) {
    const registry = uploadRegistry();
    const b = bench(registry.script);
    const digest = name === "of another digest" ? LAYER.digest : undefined;
    const upload = await b.clock.run(b.repository.startUpload({ chunkBytes: 1000, digest }));
    await b.clock.run(upload.append(noise(2500, 2)));
    await b.clock.run(end(upload));
    const { length } = registry.log;
    assert.ok(await failure(upload.append(noise(10))) instanceof TypeError, name);
    assert.ok(await failure(upload.finish()) instanceof TypeError, name);
    await b.clock.run(upload.cancel());
    assert.equal(registry.log.length, length, name);
    assert.equal(registry.sessions.size, 0, name);
    assert.equal(registry.stored.size, name === "finished" ? 1 : 0);
  }
});

test("what cannot be begun asks the registry for nothing, and lets its stream go", async () => {
  const registry = uploadRegistry();
  const b = bench(registry.script);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  for (const chunkBytes of [0, -1, 1.5, NaN]) {
    assert.ok(await failure(b.repository.startUpload({ chunkBytes })) instanceof RangeError);
  }
  for (const upload of [undefined, CHUNKED.upload, { chunkBytes: Infinity }]) {
    let cancels = 0;
    const stream = piecesOf(CONTENT, { onCancel: () => void cancels++ });
    const pushing = b.repository.push(LAYER, stream, { upload, signal });
    assert.equal(await failure(b.clock.run(pushing)), reason);
    assert.equal(cancels, 1);
  }
  assert.equal(await failure(b.repository.startUpload({ signal })), reason);
  assert.deepEqual(registry.log, []);
});

test("a session that was opened by a mount is used once, and given back when nothing comes", async () => {
  for (const isRight of [true, false]) {
    const registry = uploadRegistry();
    const b = bench(registry.script);
    const mounting = b.repository.mount(LAYER, "acme/other", { isPushedNext: true });
    assert.equal(await b.clock.run(mounting), false);
    const content = isRight ? CONTENT : noise(CONTENT.length, 9);
    const end = await failure(b.clock.run(
      b.repository.push(LAYER, content).then(() => {
        throw new Error("it is there");
      }),
    ));
    assert.equal(end instanceof DigestMismatchError, !isRight, String(end));
    for (let turns = 0; turns < 100 && registry.sessions.size > 0; turns++) await turn();
    assert.equal(registry.sessions.size, 0);
    assert.equal(registry.log.filter((line) => line.startsWith("POST")).length, 1);
    assert.equal(registry.log.includes("DELETE"), !isRight);
  }
});
