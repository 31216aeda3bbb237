import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { DigestMismatchError, RegistryError, UploadError } from "../../lib/model/errors.ts";
import { Registry, type UploadState } from "../../lib/registry/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import {
  bench,
  descriptorOf,
  errorResponse,
  failure,
  noise,
  OCI_LAYER,
  readAllBytes,
} from "./scripted.ts";
import { piecesOf, type Quirks, type Turn, uploadRegistry } from "./upload_registry.ts";

const CONTENT = noise(2_500_000);
const LAYER = descriptorOf(CONTENT, OCI_LAYER);
const CHUNKED = { upload: { chunkBytes: 1_000_000 } };

const isSecondPatch = ({ method, count }: Turn) => method === "PATCH" && count === 2;

/** Pushes in chunks against a registry with quirks; the blob has to be there in the end. */
async function pushed(quirks: Quirks, content: () => Bytes | ReturnType<typeof piecesOf>) {
  const registry = uploadRegistry(quirks);
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, content(), CHUNKED));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
  assert.equal(b.clock.pending, 0);
  return { ...b, ...registry };
}

for (const kept of [0, 1, 512, 999_999, 1_000_000]) {
  test(`a chunk of which ${kept} bytes arrived is continued behind them, also from a stream`, async () => {
    const cut = (turn: Turn) => isSecondPatch(turn) ? kept : undefined;
    const { log, bodies } = await pushed({ cut }, () => piecesOf(CONTENT));
    const end = 1_000_000 + kept;
    assert.deepEqual(log, [
      "POST",
      "PATCH 0-999999",
      kept === 0 ? "PATCH" : `PATCH 1000000-${end - 1}`,
      "GET",
      ...(kept === 1_000_000 ? [] : [`PATCH ${end}-1999999`]),
      "PATCH 2000000-2499999",
      "PUT",
    ]);
    assert.equal(bodies.reduce((sum, size) => sum + size, 0), 3_500_000 - kept);
  });

  test(`F17: a 202 for ${kept} bytes of a chunk is continued behind them`, async () => {
    const keep = (turn: Turn) => isSecondPatch(turn) ? kept : undefined;
    const { bodies } = await pushed({ keep }, () => piecesOf(CONTENT));
    assert.ok(bodies.reduce((sum, size) => sum + size, 0) <= 3_500_000, String(bodies));
  });
}

test("F17: a 416 with a Range is followed", async () => {
  // Half of the second chunk arrives twice as it seems: once broken off, and then in the way.
  let hidden = 1;
  const { log } = await pushed({
    cut: (turn) => isSecondPatch(turn) ? 400_000 : undefined,
    before: ({ method, session }) =>
      method === "GET" && hidden-- > 0 && session !== undefined
        ? new Response(null, {
          status: 204,
          headers: { range: "0-999999", location: `${session.id}?_state=${session.turn}` },
        })
        : undefined,
  }, () => piecesOf(CONTENT));
  assert.deepEqual(log, [
    "POST",
    "PATCH 0-999999",
    "PATCH 1000000-1399999",
    "GET",
    "PATCH",
    "PATCH 1400000-1999999",
    "PATCH 2000000-2499999",
    "PUT",
  ]);
});

test("a chunk that meets 503 and 429 is sent again after the time that was asked for", async () => {
  const registry = uploadRegistry({
    before: ({ method, count }) =>
      method !== "PATCH" || count > 3 || count === 1
        ? undefined
        : errorResponse(count === 2 ? 429 : 503, "TOOMANYREQUESTS", { "retry-after": "7" }),
  });
  const b = bench(registry.script);
  const { ms } = await b.clock.measure(() => b.repository.push(LAYER, piecesOf(CONTENT), CHUNKED));
  assert.ok(ms >= 14_000 && ms < 16_000, `${ms}`);
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("a chunk that never gets through is an error with the offset, and a bounded number of tries", async () => {
  const registry = uploadRegistry({
    before: ({ method, count }) =>
      method === "PATCH" && count > 1 ? errorResponse(503, "UNAVAILABLE") : undefined,
  });
  const b = bench(registry.script);
  const error = await failure(
    b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT), CHUNKED)),
  );
  assert.ok(error instanceof UploadError);
  assert.equal(error.offset, 1_000_000);
  assert.doesNotMatch(error.location ?? "", /_state/);
  assert.equal(registry.log.filter((line) => line.startsWith("PATCH")).length, 5);
  assert.equal(registry.sessions.size, 0);
});

