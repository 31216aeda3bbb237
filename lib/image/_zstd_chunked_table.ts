import { readAll } from "../bytes/read_all.ts";
import { verifyBytes } from "../bytes/verify.ts";
import { streamOf } from "../bytes/stream_from.ts";
import type { FetchRange } from "../compress/checkpoints.ts";
import { unzstd } from "../compress/unzstd.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { LayerTable } from "./layer_table.ts";
import { zstdChunkedAnnotations } from "./_toc_annotations.ts";
import { tableEntries } from "./_toc_entries.ts";
import { checkTableSize, damagedTable } from "./_toc_error.ts";

/** Where a table is: bytes from the start of the layer, its length as stored and decompressed. */
interface Position {
  readonly offset: number;
  readonly storedBytes: number;
  readonly bytes: number;
}

// containers/storage, pkg/chunked/internal: the type of a manifest, the only one there is.
const MANIFEST_TYPE = 1;

// The layer ends with a skippable frame of 64 bytes, or of 40 before tar-split data came in: numbers
// of 8 bytes, little endian, and a mark. The first four are where the table is.
const FOOTER_SIZES = [64, 40] as const;
const FOOTER_MAGIC = "GnUlInUx";

/** Reads the table of a zstd:chunked layer; nothing when neither the manifest nor a footer has it. */
export async function readZstdChunkedTable(
  descriptor: Descriptor,
  fetchRange: FetchRange,
  signal: AbortSignal | undefined,
): Promise<LayerTable | undefined> {
  const annotations = zstdChunkedAnnotations(descriptor);
  const position = annotations === undefined
    ? await readFooter(descriptor, fetchRange, signal)
    : parsePosition(annotations.position);
  if (position === undefined) {
    if (annotations === undefined) return undefined;
    throw damagedTable(descriptor, "the annotation does not say where it is");
  }
  const { offset, storedBytes, bytes } = position;
  const end = offset + storedBytes;
  if (storedBytes === 0 || end > descriptor.size) {
    throw damagedTable(descriptor, "it does not lie in the layer");
  }
  checkTableSize(descriptor, storedBytes);
  checkTableSize(descriptor, bytes);
  const what = `the table of contents of the layer ${descriptor.digest}`;
  const stored = await readAll(await fetchRange(offset, end, { signal }), {
    maxBytes: storedBytes,
    what,
    signal,
  });
  if (annotations !== undefined) {
    // The digest is of the compressed table, so nothing unproved is decompressed.
    const proof = {
      mediaType: "application/zstd",
      digest: annotations.checksum,
      size: storedBytes,
    };
    verifyBytes(stored, proof, { what });
  }
  const plain = unzstd(streamOf(stored), { maxOutputBytes: bytes });
  const json = await readAll(plain, { maxBytes: bytes, what, signal });
  return {
    format: "zstd-chunked",
    isProved: annotations !== undefined,
    entries: tableEntries(json, descriptor, { encoding: "zstd", end: offset }),
  };
}

function parsePosition(text: string): Position | undefined {
  const [, offset, storedBytes, bytes, type] = /^(\d{1,15}):(\d{1,15}):(\d{1,15}):(\d{1,15})$/
    .exec(text) ?? [];
  if (type === undefined || Number(type) !== MANIFEST_TYPE) return undefined;
  return { offset: Number(offset), storedBytes: Number(storedBytes), bytes: Number(bytes) };
}

async function readFooter(
  { size }: Descriptor,
  fetchRange: FetchRange,
  signal: AbortSignal | undefined,
): Promise<Position | undefined> {
  const [longest] = FOOTER_SIZES;
  if (size < longest) return undefined;
  const range = await fetchRange(size - longest, size, { signal });
  const tail = await readAll(range, { maxBytes: longest, signal });
  if (String.fromCharCode(...tail.subarray(-FOOTER_MAGIC.length)) !== FOOTER_MAGIC) {
    return undefined;
  }
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (const footerBytes of FOOTER_SIZES) {
    const [offset = NaN, storedBytes = NaN, bytes = NaN, type] = [0, 8, 16, 24].map((at) =>
      Number(view.getBigUint64(longest - footerBytes + at, true))
    );
    const isPlace = [offset, storedBytes, bytes].every(Number.isSafeInteger);
    if (isPlace && type === MANIFEST_TYPE && offset + storedBytes <= size) {
      return { offset, storedBytes, bytes };
    }
  }
  return undefined;
}
