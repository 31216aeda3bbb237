import type { Bytes, ByteSource } from "../model/bytes.ts";

/**
 * Holds the bytes of one upload that is under way. The registry calls one method at a time.
 */
export interface UploadSpool {
  /** Appends bytes; they are not changed afterwards by anyone. */
  append(chunk: Bytes): Promise<void>;
  /** Gives everything that was appended, as a source that can be opened more than once. */
  source(): Promise<ByteSource>;
  /** Frees what is held. Called once, also after errors. */
  remove(): Promise<void>;
}

/** Where uploads wait until they are complete and proved. */
export interface UploadStore {
  /**
   * Makes room for an upload.
   *
   * @returns An empty spool.
   */
  create(): Promise<UploadSpool>;
}
