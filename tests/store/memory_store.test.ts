import { test } from "node:test";
import assert from "node:assert/strict";
import { LimitExceededError, NotFoundError } from "../../lib/model/errors.ts";
import { streamOfChunks } from "../../lib/bytes/chunks.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { describe, fetched, noise, OCI_INDEX, pieces, utf8 } from "./content.ts";

/** Blobs of 100 bytes each. */
const [A, B, C, D] = [1, 2, 3, 4].map((seed) => noise(100, seed)) as [Bytes, Bytes, Bytes, Bytes];

async function push(store: MemoryStore, ...blobs: readonly Bytes[]): Promise<void> {
  for (const bytes of blobs) await store.push(describe(bytes), bytes);
}

/** Which of the blobs a store has. */
async function held(store: MemoryStore): Promise<string> {
  let names = "";
  for (const [name, bytes] of Object.entries({ A, B, C, D })) {
    if (await store.exists(describe(bytes))) names += name;
  }
  return names;
}

test("a memory store without a limit keeps what it gets", async () => {
  const store = memoryStore();
  await push(store, A, B, C, D);
  assert.equal(await held(store), "ABCD");
});

test("in a memory store with a limit, what was read longest ago makes room", async () => {
  const store = memoryStore({ maxBytes: 300 });
  await push(store, A, B, C);
  assert.equal(await held(store), "ABC");
  assert.deepEqual(await fetched(store, describe(A)), A);
  await push(store, D);
  assert.equal(await held(store), "ACD");
  const large = noise(101, 9);
  await store.push(describe(large), large);
  assert.equal(await held(store), "D");
  assert.equal(await store.exists(describe(large)), true);
});

test("looking for content of a memory store, or pushing it again, is not reading it", async () => {
  const store = memoryStore({ maxBytes: 300 });
  await push(store, A, B, C);
  assert.equal(await store.exists(describe(A)), true);
  await push(store, A);
  await push(store, D);
  assert.equal(await held(store), "BCD");
});

test("what makes room takes its names along", async () => {
  const store = memoryStore({ maxBytes: 1000 });
  const index = utf8(`{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[]}`);
  const descriptor = describe(index, OCI_INDEX);
  await store.push(descriptor, index);
  await store.tag(descriptor, "example.com/app:1");
  await store.tag(descriptor, descriptor.digest);
  await push(store, noise(1000, 7));
  for (const reference of ["example.com/app:1", descriptor.digest]) {
    await assert.rejects(store.resolve(reference), NotFoundError);
  }
  for await (const root of store.roots()) assert.fail(`${root.reference} is left`);
  // It comes back as anything else does.
  await store.push(descriptor, index);
  assert.equal((await store.resolve(descriptor.digest)).digest, descriptor.digest);
});

test("content that there can be no room for is refused, and nothing makes room for it", async () => {
  const store = memoryStore({ maxBytes: 300 });
  await push(store, A, B, C);
  const large = noise(301, 9);
  let cancels = 0;
  const source = streamOfChunks({
    next: () => Promise.resolve(large),
    cancel: () => Promise.resolve(void cancels++),
  });
  await assert.rejects(store.push(describe(large), source), (error) => {
    assert.ok(error instanceof LimitExceededError);
    assert.equal(error.limit, 300);
    assert.match(
      error.message,
      /Cannot keep sha256:\w+: the memory store holds at most 300 bytes$/,
    );
    return true;
  });
  assert.equal(cancels, 1);
  assert.equal(await held(store), "ABC");
});

test("content on its way into a memory store counts, and makes no room itself", async () => {
  const store = memoryStore({ maxBytes: 300 });
  await push(store, A, B);
  let finish: (chunk: Bytes | undefined) => void = () => {};
  const [first, last] = [noise(200, 5).slice(0, 150), noise(200, 5).slice(150)];
  const chunks: (Bytes | Promise<Bytes | undefined> | undefined)[] = [
    first,
    new Promise<Bytes | undefined>((resolve) => finish = resolve),
    undefined,
  ];
  const next = (): Promise<Bytes | undefined> => Promise.resolve(chunks.shift());
  const stream = streamOfChunks({ next, cancel: () => Promise.resolve() });
  const pushed = store.push(describe(noise(200, 5)), stream);
  await push(store, C);
  assert.equal(await held(store), "C");
  await assert.rejects(push(store, noise(101, 8)), {
    name: "LimitExceededError",
    message: /at most 300 bytes, 200 of which are on their way/,
  });
  assert.equal(await held(store), "C");
  finish(last);
  await pushed;
  assert.deepEqual(await fetched(store, describe(noise(200, 5))), noise(200, 5));
  assert.equal(await held(store), "C");
});

test("content that is not what it should be takes no room", async () => {
  const store = memoryStore({ maxBytes: 200 });
  await push(store, A);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(store.push(describe(B), C));
    await assert.rejects(store.push(describe(B), pieces(B.slice(1), 10).stream));
  }
  await push(store, D);
  assert.equal(await held(store), "AD");
});

test("content that is pushed several times at once is held once", async () => {
  const store = memoryStore({ maxBytes: 300 });
  await push(store, A);
  await Promise.all([push(store, B), push(store, B)]);
  await push(store, C);
  assert.equal(await held(store), "ABC");
});

test("an upload into a memory store with a limit makes room as it comes", async () => {
  const store = memoryStore({ maxBytes: 300 });
  await push(store, A, B, C);
  const upload = await store.startUpload();
  await upload.append(D.slice(0, 50));
  assert.equal(await held(store), "BC");
  await upload.append(D.slice(50));
  await upload.finish();
  assert.equal(await held(store), "BCD");

  const again = await store.startUpload();
  await again.append(D);
  assert.equal(await held(store), "CD");
  await again.finish();
  const given = await store.startUpload();
  await given.append(noise(100, 11));
  await given.cancel();
  const large = await store.startUpload();
  await large.append(noise(50, 12));
  await assert.rejects(large.append(noise(251, 12)), LimitExceededError);
  // None of these has left anything that takes room.
  await push(store, A, B, C);
  assert.equal(await held(store), "ABC");
});

test("what is read goes on when it makes room meanwhile", async () => {
  const store = memoryStore({ maxBytes: 200_000 });
  const large = noise(200_000, 3);
  await store.push(describe(large), large);
  const reader = (await store.fetch(describe(large))).getReader();
  const first = await reader.read();
  await push(store, A);
  assert.equal(await store.exists(describe(large)), false);
  let length = first.value?.byteLength ?? 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.byteLength;
  }
  assert.equal(length, large.byteLength);
});

test("a limit of a memory store is a number of bytes", () => {
  for (const maxBytes of [-1, Number.NaN]) {
    assert.throws(() => memoryStore({ maxBytes }), RangeError);
  }
});
