import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { readTar, type TarEntry, writeTar } from "../../lib/tar/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { encode } from "./blocks.ts";

function archive(): AsyncGenerator<TarEntry> {
  return readTar(writeTar([
    { path: "a", body: encode("0123456789") },
    { path: "empty" },
    { path: "b", body: encode("x".repeat(2000)) },
  ]));
}

async function first(): Promise<{ entries: AsyncGenerator<TarEntry>; entry: TarEntry }> {
  const entries = archive();
  const { value } = await entries.next();
  if (value === undefined) throw new Error("there is no entry");
  return { entries, entry: value as TarEntry };
}

test("lend() gives the content once, in pieces, and waits for who takes them", async () => {
  const told: string[] = [];
  for await (const entry of archive()) {
    let text = "";
    await entry.lend(async (piece) => {
      await Promise.resolve();
      text += new TextDecoder().decode(piece);
    });
    told.push(text);
    await entry.lend(() => assert.fail("it has been read"));
  }
  assert.deepEqual(told, ["0123456789", "", "x".repeat(2000)]);
});

test("lend() rejects with the error of who takes, and the archive can be read on", async () => {
  const { entries, entry } = await first();
  const boom = new Error("boom");
  await assert.rejects(
    () =>
      entry.lend(() => {
        throw boom;
      }),
    (error) => error === boom,
  );
  assert.equal(((await entries.next()).value as TarEntry).path, "empty");
});

test("a body is read by one reader at a time, and before the next entry", async () => {
  const { entries, entry } = await first();
  let release = () => {};
  let lending: Promise<void> | undefined;
  await new Promise<void>((taken) => {
    lending = entry.lend(() => {
      taken();
      return new Promise<void>((resolve) => release = resolve);
    });
  });
  await assert.rejects(() => entry.bytes(), TypeError);
  await assert.rejects(() => entry.lend(() => {}), TypeError);
  release();
  await lending;
  await entries.next();
  await assert.rejects(() => entry.bytes(), TypeError);
  await assert.rejects(() => entry.lend(() => {}), TypeError);
  await assert.rejects(() => entry.body.getReader().read(), TypeError);
});

/** The entries of an archive that comes in many pieces, so that reading a body takes a while. */
async function slowly(): Promise<{ entries: AsyncGenerator<TarEntry>; entry: TarEntry }> {
  const whole = await readAll(
    writeTar([{ path: "a", body: new Uint8Array(50_000).fill(1) }, { path: "b" }]),
    { maxBytes: 100_000 },
  );
  const pieces = function* (): Generator<Bytes> {
    for (let at = 0; at < whole.length; at += 1000) yield whole.slice(at, at + 1000);
  };
  const entries = readTar(streamFrom(pieces()));
  const { value } = await entries.next();
  return { entries, entry: value as TarEntry };
}

test("the stream of a body refuses to share it with a reader that is at work", async () => {
  const ways: ((entry: TarEntry) => Promise<number>)[] = [
    async (entry) => (await entry.bytes()).length,
    async (entry) => {
      let count = 0;
      await entry.lend(({ length }) => {
        count += length;
      });
      return count;
    },
  ];
  for (const read of ways) {
    const { entries, entry } = await slowly();
    const reading = read(entry);
    await assert.rejects(readAll(entry.body, { maxBytes: 50_000 }), TypeError);
    assert.equal(await reading, 50_000);
    assert.equal(((await entries.next()).value as TarEntry).path, "b");
  }
});

test("a body that is being read when the next entry is asked for takes nothing of it", async () => {
  const ways: ((entry: TarEntry) => Promise<unknown>)[] = [
    (entry) => entry.bytes(),
    (entry) => entry.text(),
    (entry) => entry.lend(() => {}),
    (entry) => readAll(entry.body, { maxBytes: 50_000 }),
  ];
  for (const read of ways) {
    const { entries, entry } = await slowly();
    const reading = assert.rejects(read(entry), TypeError, String(read));
    assert.equal(((await entries.next()).value as TarEntry).path, "b", String(read));
    await reading;
    assert.equal((await entries.next()).done, true, String(read));
  }
});

test("bytes() after a part of the body was read gives what is left", async () => {
  const bytes = new Uint8Array(
    await new Response(writeTar([
      { path: "a", body: encode("0123456789".repeat(100)) },
    ])).arrayBuffer(),
  );
  const pieces = [bytes.slice(0, 512 + 10), bytes.slice(512 + 10)];
  for await (const entry of readTar(streamFrom(pieces))) {
    const reader = entry.body.getReader();
    assert.equal((await reader.read()).value?.length, 10);
    reader.releaseLock();
    assert.equal((await entry.bytes()).length, 990);
    assert.equal((await entry.bytes()).length, 0);
  }
});

test("bytes() refuses a file above the limit before it is read", async () => {
  for await (const entry of archive()) {
    if (entry.path !== "b") continue;
    await assert.rejects(() => entry.bytes(1999), { code: "LIMIT_EXCEEDED" });
    assert.equal((await entry.bytes(2000)).length, 2000);
  }
});

test("an entry can be copied with its body, which is made when it is asked for", async () => {
  const whole = new Uint8Array(
    await new Response(writeTar([
      { path: "a", body: encode("content") },
    ])).arrayBuffer(),
  );
  for await (const entry of readTar(streamOf(whole))) {
    const copy = { ...entry, path: "b" };
    assert.equal(await new Response(copy.body).text(), "content");
    assert.equal(entry.body, copy.body);
  }
});

test("lend() tells of the holes of sparse files, in their turn, to who asks", async () => {
  const tar = new Uint8Array(await corpusBytes("go-archive-tar/sparse-formats.tar"));
  const plain: Bytes[] = [];
  for await (const entry of readTar(streamOf(tar))) plain.push(await entry.bytes());
  let holes = 0;
  let number = 0;
  for await (const entry of readTar(streamOf(tar))) {
    const content = new Uint8Array(entry.size);
    let at = 0;
    await entry.lend((piece) => {
      content.set(piece, at);
      at += piece.length;
    }, async (bytes) => {
      await Promise.resolve();
      assert.ok(bytes > 0);
      at += bytes;
      holes += bytes;
    });
    assert.equal(at, entry.size);
    assert.deepEqual(content, plain[number++]);
    await entry.lend(() => assert.fail("it has been read"), () => {});
  }
  assert.ok(holes > 0);
});

test("lend() counts holes that are skipped, and gives the error of who skips", async () => {
  const tar = new Uint8Array(await corpusBytes("go-archive-tar/sparse-formats.tar"));
  const boom = new Error("boom");
  const reading = async (maxHoleBytes: number, skip: () => void) => {
    for await (const entry of readTar(streamOf(tar), { maxHoleBytes })) {
      await entry.lend(() => {}, skip);
    }
  };
  await assert.rejects(reading(0, () => assert.fail("it is beyond the limit")), {
    code: "LIMIT_EXCEEDED",
  });
  const failing = reading(1 << 20, () => {
    throw boom;
  });
  assert.equal(await failing.catch((error: unknown) => error), boom);
});
