// eStargz and zstd:chunked write the same JSON but for the ends of chunks (stargz-snapshotter,
// docs/estargz.md §TOC; containers/storage, pkg/chunked/internal): an entry for each header of the
// archive in its order, and entries of type `chunk` behind a file of several pieces.

/** What the format of a layer says about chunks. */
export interface TableLayout {
  /** How chunks are stored. */
  readonly encoding: "gzip" | "zstd";
  /** The stored byte behind the last chunk. */
  readonly end: number;
}
