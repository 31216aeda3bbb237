import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import type { Checkpoints } from "../compress/checkpoint.ts";
import { decodeCheckpoints, encodeCheckpoints } from "../compress/checkpoints.ts";
import { gunzip } from "../compress/gunzip.ts";
import { gzip } from "../compress/gzip.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import { ArchiveError } from "../model/errors.ts";
import { FieldReader } from "./_field_reader.ts";
import { FieldWriter } from "./_field_writer.ts";
import { readTreeEntries, writeTreeEntry } from "./_tree_entries.ts";
import type { TreeEntry } from "./_layer_files.ts";

// An index is fields, as `FieldWriter` writes them:
//
//   "lading layer index 1" | digest of the layer | its size | its diffID, or an empty text
//   entries, gzip | checkpoints, or no bytes | the digest of all fields before

const FORMAT = "lading layer index 1";

/** What a table of contents may have, for the same reason: names and attributes are held in memory. */
const MAX_ENTRY_BYTES = 64 * 1024 * 1024;

/** What an index is of. */
export interface IndexedLayer {
  /** The digest of the layer as it is stored. */
  readonly digest: string;
  /** Its bytes as it is stored. */
  readonly size: number;
  /** What it was proved to have, when it was read for an image that has a config. */
  readonly diffID: string | undefined;
}

/** What was learned of a layer. */
export interface LayerIndex extends IndexedLayer {
  /** Gives the entries of the layer in their order, without contents. */
  entries(): Promise<Iterable<TreeEntry>>;
  /** Gives the places where it can be inflated from; none when it is no gzip. */
  checkpoints(): Checkpoints | undefined;
}

/** Writes an index while its layer is read. */
export class IndexRecorder {
  readonly #entries = new FieldWriter();
  #isTooLarge = false;

  /** Sees the next entry. */
  add(entry: TreeEntry): void {
    if (this.#isTooLarge) return;
    writeTreeEntry(this.#entries, entry);
    this.#isTooLarge = this.#entries.length > MAX_ENTRY_BYTES;
  }

  /** Gives the index of a layer that was read to its end and proved; none of one too large for it. */
  async finish(
    { digest, size, diffID = "" }: IndexedLayer,
    checkpoints: Checkpoints | undefined,
  ): Promise<Bytes | undefined> {
    if (this.#isTooLarge) return undefined;
    const entries = gzip(streamOf(this.#entries.written()), { level: 1 });
    const fields = new FieldWriter();
    fields.text(FORMAT);
    fields.text(digest);
    fields.number(size);
    fields.text(diffID);
    fields.bytes(await readAll(entries, { maxBytes: 2 * MAX_ENTRY_BYTES }));
    fields.bytes(checkpoints === undefined ? new Uint8Array() : encodeCheckpoints(checkpoints));
    fields.text(digestBytes("sha256", fields.written()));
    return fields.written().slice();
  }
}

/** Reads an index; nothing when it is damaged or of another version. */
export function decodeIndex(bytes: Bytes): LayerIndex | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof ArchiveError) return undefined;
    throw error;
  }
}

function decode(bytes: Bytes): LayerIndex | undefined {
  const fields = new FieldReader(bytes);
  if (fields.text() !== FORMAT) return undefined;
  const [digest, size, diffID] = [fields.text(), fields.number(), fields.text()];
  const [entries, checkpoints] = [fields.bytes(), fields.bytes()];
  const proved = bytes.subarray(0, fields.at);
  if (fields.text() !== digestBytes("sha256", proved) || !fields.isAtEnd) return undefined;
  return {
    digest,
    size,
    diffID: diffID === "" ? undefined : diffID,
    async entries() {
      const plain = gunzip(streamOf(entries), { maxOutputBytes: 2 * MAX_ENTRY_BYTES });
      return readTreeEntries(await readAll(plain, { maxBytes: 2 * MAX_ENTRY_BYTES }));
    },
    checkpoints: () => checkpoints.byteLength === 0 ? undefined : decodeCheckpoints(checkpoints),
  };
}
