import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_FOREIGN_LAYER,
  MEDIA_TYPE_OCI_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_OCI_MANIFEST,
} from "./media_types.ts";

/** Whose media types manifest, config and layers have. */
export type ImageFormat = "oci" | "docker";

/** What means the same in both formats: OCI, then Docker. */
const PAIRS: readonly (readonly [oci: string, docker: string])[] = [
  [MEDIA_TYPE_OCI_INDEX, MEDIA_TYPE_DOCKER_MANIFEST_LIST],
  [MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST],
  [MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_DOCKER_CONFIG],
  [MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_DOCKER_LAYER],
  [MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_DOCKER_LAYER_GZIP],
  [MEDIA_TYPE_OCI_LAYER_ZSTD, MEDIA_TYPE_DOCKER_LAYER_ZSTD],
  [MEDIA_TYPE_OCI_FOREIGN_LAYER, MEDIA_TYPE_DOCKER_FOREIGN_LAYER],
  [MEDIA_TYPE_OCI_FOREIGN_LAYER_GZIP, MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP],
];

const TO_DOCKER: ReadonlyMap<string, string> = new Map(PAIRS);
const TO_OCI: ReadonlyMap<string, string> = new Map(PAIRS.map(([oci, docker]) => [docker, oci]));

/** Tells whose media type a manifest or an index has. */
export function formatOf(mediaType: string): ImageFormat {
  return TO_OCI.has(mediaType) ? "docker" : "oci";
}

/** Gives the type that means the same in a format; a type that has none there stays as it is. */
export function typeIn(format: ImageFormat, mediaType: string): string {
  return (format === "docker" ? TO_DOCKER : TO_OCI).get(mediaType) ?? mediaType;
}
