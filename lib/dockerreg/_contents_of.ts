import type { Descriptor } from "../model/descriptor.ts";
import type { ImageContents } from "./_backend.ts";
import { ContentsV21 } from "./_contents_v21.ts";
import type { BlobSource } from "./_blob_source.ts";
import { ContentsV22 } from "./_contents_v22.ts";
import type { ManifestV21 } from "./manifest_v21.ts";
import type { ManifestV22 } from "./manifest_v22.ts";

/** Makes an image of a manifest and the place of its content. */
export function contentsOf(
  source: BlobSource,
  manifest: ManifestV21 | ManifestV22,
  reference?: Descriptor,
): ImageContents {
  if (manifest.version === "v2.1") return new ContentsV21(source, manifest);
  const { mediaType, digest, raw } = manifest;
  return new ContentsV22(source, { mediaType, digest, size: raw.byteLength }, manifest, reference);
}