test("a registry that keeps a byte of each chunk is left after a bounded number of requests", async () => {
  const registry = uploadRegistry({ keep: ({ method }) => method === "PATCH" ? 2 : undefined });
  const b = bench(registry.script);
  const error = await failure(b.clock.run(b.repository.push(LAYER, CONTENT, CHUNKED)));
  assert.ok(error instanceof UploadError, String(error));
  assert.match(error.message, /the registry takes next to nothing of each chunk/);
  assert.equal(registry.log.filter((line) => line.startsWith("PATCH")).length, 33);
  assert.equal(registry.stored.size, 0);
});

test("F18: a lost session is opened anew, and the content sent again from its function", async () => {
  for (const status of [404, 500]) {
    const registry = uploadRegistry({
      before(turn) {
        if (!isSecondPatch(turn)) return undefined;
        registry.sessions.clear();
        return errorResponse(status, "BLOB_UPLOAD_UNKNOWN");
      },
    });
    const b = bench(registry.script);
    let opened = 0;
    const source = () => {
      opened++;
      return piecesOf(CONTENT);
    };
    await b.clock.run(b.repository.push(LAYER, source, CHUNKED));
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
    assert.equal(opened, 2);
  }
});

test("F18: a stream whose session is lost is an error that says what to try", async () => {
  const registry = uploadRegistry({
    before(turn) {
      if (!isSecondPatch(turn)) return undefined;
      registry.sessions.clear();
      return errorResponse(404, "BLOB_UPLOAD_UNKNOWN");
    },
  });
  const b = bench(registry.script);
  const error = await failure(b.clock.run(b.repository.push(LAYER, piecesOf(CONTENT), CHUNKED)));
  assert.ok(error instanceof UploadError);
  assert.match(error.message, /common secret and common storage/);
});

test("a session that is lost before its first chunk costs nothing, also with a stream", async () => {
  const registry = uploadRegistry({
    before({ method, count, session }) {
      if (method !== "PATCH" || count > 1 || session === undefined) return undefined;
      session.content = new Uint8Array(1);
      throw new TypeError("connection reset");
    },
  });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, piecesOf(CONTENT), CHUNKED));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("F19: a closing PUT whose answer is lost is not sent again when the blob is there", async () => {
  const { log } = await pushed({
    after(turn, response) {
      if (turn.method === "PUT") throw new TypeError("connection reset");
      return response;
    },
  }, () => piecesOf(CONTENT));
  assert.deepEqual(log.slice(-2), ["PUT", "HEAD"]);
});

test("a closing PUT that did not arrive is sent again", async () => {
  const { log } = await pushed({
    before: ({ method, count }) =>
      method === "PUT" && count === 1 ? errorResponse(502, "UNKNOWN") : undefined,
  }, () => piecesOf(CONTENT));
  assert.deepEqual(log.slice(-4), ["PUT", "HEAD", "GET", "PUT"]);
});

test("a closing PUT that is never answered is given up after 60 seconds, and sent again", async () => {
  // Held here: a request that nobody holds is collected, and its signal with it.
  const silence = new Promise<Response>(() => {});
  for (const upload of [CHUNKED.upload, { chunkBytes: Infinity }]) {
    const registry = uploadRegistry({
      before: ({ method, count }) => method === "PUT" && count === 1 ? silence : undefined,
    });
    const b = bench(registry.script);
    const push = () => b.repository.push(LAYER, () => piecesOf(CONTENT), { upload });
    const { ms } = await b.clock.measure(push);
    // The registry has time to put the blob together, besides.
    assert.ok(ms >= 60_000 && ms < 120_000, `${ms}`);
    assert.deepEqual(registry.log.slice(-4), ["PUT", "HEAD", "GET", "PUT"]);
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
    assert.equal(b.clock.pending, 0);
  }
});

