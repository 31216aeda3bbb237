import type { Bytes } from "../model/bytes.ts";

/** Bytes that can be read at any position: an open file, a dropped `Blob`, an array. */
export interface RandomAccess {
  /** The length in bytes. */
  readonly size: number;
  /**
   * Reads up to `length` bytes from `position` on; fewer only at the end. The bytes belong to the
   * caller.
   */
  read(position: number, length: number): Promise<Bytes>;
  /** Frees what is held; once closed, closing again does nothing. */
  close(): Promise<void>;
}
