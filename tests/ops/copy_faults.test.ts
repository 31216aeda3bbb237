import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate, streamFrom, through } from "../../lib/bytes/mod.ts";
import type { ByteStream } from "../../lib/model/bytes.ts";
import {
  ContentError,
  type Descriptor,
  isLadingError,
  MEDIA_TYPE_OCI_MANIFEST,
  NotFoundError,
} from "../../lib/model/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { copy } from "../../lib/ops/mod.ts";
import { putImage, watched } from "./content.ts";

const LAYER_BYTES = 200_000;

async function sample(): Promise<MemoryStore> {
  const store = memoryStore();
  const layers = [3, 5].map((seed) =>
    Uint8Array.from({ length: LAYER_BYTES }, (_, i) => i * seed + (i >> 9) & 255)
  );
  await putImage(store, layers, { reference: "app" });
  return store;
}

/** Flips one bit of the content of one descriptor. */
function flip(stream: ByteStream, offset: number): ByteStream {
  let position = 0;
  return through(stream, {
    chunk(chunk) {
      const copy = chunk.slice();
      const at = offset - position;
      position += chunk.length;
      if (at >= 0 && at < copy.length) copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    },
  });
}

async function assertEmpty(store: MemoryStore, digest: string): Promise<void> {
  const roots: unknown[] = [];
  for await (const root of store.roots()) roots.push(root);
  assert.deepEqual(roots, []);
  await assert.rejects(store.resolve("app"), NotFoundError);
  await assert.rejects(store.resolve(digest), NotFoundError);
}

test("copy() refuses a flipped bit anywhere in manifest, config or layer, and names nothing", async () => {
  const store = await sample();
  const root = await store.resolve("app");
  const seen: Descriptor[] = [];
  await copy(
    watched(store, {
      fetch(stream, descriptor) {
        seen.push(descriptor);
        return stream;
      },
    }),
    "app",
    memoryStore(),
  );
  assert.equal(seen.length, 4);
  let refused = 0;
  for (const victim of seen) {
    for (let i = 0; i < 25; i++) {
      const offset = Math.floor((victim.size - 1) * i / 24);
      const from = watched(store, {
        fetch: (stream, { digest }) => digest === victim.digest ? flip(stream, offset) : stream,
      });
      const to = memoryStore();
      await assert.rejects(
        Promise.resolve(copy(from, "app", to)),
        (error: unknown) => error instanceof ContentError && error.code === "DIGEST_MISMATCH",
        `offset ${offset} of ${victim.mediaType}`,
      );
      assert.ok(!await to.exists(victim));
      await assertEmpty(to, root.digest);
      refused++;
    }
  }
  assert.equal(refused, 100);
});

test("copy() refuses content that is cut or goes on", async () => {
  const store = await sample();
  const root = await store.resolve("app");
  for (const extra of [-1, 1, 100_000]) {
    const from = watched(store, {
      fetch(stream, descriptor) {
        let left = descriptor.size + Math.min(extra, 0);
        return through(stream, {
          chunk(chunk) {
            const part = chunk.slice(0, left);
            left -= part.length;
            if (left > 0 || extra < 0) return part;
            const longer = new Uint8Array(part.length + extra);
            longer.set(part);
            return longer;
          },
        });
      },
    });
    const to = memoryStore();
    await assert.rejects(
      Promise.resolve(copy(from, "app", to)),
      (error: unknown) => isLadingError(error) && error.code === "SIZE_MISMATCH",
      `${extra} bytes`,
    );
    await assertEmpty(to, root.digest);
  }
});

test("copy() stops an endless manifest at its size", async () => {
  const store = await sample();
  const from = watched(store, {
    fetch: (_, { mediaType }) => {
      assert.equal(mediaType, MEDIA_TYPE_OCI_MANIFEST);
      return new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      }, { highWaterMark: 0 });
    },
  });
  await assert.rejects(
    Promise.resolve(copy(from, "app", memoryStore())),
    (error: unknown) => isLadingError(error) && error.code === "SIZE_MISMATCH",
  );
  assert.equal(from.open, 0);
});

test("copy() aborted at any point rejects with the reason and lets go of the source", async () => {
  const store = await sample();
  let aborted = 0;
  for (let point = 1; point <= 14; point++) {
    const reason = new Error(`at ${point}`);
    const controller = new AbortController();
    let count = 0;
    const strike = () => {
      if (++count === point) controller.abort(reason);
    };
    const from = watched(store, {
      fetch(stream) {
        strike();
        return through(stream, {
          chunk(chunk) {
            strike();
            return chunk;
          },
        });
      },
    });
    const to = memoryStore();
    const operation = copy(from, "app", to, { signal: controller.signal });
    await assert.rejects(
      Promise.resolve(operation),
      (error: unknown) => error === reason,
      `point ${point}`,
    );
    aborted++;
    assert.equal(from.open, 0, `point ${point}: a stream of the source is still open`);
    await assert.rejects(to.resolve("app"), NotFoundError);
  }
  assert.equal(aborted, 14);
});

