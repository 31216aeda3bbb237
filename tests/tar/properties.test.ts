// Properties that hold for any entries and any way an archive is cut; seeds are fixed.
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { readAll, streamFrom } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { encodeHex } from "../../lib/model/mod.ts";
import { readTar, type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

const MAX = { maxBytes: 1 << 26 };
const SETTINGS = { numRuns: 1000, seed: 20_261_121 };

const bytesOf = (view: Uint8Array): Bytes => new Uint8Array(view);

/** Names as bytes, also such as are no UTF-8; no NUL, and no slash at an end. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).map((text) =>
    new TextEncoder().encode(text)
  ),
  fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 120 }),
  fc.integer({ min: 1, max: 4096 }).map((length) =>
    Uint8Array.from({ length }, (_, at) => at % 90 === 89 ? 0x2f : 0x61 + at % 26)
  ),
).map(bytesOf).filter((bytes) => !bytes.includes(0) && bytes.at(-1) !== 0x2f);

const nanoseconds = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 31 }).map((seconds) => BigInt(seconds) * 1_000_000_000n),
  fc.bigInt({ min: -(2n ** 40n) * 1_000_000_000n, max: 2n ** 40n * 1_000_000_000n }),
);

const number = fc.oneof(fc.nat(5000), fc.nat(), fc.maxSafeNat());

const xattrs = fc.array(
  fc.tuple(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((key) =>
      !/[=\0]/.test(key)
    ),
    fc.uint8Array({ maxLength: 40 }).map(bytesOf),
  ),
  { maxLength: 3 },
).map((list) => new Map(list));

const meta = {
  mode: fc.nat(0o7777),
  uid: number,
  gid: number,
  userName: fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0")),
  groupName: fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  mtimeNs: nanoseconds,
  xattrs,
};

/** An entry; what it is made of, so that it can be compared. */
const entry: fc.Arbitrary<TarInput> = fc.oneof(
  fc.record({ ...meta, name, body: fc.uint8Array({ maxLength: 1600 }).map(bytesOf) })
    .map(({ name, ...rest }) => ({ ...rest, path: "", pathBytes: name, type: "file" as const })),
  fc.record({ ...meta, name, type: fc.constantFrom("directory", "fifo") })
    .map(({ name, type, ...rest }) => ({ ...rest, type, path: "", pathBytes: name })),
  fc.record({ ...meta, name, link: name, type: fc.constantFrom("symlink", "hardlink") })
    .map(({ name, link, ...rest }) => ({
      ...rest,
      path: "",
      pathBytes: name,
      linkPathBytes: link,
    })),
  fc.record({
    ...meta,
    name,
    type: fc.constantFrom("character-device", "block-device"),
    deviceMajor: fc.nat(0o7777777),
    deviceMinor: fc.nat(0o7777777),
  }).map(({ name, ...rest }) => ({ ...rest, path: "", pathBytes: name })),
);

/** What an entry has to be when it was written and read. */
function expected(input: TarInput): unknown {
  const { pathBytes = new Uint8Array(), type, body } = input;
  const name = type === "directory" ? Uint8Array.of(...pathBytes, 0x2f) : pathBytes;
  return {
    ...{ type, mode: input.mode, uid: input.uid, gid: input.gid, mtimeNs: input.mtimeNs },
    ...{ userName: input.userName, groupName: input.groupName },
    path: encodeHex(name),
    link: input.linkPathBytes && encodeHex(input.linkPathBytes),
    device: [input.deviceMajor ?? 0, input.deviceMinor ?? 0],
    xattrs: sorted(input.xattrs ?? new Map()),
    content: body instanceof Uint8Array ? encodeHex(body) : "",
  };
}

function sorted(map: ReadonlyMap<string, Bytes>): unknown {
  return [...map].map(([key, value]) => [key, encodeHex(value)])
    .sort(([a = ""], [b = ""]) => a < b ? -1 : 1);
}

async function readBack(archive: ByteStream): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const entry of readTar(archive)) {
    const { type, mode, uid, gid, mtimeNs, userName, groupName, linkPathBytes } = entry;
    found.push({
      ...{ type, mode, uid, gid, mtimeNs, userName, groupName },
      path: encodeHex(entry.pathBytes),
      link: linkPathBytes && encodeHex(linkPathBytes),
      device: [entry.deviceMajor, entry.deviceMinor],
      xattrs: sorted(entry.xattrs),
      content: encodeHex(await entry.bytes()),
    });
  }
  return found;
}

/** Cuts bytes into pieces of the given lengths, taken in turn; empty ones stay. */
function cut(bytes: Bytes, lengths: readonly number[]): Bytes[] {
  const pieces: Bytes[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return pieces;
}

function stream(pieces: readonly Bytes[]): ByteStream {
  return new ReadableStream<Bytes>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

const lengths = fc.array(fc.oneof(fc.nat(3), fc.integer({ min: 510, max: 514 }), fc.nat(3000)), {
  minLength: 1,
  maxLength: 8,
}).filter((list) => list.some((length) => length > 0));

test("readTar() gives back any entries that writeTar() wrote", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (inputs) => {
      assert.deepEqual(await readBack(writeTar(inputs)), inputs.map(expected));
    }),
    SETTINGS,
  );
});

test("writeTar() gives the same bytes however contents are cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), lengths, async (inputs, lengths) => {
      const streamed = inputs.map((input) => {
        const { body } = input;
        if (!(body instanceof Uint8Array) || body.length === 0) return input;
        return { ...input, size: body.length, body: streamFrom(cut(bytesOf(body), lengths)) };
      });
      assert.deepEqual(
        await readAll(writeTar(streamed), MAX),
        await readAll(writeTar(inputs), MAX),
      );
    }),
    SETTINGS,
  );
});

test("readTar() gives the same entries however an archive is cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), lengths, async (inputs, lengths) => {
      const archive = await readAll(writeTar(inputs), MAX);
      assert.deepEqual(await readBack(stream(cut(archive, lengths))), inputs.map(expected));
    }),
    { ...SETTINGS, numRuns: 300 },
  );
});

test("readTar() gives the same entries of foreign archives however they are cut", async () => {
  const files = [
    "go-archive-tar/sparse-formats.tar",
    "go-archive-tar/gnu-multi-hdrs.tar",
    "go-archive-tar/pax-global-records.tar",
    "made-by-gnu-tar/incremental-gnu.tar",
    "made-by-gnu-tar/label-gnu.tar",
  ];
  for (const file of files) {
    const archive = await corpusBytes(file);
    const whole = await readBack(stream([archive]));
    assert.ok(whole.length > 0, file);
    await fc.assert(
      fc.asyncProperty(lengths, async (lengths) => {
        assert.deepEqual(await readBack(stream(cut(archive, lengths))), whole, file);
      }),
      { ...SETTINGS, numRuns: 20 },
    );
  }
});
