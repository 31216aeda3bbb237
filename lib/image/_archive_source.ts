import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";

/**
 * An optional power of content: opens the archive of a layer that is made when it is read, so that
 * nobody compresses it only to decompress it again.
 */
export interface ArchiveSource {
  /** Opens the archive; nothing when the layer is stored. */
  openArchive(target: Descriptor, options: CallOptions): Promise<ByteStream | undefined>;
}

/** Opens the archive of a layer where its content can do that. */
export function openArchive(
  content: ContentSource,
  target: Descriptor,
  options: CallOptions,
): Promise<ByteStream | undefined> | undefined {
  return isArchiveSource(content) ? content.openArchive(target, options) : undefined;
}

/** Tells whether content can be made when it is read. */
export function isArchiveSource(content: object): content is ArchiveSource {
  return "openArchive" in content;
}