test("copy() aborted while the source stalls rejects at once", async () => {
  const store = await sample();
  const from = watched(store, {
    fetch: (stream, { size }) =>
      size === LAYER_BYTES ? new ReadableStream({ pull: () => new Promise(() => {}) }) : stream,
  });
  const to = memoryStore();
  const operation = copy(from, "app", to);
  await new Promise((resolve) => setTimeout(resolve, 10));
  operation.abort(new Error("enough"));
  await assert.rejects(Promise.resolve(operation), /enough/);
  assert.equal(from.open, 0);
});

test("copy() aborted while the name is given rejects, whatever the target says", async () => {
  const store = await sample();
  const controller = new AbortController();
  const to = watched(memoryStore(), {
    tag() {
      controller.abort("late");
      return Promise.reject(new Error("socket closed"));
    },
  });
  await assert.rejects(
    Promise.resolve(copy(store, "app", to, { signal: controller.signal })),
    (error: unknown) => error === "late",
  );
});

test("copy() stops the other blobs when one fails", async () => {
  const store = await sample();
  const from = watched(store, {
    fetch(stream, { size }) {
      if (size !== LAYER_BYTES) return stream;
      return from.fetched.length === 2
        ? new ReadableStream({ pull: () => new Promise(() => {}) })
        : flip(stream, 7);
    },
  });
  await assert.rejects(
    Promise.resolve(copy(from, "app", memoryStore())),
    (error: unknown) => isLadingError(error) && error.code === "DIGEST_MISMATCH",
  );
  assert.equal(from.open, 0);
  assert.equal(from.cancels.length, 2);
});

test("copy() takes up where it failed: what was proved is not fetched again", async () => {
  const store = await sample();
  const to = memoryStore();
  const broken = watched(store, {
    fetch: (stream, { size }) => size === LAYER_BYTES && ++layers === 2 ? flip(stream, 9) : stream,
  });
  let layers = 0;
  await assert.rejects(Promise.resolve(copy(broken, "app", to, { jobs: 1 })), ContentError);
  const result = await copy(store, "app", to);
  assert.ok(result.bytesSkipped >= LAYER_BYTES);
  assert.ok(result.bytesFetched < 2 * LAYER_BYTES);
});

test("copy() goes on by itself when the copy that moved a shared blob fails", async () => {
  const store = await sample();
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  const broken = watched(store, {
    fetch: (stream, { size }) =>
      size !== LAYER_BYTES ? stream : streamFrom((async function* () {
        await held;
        yield* iterate(flip(stream, LAYER_BYTES - 1));
      })()),
  });
  const to = memoryStore();
  const failing = copy(broken, "app", to, { targetReference: "broken" });
  await new Promise((resolve) => setTimeout(resolve, 10));
  const sharing = copy(store, "app", to);
  await new Promise((resolve) => setTimeout(resolve, 10));
  release();
  await assert.rejects(Promise.resolve(failing), ContentError);
  await sharing;
  assert.equal((await to.resolve("app")).digest, (await store.resolve("app")).digest);
  await assert.rejects(to.resolve("broken"), NotFoundError);
});

test("copy() aborted lets go of the source, also when the target does not listen", async () => {
  const store = await sample();
  const from = watched(store, {
    fetch: (stream, { size }) =>
      size === LAYER_BYTES ? new ReadableStream({ pull: () => new Promise(() => {}) }) : stream,
  });
  const deaf = memoryStore();
  const to = watched(deaf);
  to.push = async (expected, content) => await deaf.push(expected, content);
  const operation = copy(from, "app", to);
  await new Promise((resolve) => setTimeout(resolve, 10));
  operation.abort(new Error("enough"));
  await assert.rejects(Promise.resolve(operation), /enough/);
  assert.equal(from.open, 0);
});

test("copy() reads no further than a slow target writes", async () => {
  const store = await sample();
  let ahead = 0;
  let written = 0;
  const from = watched(store);
  const slow = watched(memoryStore());
  const push = slow.push.bind(slow);
  slow.push = async (expected, content, options) => {
    if (expected.size !== LAYER_BYTES || typeof content !== "function") {
      return await push(expected, content, options);
    }
    return await push(expected, async () =>
      through(await content(), {
        chunk(chunk) {
          written += chunk.length;
          ahead = Math.max(ahead, from.bytesRead - written);
          return chunk;
        },
      }), options);
  };
  await copy(from, "app", slow, { jobs: 1 });
  assert.ok(ahead <= 128 * 1024, `${ahead} bytes were read ahead`);
});