test("a PUT that breaks is continued where the registry stands, with a function or bytes", async () => {
  for (const source of [CONTENT, () => piecesOf(CONTENT)]) {
    for (const upload of [undefined, { chunkBytes: Infinity }]) {
      const first = upload === undefined ? "PUT" : "PATCH";
      const registry = uploadRegistry({
        cut: ({ method, count }) => method === first && count === 1 ? 1_234_567 : undefined,
      });
      const b = bench(registry.script);
      await b.clock.run(b.repository.push(LAYER, source, { upload }));
      assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
      assert.deepEqual(registry.log, [
        "POST",
        `${first} 0-1234566`,
        "HEAD",
        "GET",
        `${first} 1234567-2499999`,
        ...(upload === undefined ? [] : ["PUT"]),
      ]);
      const rest = b.transport.seen[4]?.headers.get("content-range");
      assert.equal(rest, upload === undefined ? "1234567-2499999" : null);
    }
  }
});

test("a PUT that fails for a moment is sent again after the time that was asked for", async () => {
  const registry = uploadRegistry({
    before: ({ method, count }) =>
      method === "PUT" && count === 1
        ? errorResponse(503, "UNAVAILABLE", { "retry-after": "7" })
        : undefined,
  });
  const b = bench(registry.script);
  const { ms } = await b.clock.measure(() => b.repository.push(LAYER, () => piecesOf(CONTENT)));
  assert.ok(ms >= 7000 && ms < 8000, `${ms}`);
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("a PUT that arrived whole and was not answered is ended without sending a byte again", async () => {
  const registry = uploadRegistry({
    cut: ({ method, count }) => method === "PUT" && count === 1 ? CONTENT.length : undefined,
  });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT)));
  assert.deepEqual(registry.bodies, [CONTENT.length, 0]);
});

/** Pushes until a point, and gives the state that a process would have written down. */
async function stateAfter(
  patches: number,
  registry = uploadRegistry(),
): Promise<{ state: UploadState; registry: ReturnType<typeof uploadRegistry> }> {
  const b = bench(registry.script);
  const upload = await b.clock.run(b.repository.startUpload({ chunkBytes: 500_000 }));
  await b.clock.run(upload.append(CONTENT.slice(0, patches * 500_000)));
  return { state: JSON.parse(JSON.stringify(upload.state())), registry };
}

test("another process continues an upload from its JSON, and sends no chunk twice", async () => {
  for (const patches of [0, 1, 3, 5]) {
    const { state, registry } = await stateAfter(patches);
    assert.equal(state.offset, patches * 500_000);
    const b = bench(registry.script);
    const upload = await b.clock.run(b.repository.resumeUpload(state));
    await b.clock.run(upload.append(piecesOf(CONTENT.slice(upload.offset))));
    const { digest, size } = await b.clock.run(upload.finish());
    assert.deepEqual({ digest, size }, { digest: LAYER.digest, size: LAYER.size });
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
    assert.equal(registry.bodies.reduce((sum, bytes) => sum + bytes, 0), CONTENT.length);
  }
});

test("push() continues from a state: skipping, or opening the content at the offset", async () => {
  const opened: number[] = [];
  const openAt = (offset: number) => {
    opened.push(offset);
    return piecesOf(CONTENT.slice(offset));
  };
  const ways = {
    bytes: { content: CONTENT },
    stream: { content: piecesOf(CONTENT) },
    function: { content: () => piecesOf(CONTENT) },
    "at the offset": { content: () => assert.fail("nobody reads from the start"), openAt },
  };
  for (const [name, { content, ...more }] of Object.entries(ways)) {
    const { state, registry } = await stateAfter(3);
    const b = bench(registry.script);
    await b.clock.run(b.repository.push(LAYER, content, { upload: { state, ...more } }));
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT, name);
    const sent = registry.bodies.reduce((sum, bytes) => sum + bytes, 0);
    assert.equal(sent, CONTENT.length, name);
  }
  assert.deepEqual(opened, [1_500_000]);
});

