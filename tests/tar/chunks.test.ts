// What the reader keeps of its input: the bytes that it needs, and no chunk. A sender that puts
// every byte into a chunk of its own would make it hold hundreds of bytes for each.
import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { encode, END, join, member, pax } from "./blocks.ts";

/** A stream that takes the memory of each chunk away when the next one is asked for. */
function withdrawn(bytes: Bytes, chunkBytes: number): ByteStream {
  let at = 0;
  let last: Bytes | undefined;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (last !== undefined) structuredClone(last, { transfer: [last.buffer] });
      if (at >= bytes.length) return controller.close();
      last = bytes.slice(at, at + chunkBytes);
      at += last.length;
      controller.enqueue(last);
    },
  }, { highWaterMark: 0 });
}

async function tell(archive: ByteStream): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of readTar(archive)) {
    const { path, linkPath, uid, mtimeNs } = entry;
    const records = [...entry.pax].map(([key, value]) => [key, [...value]]);
    entries.push({ path, linkPath, uid, mtimeNs, records, content: [...await entry.bytes()] });
  }
  return entries;
}

test("readTar() keeps no chunk of the metadata, the maps and the contents that it reads", async () => {
  const built = join(
    pax({ comment: "c".repeat(20_000), uid: "7" }),
    member({ name: "file" }, encode("content")),
    pax({ key: "v".repeat(3000) }, "g"),
    member({ type: "L" }, encode("n".repeat(9000))),
    member({ type: "K" }, encode("t".repeat(4097))),
    member({ type: "2" }),
    END,
  );
  const archives = [
    built,
    await corpusBytes("go-archive-tar/sparse-formats.tar"),
    await corpusBytes("go-archive-tar/gnu-multi-hdrs.tar"),
  ];
  for (const [index, archive] of archives.entries()) {
    const whole = await tell(streamOf(archive));
    assert.ok(whole.length > 0);
    for (const chunkBytes of [1, 7, 511, 512, 513, 4095, 4096, 4097, 70_000]) {
      const label = `archive ${index} in chunks of ${chunkBytes}`;
      assert.deepEqual(await tell(withdrawn(archive, chunkBytes)), whole, label);
    }
  }
});
