import type { Descriptor } from "./descriptor.ts";

/** A reference was resolved to the manifest that will be moved. */
export interface ResolvedEvent {
  /** The kind of event. */
  readonly type: "resolved";
  /** The reference as it was asked for. */
  readonly reference: string;
  /** What it points at. */
  readonly descriptor: Descriptor;
}

/** The state of one blob while an image moves. */
export interface BlobEvent {
  /** The kind of event. */
  readonly type: "blob";
  /** The blob, as the source has it where the target gets it in another compression. */
  readonly descriptor: Descriptor;
  /** Bytes moved so far; they begin anew where it is read again. */
  readonly current: number;
  /** Bytes in all: the size of the descriptor. */
  readonly total: number;
  /**
   * `exists`: was there already; `mounted`: taken over from another repository; `skipped`: a foreign
   * layer that the source does not have; `done`: verified and stored.
   */
  readonly status: "moving" | "done" | "exists" | "mounted" | "skipped";
}

/** A manifest or index was stored, or was there already. */
export interface ManifestEvent {
  /** The kind of event. */
  readonly type: "manifest";
  /** The manifest. */
  readonly descriptor: Descriptor;
  /** What happened to it. */
  readonly status: "done" | "exists";
}

/** What `copy` and `pull` report while they work. */
export type CopyEvent = ResolvedEvent | BlobEvent | ManifestEvent;
