import { digestBytes } from "../hash/digest_bytes.ts";
import { encodeBase64 } from "../model/base64.ts";
import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageConfig } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { parseImageManifest } from "../model/parse_manifest.ts";
import { streamOf } from "../bytes/stream_from.ts";
import type { Image } from "./image.ts";
import { type ImageParts, ImageView } from "./_image_view.ts";
import { OverlayContent } from "./_overlay_content.ts";
import { replayableContent } from "./_replayable_content.ts";

/** What an edit changes; what it does not give stays, byte for byte. */
export interface ImageEdit {
  /** The manifest, but for the digest and size of a config that changes too. */
  readonly manifest?: ImageManifest | undefined;
  /** The config. */
  readonly config?: ImageConfig | undefined;
  /** Where new layers are, by their digests. */
  readonly contents?: ReadonlyMap<string, ContentSource> | undefined;
}

/**
 * Makes the view of an edited image. The edit is worked out at the first use of the view.
 *
 * @param base What is edited; also has every content that the edit does not bring.
 * @param mediaType The type of the manifest after the edit.
 * @param edit Says what changes.
 * @returns The view.
 */
export function editImage(
  base: Image,
  mediaType: string,
  edit: (signal: AbortSignal) => Promise<ImageEdit>,
): Image {
  return new ImageView(mediaType, async (signal) => {
    const content = await base.content({ signal });
    const { manifest, config, contents } = await edit(signal);
    // A config that stays was read already, or will be read for all views of it.
    const rawConfig = config === undefined
      ? (options: CallOptions) => base.rawConfig(options)
      : undefined;
    if (manifest === undefined && config === undefined) {
      const [descriptor, raw] = [await base.descriptor({ signal }), await base.rawManifest()];
      return { descriptor, parsed: parseImageManifest(raw, mediaType), content, rawConfig };
    }
    const now = manifest ?? await base.manifest({ signal });
    return { ...assemble(mediaType, now, { config, contents, content }), rawConfig };
  });
}

/** Writes the documents of an image, and lays them over the content that is there. */
export function assemble(
  mediaType: string,
  manifest: ImageManifest,
  { config, contents = new Map(), content }: Omit<ImageEdit, "manifest"> & {
    readonly content: ContentSource;
  },
): ImageParts {
  const over = new Map(contents);
  let document = manifest;
  if (config !== undefined) {
    const raw = write(config);
    parseImageConfig(raw);
    const descriptor = describe(manifest.config, raw);
    over.set(descriptor.digest, held(raw));
    document = { ...manifest, config: descriptor };
  }
  const raw = write(document);
  const parsed = parseImageManifest(raw, mediaType);
  const { artifactType } = parsed.value;
  const about = artifactType === undefined ? { mediaType } : { mediaType, artifactType };
  const descriptor = describe(about, raw);
  over.set(descriptor.digest, held(raw));
  return { descriptor, parsed, content: new OverlayContent(content, over) };
}

/** Writes a document; keys keep their order, so that the same edits give the same bytes. */
export function write(document: unknown): Bytes {
  return new TextEncoder().encode(JSON.stringify(document));
}

/** Describes new bytes; other fields of the descriptor stay, and `data` follows the content. */
export function describe(
  descriptor: Omit<Descriptor, "digest" | "size">,
  raw: Bytes,
): Descriptor {
  return {
    ...descriptor,
    digest: digestBytes("sha256", raw),
    size: raw.byteLength,
    ...(descriptor.data === undefined ? {} : { data: encodeBase64(raw) }),
  };
}

/** Makes a source of bytes in memory. */
export function held(raw: Bytes): ContentSource {
  return replayableContent(() => Promise.resolve(streamOf(raw.slice())));
}
