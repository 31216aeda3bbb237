import type { Descriptor } from "../model/descriptor.ts";

// stargz-snapshotter, docs/estargz.md: the digest of the table as JSON, not compressed.
const ESTARGZ_DIGEST = "containerd.io/snapshot/stargz/toc.digest";
// containers/storage, pkg/chunked: the second prefix is what skopeo wrote up to 1.9.
const ZSTD_CHUNKED_PREFIXES = ["io.github.containers.zstd-chunked", "io.containers.zstd-chunked"];

/** Gives the digest of an eStargz table, where the manifest has it. */
export function estargzDigest({ annotations }: Descriptor): string | undefined {
  return annotations !== undefined && Object.hasOwn(annotations, ESTARGZ_DIGEST)
    ? annotations[ESTARGZ_DIGEST]
    : undefined;
}

/** Tells whether the manifest gives the digest of an eStargz table. */
export function hasEstargzAnnotation(descriptor: Descriptor): boolean {
  return estargzDigest(descriptor) !== undefined;
}

/** Gives where a zstd:chunked table is and its digest, where the manifest has both. */
export function zstdChunkedAnnotations(
  { annotations = {} }: Descriptor,
): { position: string; checksum: string } | undefined {
  for (const prefix of ZSTD_CHUNKED_PREFIXES) {
    const position = annotations[`${prefix}.manifest-position`];
    const checksum = annotations[`${prefix}.manifest-checksum`];
    if (position !== undefined && checksum !== undefined) return { position, checksum };
  }
  return undefined;
}

/** Tells whether the manifest gives the place and the digest of a zstd:chunked table. */
export function hasZstdChunkedAnnotation(descriptor: Descriptor): boolean {
  return zstdChunkedAnnotations(descriptor) !== undefined;
}