test("what arrived after the state was written is hashed and not sent again", async () => {
  const { state, registry } = await stateAfter(2);
  const session = registry.sessions.get("s1");
  assert.ok(session !== undefined);
  // The process ended in the middle of a chunk.
  session.content = CONTENT.slice(0, 1_300_000);
  session.turn++;
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT), { upload: { state } }));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
  assert.deepEqual(registry.log.slice(-3), ["GET", "PATCH 1300000-2499999", "PUT"]);
});

test("a registry that loses a part of what it had gets the content anew", async () => {
  const registry = uploadRegistry({
    before({ method, count, session }) {
      if (method !== "PATCH" || count !== 2 || session === undefined) return undefined;
      session.content = session.content.slice(0, 500_000);
      return errorResponse(503, "UNAVAILABLE");
    },
  });
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT), CHUNKED));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
  assert.equal(registry.log.filter((line) => line === "POST").length, 2);
});

test("an upload whose requests are answered with 200 has been taken", async () => {
  for (const upload of [undefined, CHUNKED.upload, { chunkBytes: Infinity }]) {
    const registry = uploadRegistry({
      after: ({ method }, response) =>
        method === "PATCH" || method === "PUT"
          ? new Response(null, { status: 200, headers: response.headers })
          : response,
    });
    const b = bench(registry.script);
    await b.clock.run(b.repository.push(LAYER, piecesOf(CONTENT), { upload }));
    assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
    assert.equal(registry.bodies.reduce((sum, bytes) => sum + bytes, 0), CONTENT.length, "once");
  }
});

test("a state that the registry has forgotten starts push() over, and is an error elsewhere", async () => {
  const { state, registry } = await stateAfter(2);
  registry.sessions.clear();
  const b = bench(registry.script);
  const error = await failure(b.clock.run(b.repository.resumeUpload(state)));
  assert.ok(error instanceof UploadError);
  assert.match(error.message, /does not have the upload any more; start a new one/);
  await b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT), { upload: { state } }));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("a registry that has less than the state says is not believed to have the rest", async () => {
  const { state, registry } = await stateAfter(3);
  const session = registry.sessions.get("s1");
  assert.ok(session !== undefined);
  session.content = CONTENT.slice(0, 600_000);
  const b = bench(registry.script);
  await b.clock.run(b.repository.push(LAYER, () => piecesOf(CONTENT), { upload: { state } }));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
});

test("onState is told of each chunk and waited for, and keeps the upload after a failure", async () => {
  const states: UploadState[] = [];
  let isWriting = false;
  const registry = uploadRegistry({
    before({ method, count }) {
      assert.equal(isWriting, false, "the state is written before the next chunk");
      return method === "PATCH" && count === 3 ? errorResponse(403, "DENIED") : undefined;
    },
  });
  const b = bench(registry.script);
  const onState = async (state: UploadState) => {
    isWriting = true;
    await Promise.resolve();
    states.push(state);
    isWriting = false;
  };
  const upload = { chunkBytes: 1_000_000, onState };
  const error = await failure(b.clock.run(b.repository.push(LAYER, CONTENT, { upload })));
  assert.ok(error instanceof RegistryError);
  assert.deepEqual(states.map(({ offset }) => offset), [0, 1_000_000, 2_000_000]);
  assert.equal(registry.sessions.size, 1);
  const [, , state] = states;
  assert.ok(state !== undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(state)), state, "a state is plain JSON");
  assert.equal(state.digest, LAYER.digest);
  await b.clock.run(b.repository.push(LAYER, CONTENT, { upload: { state } }));
  assert.deepEqual(registry.stored.get(LAYER.digest), CONTENT);
  assert.deepEqual(registry.log.slice(-3), ["GET", "PATCH 2000000-2499999", "PUT"]);
});

test("content that differs from what was sent before is refused by its digest", async () => {
  const { state, registry } = await stateAfter(3);
  const other = noise(2_500_000, 7);
  const b = bench(registry.script);
  const target = descriptorOf(other, OCI_LAYER);
  const error = await failure(
    b.clock.run(b.repository.push(target, () => piecesOf(other), { upload: { state } })),
  );
  assert.ok(error instanceof DigestMismatchError);
  assert.equal(registry.stored.size, 0);
});

