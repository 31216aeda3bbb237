import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import type { DockerManifest, ManifestPlace } from "./manifest.ts";
import { ManifestListV22 } from "./manifest_list.ts";
import { ManifestV21 } from "./manifest_v21.ts";
import { ManifestV22 } from "./manifest_v22.ts";

/**
 * Parses a manifest of a registry of version 2, of whichever kind it is.
 *
 * @param raw At most 4 MiB.
 * @param options The media type it was served with, and where it belongs.
 * @returns A {@linkcode ManifestV21}, {@linkcode ManifestV22} or {@linkcode ManifestListV22}.
 * @throws {InvalidManifestError} when the bytes are no manifest.
 * @throws {UnsupportedMediaTypeError} when it is one that is no image and no list.
 *
 * @example Verify a manifest
 * ```ts
 * import { parseDockerManifest } from "@lading/lading/dockerreg";
 *
 * const raw = new TextEncoder().encode(
 *   '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
 * );
 * const digest = "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2";
 * const manifest = parseDockerManifest(raw, { digest });
 * console.log(manifest.version, await manifest.verify()); // v2.2-list true
 * ```
 */
export function parseDockerManifest(
  raw: Uint8Array,
  options: ManifestPlace & { readonly mediaType?: string | undefined } = {},
): DockerManifest {
  const { kind, mediaType } = parseManifest(raw, options.mediaType);
  switch (kind) {
    case "schema1":
      return new ManifestV21(raw, options);
    case "image":
      return new ManifestV22(raw, options);
    case "index":
      return new ManifestListV22(raw, options);
    case "artifact":
      throw new UnsupportedMediaTypeError(
        `Cannot read the manifest of ${
          options.repository ?? "an artifact"
        }: ${mediaType} is no image`,
        { mediaType },
      );
  }
}
