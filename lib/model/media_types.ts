/** An OCI image index (image-spec, image-index.md). */
export const MEDIA_TYPE_OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** An OCI image manifest (image-spec, manifest.md). */
export const MEDIA_TYPE_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** The artifact manifest that was withdrawn before image-spec 1.1; lading only reads it. */
export const MEDIA_TYPE_OCI_ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json";
/** An OCI image config (image-spec, config.md). */
export const MEDIA_TYPE_OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
/** The `oci-layout` file (image-spec, image-layout.md). */
export const MEDIA_TYPE_OCI_LAYOUT = "application/vnd.oci.layout.header.v1+json";
/** An OCI layer as plain tar. */
export const MEDIA_TYPE_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
/** An OCI layer, compressed with gzip. */
export const MEDIA_TYPE_OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
/** An OCI layer, compressed with Zstandard. */
export const MEDIA_TYPE_OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
/** An OCI layer that must not be pushed to other registries, as plain tar (deprecated). */
export const MEDIA_TYPE_OCI_FOREIGN_LAYER =
  "application/vnd.oci.image.layer.nondistributable.v1.tar";
/** The same, compressed with gzip (deprecated). */
export const MEDIA_TYPE_OCI_FOREIGN_LAYER_GZIP =
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
/** The same, compressed with Zstandard (deprecated). */
export const MEDIA_TYPE_OCI_FOREIGN_LAYER_ZSTD =
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
/** The two bytes `{}`, where an artifact has no config or no layer of its own. */
export const MEDIA_TYPE_OCI_EMPTY = "application/vnd.oci.empty.v1+json";

/** A Docker image manifest, version 2, schema 2. */
export const MEDIA_TYPE_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** A Docker manifest list. */
export const MEDIA_TYPE_DOCKER_MANIFEST_LIST =
  "application/vnd.docker.distribution.manifest.list.v2+json";
/** A Docker image config. */
export const MEDIA_TYPE_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
/** The config of a Docker plugin. */
export const MEDIA_TYPE_DOCKER_PLUGIN_CONFIG = "application/vnd.docker.plugin.v1+json";
/** A Docker layer as plain tar. */
export const MEDIA_TYPE_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
/** A Docker layer, compressed with gzip. */
export const MEDIA_TYPE_DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/** A Docker layer, compressed with Zstandard: written by BuildKit, in no specification. */
export const MEDIA_TYPE_DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd";
/** A Docker layer that lives at another place, as plain tar. */
export const MEDIA_TYPE_DOCKER_FOREIGN_LAYER =
  "application/vnd.docker.image.rootfs.foreign.diff.tar";
/** The same, compressed with gzip. */
export const MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP =
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/** A Docker manifest, schema 1, without signatures. */
export const MEDIA_TYPE_DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json";
/** A Docker manifest, schema 1, signed. */
export const MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED =
  "application/vnd.docker.distribution.manifest.v1+prettyjws";

/**
 * Tells whether a media type is that of an index: an OCI image index or a Docker manifest list.
 *
 * @param mediaType A media type.
 * @returns Whether it is one of the two.
 */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_INDEX || mediaType === MEDIA_TYPE_DOCKER_MANIFEST_LIST;
}

/**
 * Tells whether a media type is that of the manifest of one image or artifact. Schema 1 is not:
 * see {@linkcode isSchema1Type}.
 *
 * @param mediaType A media type.
 * @returns Whether it is an OCI, Docker or artifact manifest.
 */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_MANIFEST || mediaType === MEDIA_TYPE_DOCKER_MANIFEST ||
    mediaType === MEDIA_TYPE_OCI_ARTIFACT_MANIFEST;
}

/**
 * Tells whether a media type is that of a Docker manifest, schema 1.
 *
 * @param mediaType A media type.
 * @returns Whether it is schema 1, signed or not.
 */
export function isSchema1Type(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_DOCKER_SCHEMA1 || mediaType === MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED;
}

/**
 * Tells whether a media type is that of the config of an image that can run.
 *
 * @param mediaType A media type.
 * @returns Whether it is an OCI or Docker image config.
 */
export function isConfigType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_CONFIG || mediaType === MEDIA_TYPE_DOCKER_CONFIG;
}

const LAYER_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  // Written by Docker before schema 2 was final.
  "application/vnd.docker.container.image.rootfs.diff+x-gtar",
]);

const FOREIGN_LAYER_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPE_OCI_FOREIGN_LAYER,
  MEDIA_TYPE_OCI_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_OCI_FOREIGN_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
]);

/**
 * Tells whether a media type is that of a file system layer, foreign ones included. How a layer
 * is compressed is decided by its first bytes, never by its media type alone.
 *
 * @param mediaType A media type.
 * @returns Whether it is a tar archive of changes to a file system.
 */
export function isLayerType(mediaType: string): boolean {
  return LAYER_TYPES.has(mediaType) || FOREIGN_LAYER_TYPES.has(mediaType);
}

/**
 * Tells whether a media type is that of a foreign layer: one whose `urls` say where it is, and
 * which registries need not have.
 *
 * @param mediaType A media type.
 * @returns Whether it is foreign (OCI: non-distributable).
 */
export function isForeignLayerType(mediaType: string): boolean {
  return FOREIGN_LAYER_TYPES.has(mediaType);
}
