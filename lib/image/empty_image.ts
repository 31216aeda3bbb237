import { memoryStore } from "../store/memory_store.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import { MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { assemble, describe, write } from "./_edit_image.ts";
import { type ImageFormat, typeIn } from "../model/image_format.ts";
import { ImageView } from "./_image_view.ts";
import type { Image } from "./image.ts";

/**
 * Makes an image without layers, to build on: Docker's `scratch`.
 *
 * @param platform What it runs on.
 * @param format Whose media types it has; default `oci`.
 * @returns The image.
 * @throws {InvalidConfigError} when the platform is none.
 */
export function emptyImage(platform: Platform, format: ImageFormat = "oci"): Image {
  const mediaType = typeIn(format, MEDIA_TYPE_OCI_MANIFEST);
  const { os, architecture, ...rest } = platform;
  const config = {
    architecture,
    os,
    ...rest,
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
  };
  parseImageConfig(write(config));
  const about = { mediaType: typeIn(format, MEDIA_TYPE_OCI_CONFIG) };
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: describe(about, write(config)),
    layers: [],
  } as const;
  const parts = assemble(mediaType, manifest, { config, content: memoryStore() });
  return new ImageView(mediaType, () => Promise.resolve(parts));
}
