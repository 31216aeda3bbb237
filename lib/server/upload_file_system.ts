import type { Bytes } from "../model/bytes.ts";

/** A file that an upload is written to. */
export interface UploadFileWriter {
  /** Appends all of the bytes. */
  write(chunk: Bytes): Promise<void>;
  /** Frees the file. */
  close(): Promise<void>;
}

/** A file that an upload is read back from. */
export interface UploadFileReader {
  /** The length in bytes. */
  readonly size: number;
  /** Reads up to `length` bytes from `position` on. */
  read(position: number, length: number): Promise<Bytes>;
  /** Frees the file. */
  close(): Promise<void>;
}

/** The part of a `FileSystem` that uploads need; every `FileSystem` of lading has it. */
export interface UploadFileSystem {
  /** Creates a directory and what is missing above it. */
  makeDirectory(path: string, options: { readonly recursive: boolean }): Promise<void>;
  /** Creates a file; an existing name is refused. */
  create(path: string, options: { readonly mode: number }): Promise<UploadFileWriter>;
  /** Opens a regular file. */
  open(path: string, options: { readonly followLinks: boolean }): Promise<UploadFileReader>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** Lists a directory. */
  readDirectory(path: string): Promise<readonly { readonly name: string }[]>;
  /** Tells when a name was last changed; `undefined` when it is not there. */
  stat(
    path: string,
    options: { readonly followLinks: boolean },
  ): Promise<{ readonly mtimeMs: number } | undefined>;
}
