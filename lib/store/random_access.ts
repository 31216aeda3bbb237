import type { Bytes, ByteStream } from "../model/bytes.ts";

/** Bytes that can be read at any position: an open file, a dropped `Blob`, an array. */
export interface RandomAccess {
  /** The length in bytes. */
  readonly size: number;
  /**
   * Reads up to `length` bytes from `position` on; fewer only at the end. The bytes belong to the
   * caller.
   */
  read(position: number, length: number): Promise<Bytes>;
  /**
   * Whether nothing keeps what `read()` gives, nor gives the same memory twice: then it is freed as
   * soon as it was used. Collectors let it pile up.
   */
  readonly isGivenAway?: boolean | undefined;
  /** Frees what is held; once closed, closing again does nothing. */
  close(): Promise<void>;
}

/** What can be opened for reading at any position. */
export type RandomInput = Blob | Uint8Array | (() => Promise<RandomAccess>);

/**
 * An archive that is not a file on a {@linkcode FileSystem}: a `Blob` such as a dropped file, bytes
 * in memory, a function that opens anything else that can be read at any position (it is called for
 * each piece of content that is read), or a stream, which is read once, forward.
 */
export type ArchiveInput = RandomInput | ByteStream;

/** Opens an archive for reading at any position. */
export async function openInput(input: RandomInput): Promise<RandomAccess> {
  if (typeof input === "function") return await input();
  return input instanceof Uint8Array ? bytesAccess(input) : blobAccess(input);
}

function bytesAccess(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.byteLength,
    isGivenAway: true,
    read: (position, length) => {
      return Promise.resolve(new Uint8Array(bytes.subarray(position, position + length)));
    },
    close: () => Promise.resolve(),
  };
}

function blobAccess(blob: Blob): RandomAccess {
  return {
    size: blob.size,
    isGivenAway: true,
    read: async (position, length) => {
      return new Uint8Array(await blob.slice(position, position + length).arrayBuffer());
    },
    close: () => Promise.resolve(),
  };
}

/** A part of something that is open; closing it closes the whole. */
export function partOf(whole: RandomAccess, offset: number, size: number): RandomAccess {
  return {
    size,
    isGivenAway: whole.isGivenAway,
    read: (position, length) => {
      const start = Math.min(position, size);
      return whole.read(offset + start, Math.min(length, size - start));
    },
    close: () => whole.close(),
  };
}