test("states that are none, or of something else, are refused before anything is sent", async () => {
  const { state, registry } = await stateAfter(2);
  const b = bench(registry.script);
  const count = registry.log.length;
  const bad: unknown[] = [
    null,
    [],
    {},
    { ...state, version: 2 },
    { ...state, offset: -1 },
    { ...state, offset: 1 },
    { ...state, hash: "" },
    { ...state, hash: "AAAA" },
    { ...state, location: "nowhere" },
    { ...state, location: 1 },
    { ...state, registry: "other.example" },
    { ...state, repository: "acme/other" },
    { ...state, maxChunkBytes: 0 },
    { ...state, ignoresRange: 1 },
  ];
  for (const value of bad) {
    const error = await failure(b.repository.resumeUpload(value as UploadState));
    assert.ok(error instanceof TypeError, JSON.stringify(value));
  }
  for (
    const location of ["http://10.0.0.9/u", "ftp://registry.example/u", "https://u:p@x.example/u"]
  ) {
    const error = await failure(b.repository.resumeUpload({ ...state, location }));
    assert.ok(error instanceof RegistryError, location);
  }
  const digest = `sha256:${"0".repeat(64)}`;
  const upload = { state: { ...state, digest } };
  assert.ok(await failure(b.repository.push(LAYER, CONTENT, { upload })) instanceof TypeError);
  assert.equal(registry.log.length, count);
});

test("credentials do not go where a state leads away from the registry", async () => {
  const { state } = await stateAfter(1);
  const seen: (string | null)[] = [];
  const b = bench((request) => {
    seen.push(request.headers.get("authorization"));
    return errorResponse(404, "BLOB_UPLOAD_UNKNOWN");
  }, { credentials: () => Promise.resolve({ kind: "basic", username: "u", password: "p" }) });
  const location = "https://elsewhere.example/u";
  await failure(b.clock.run(b.repository.resumeUpload({ ...state, location })));
  assert.deepEqual(seen, [null]);
});

test("lading's own registry is pushed to at 20 cuts, and has each byte once", async () => {
  let seed = 20;
  for (let round = 0; round < 20; round++) {
    seed = seed * 48_271 % 0x7fffffff;
    const at = seed % CONTENT.length;
    const memory = memoryRegistry();
    let received = 0;
    let budget = at;
    /** Breaks the connection behind a number of bytes: what came before has arrived. */
    const transport = async (request: Request): Promise<Response> => {
      if (request.method !== "PATCH") return await memory.transport(request);
      const body = new Uint8Array(await request.arrayBuffer());
      const kept = body.subarray(0, budget);
      budget -= kept.byteLength;
      received += kept.byteLength;
      const headers = new Headers(request.headers);
      const isCut = kept.byteLength < body.byteLength;
      if (isCut) headers.delete("content-range");
      headers.delete("content-length");
      const init = { method: "PATCH", headers, body: kept };
      const response = await memory.transport(new Request(request.url, init));
      if (isCut) throw new TypeError("connection reset");
      return response;
    };
    const states: string[] = [];
    const upload = {
      chunkBytes: 300_000,
      onState: (state: UploadState) => void states.push(JSON.stringify(state)),
    };
    const first = new Registry("registry.test", { transport, retry: { retries: 0, baseMs: 0 } });
    await failure(
      first.repository("acme/app").push(LAYER, piecesOf(CONTENT), {
        upload: {
          ...upload,
          onState(state) {
            upload.onState(state);
            // The process ends with its connection.
            if (budget === 0) throw new Error("killed");
          },
        },
      }),
    );
    budget = Infinity;
    const second = new Registry("registry.test", { transport }).repository("acme/app");
    const state = JSON.parse(states.at(-1) ?? "");
    await second.push(LAYER, () => piecesOf(CONTENT), { upload: { ...upload, state } });
    assert.equal(received, CONTENT.length, `cut at ${at}`);
    assert.deepEqual(await readAllBytes(await second.fetch(LAYER)), CONTENT);
  }
});
