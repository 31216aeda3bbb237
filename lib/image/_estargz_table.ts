import { readAll } from "../bytes/read_all.ts";
import { verifyBytes } from "../bytes/verify.ts";
import type { FetchRange } from "../compress/checkpoints.ts";
import { gunzip } from "../compress/gunzip.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { readTar } from "../tar/reader.ts";
import type { LayerTable, TableEntry } from "./layer_table.ts";
import { estargzDigest } from "./_toc_annotations.ts";
import { tableEntries } from "./_toc_entries.ts";
import { checkTableSize, damagedTable, MAX_TABLE_BYTES } from "./_toc_error.ts";

// The end of the layer is an empty gzip member whose extra field tells where the table is
// (stargz-snapshotter, docs/estargz.md §footer):
//
//   1f 8b 08 04 | mtime 4 | xfl, os | 26, 0 | "SG" 22, 0 | 16 hex digits "STARGZ" | 01 00 00 ff ff | 0 × 8
//
// and in the older form of CRFS without the four bytes of the subfield header.
const FOOTER_BYTES = 51;
const LEGACY_FOOTER_BYTES = 47;
const MAGIC_BYTES = 22;
const SUBFIELD = [0x53, 0x47, MAGIC_BYTES, 0] as const;

/** The name that the table has in the archive. */
const TABLE_NAME = "stargz.index.json";

/** Where a table is, and how long the footer behind it is. */
interface Footer {
  readonly offset: number;
  readonly bytes: number;
}

/** Reads the table of an eStargz layer; nothing when the layer has no footer. */
export async function readEstargzTable(
  descriptor: Descriptor,
  fetchRange: FetchRange,
  signal: AbortSignal | undefined,
): Promise<LayerTable | undefined> {
  const { size } = descriptor;
  const expected = estargzDigest(descriptor);
  const footer = size < FOOTER_BYTES ? undefined : parseFooter(
    await readAll(await fetchRange(size - FOOTER_BYTES, size, { signal }), {
      maxBytes: FOOTER_BYTES,
      signal,
    }),
  );
  if (footer === undefined) {
    if (expected === undefined) return undefined;
    throw damagedTable(descriptor, "there is no eStargz footer at its end");
  }
  const end = size - footer.bytes;
  if (footer.offset >= end) throw damagedTable(descriptor, "the footer points behind it");
  checkTableSize(descriptor, end - footer.offset);
  const { json, entry } = await readJSON(descriptor, fetchRange, footer.offset, end, signal);
  if (expected !== undefined) {
    const what = `the table of contents of the layer ${descriptor.digest}`;
    const proof = { mediaType: "application/json", digest: expected, size: json.byteLength };
    verifyBytes(json, proof, { what });
  }
  const layout = { encoding: "gzip", end: footer.offset } as const;
  return {
    format: "estargz",
    isProved: expected !== undefined,
    entries: [...tableEntries(json, descriptor, layout), entry],
  };
}

function parseFooter(tail: Bytes): Footer | undefined {
  return parseForm(tail, true) ??
    parseForm(tail.subarray(FOOTER_BYTES - LEGACY_FOOTER_BYTES), false);
}

function parseForm(footer: Bytes, hasSubfield: boolean): Footer | undefined {
  const subfield: readonly number[] = hasSubfield ? SUBFIELD : [];
  const isGzip = footer[0] === 0x1f && footer[1] === 0x8b && footer[2] === 8 && footer[3] === 4;
  const extra = [MAGIC_BYTES + subfield.length, 0, ...subfield];
  if (!isGzip || !extra.every((byte, index) => footer[10 + index] === byte)) return undefined;
  const at = 10 + extra.length;
  const text = String.fromCharCode(...footer.subarray(at, at + MAGIC_BYTES));
  const [, hex] = /^([0-9a-f]{16})STARGZ$/.exec(text) ?? [];
  const offset = hex === undefined ? NaN : Number.parseInt(hex, 16);
  return Number.isSafeInteger(offset) ? { offset, bytes: footer.byteLength } : undefined;
}

/**
 * Takes the table out of the archive that the last members of the layer make. It is a file of the
 * layer itself, the only one that it does not list.
 */
async function readJSON(
  descriptor: Descriptor,
  fetchRange: FetchRange,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<{ json: Bytes; entry: TableEntry }> {
  // An archive has a header and at most 10 KiB of padding beside the table.
  const maxOutputBytes = MAX_TABLE_BYTES + 65_536;
  const archive = gunzip(await fetchRange(start, end, { signal }), { maxOutputBytes });
  for await (const entry of readTar(archive)) {
    const { path, type, size, mode, uid, gid, userName, groupName, mtimeNs } = entry;
    if (type !== "file" || path !== TABLE_NAME) break;
    checkTableSize(descriptor, size);
    const { deviceMajor, deviceMinor, xattrs, bodyOffset: skip } = entry;
    const json = await readAll(entry.body, { maxBytes: size, signal });
    const digest = digestBytes("sha256", json);
    const chunk = { start, end, encoding: "gzip", skip, size, digest } as const;
    const known = { path, type, size, mode, uid, gid, userName, groupName, mtimeNs };
    return { json, entry: { ...known, deviceMajor, deviceMinor, xattrs, chunks: [chunk] } };
  }
  throw damagedTable(descriptor, `${TABLE_NAME} is not where the footer says`);
}
