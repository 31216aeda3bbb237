import type { Bytes } from "./bytes.ts";

/** One layer of a Docker manifest, schema 1. */
export interface Schema1LayerRef {
  /** The digest of the compressed layer. */
  readonly blobSum: string;
}

/** The history of one layer of a Docker manifest, schema 1. */
export interface Schema1HistoryEntry {
  /** A JSON document, as text. */
  readonly v1Compatibility: string;
}

/** A Docker manifest, version 2, schema 1: only read, never written. */
export interface Schema1Manifest {
  /** Always 1. */
  readonly schemaVersion: 1;
  /** The name of the repository it was made for. */
  readonly name: string;
  /** The tag it was made for. */
  readonly tag: string;
  /** The processor architecture. */
  readonly architecture: string;
  /** The layers, top first. */
  readonly fsLayers: readonly Schema1LayerRef[];
  /** The history, as many entries as layers, top first. */
  readonly history: readonly Schema1HistoryEntry[];
}

/** One signature of a manifest of schema 1: JSON Web Signature with a header of its own. */
export interface Schema1Signature {
  /** The key and the algorithm. */
  readonly header: Readonly<Record<string, unknown>>;
  /** The signature, in URL-safe base64. */
  readonly signature: string;
  /** What says which bytes are signed, in URL-safe base64. */
  readonly protected: string;
}

/** A manifest of schema 1 with the bytes it was read from. */
export interface ParsedSchema1 {
  /** What kind of document this is. */
  readonly kind: "schema1";
  /** The bytes as they were received, signatures included. */
  readonly raw: Bytes;
  /** The media type: signed or not, as the document is. */
  readonly mediaType: string;
  /** What the signed bytes say. */
  readonly value: Schema1Manifest;
  /** The bytes that are signed: the digest of the manifest is theirs. */
  readonly payload: Bytes;
  /** The signatures; none when the document is not signed. They are not verified. */
  readonly signatures: readonly Schema1Signature[];
}

/** One layer of a manifest of schema 1 with its history. */
export interface Schema1Layer {
  /** The digest of the compressed layer. */
  readonly blobSum: string;
  /** The ID of the image up to this layer. */
  readonly id: string;
  /** The ID of the image below; absent for the base. */
  readonly parent?: string;
  /** Whether this step changed no file: its blob is an empty layer. */
  readonly isThrowaway: boolean;
  /** The history entry as it was signed. */
  readonly v1Compatibility: string;
  /** The whole history entry, parsed. */
  readonly config: Readonly<Record<string, unknown>>;
}
