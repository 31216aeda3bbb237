// OCI image-spec, annotations.md §pre-defined annotation keys.

/** When the image was built (RFC 3339). */
export const ANNOTATION_CREATED = "org.opencontainers.image.created";
/** Who is responsible for the image. */
export const ANNOTATION_AUTHORS = "org.opencontainers.image.authors";
/** Where to learn more. */
export const ANNOTATION_URL = "org.opencontainers.image.url";
/** Where the documentation is. */
export const ANNOTATION_DOCUMENTATION = "org.opencontainers.image.documentation";
/** Where the source code is. */
export const ANNOTATION_SOURCE = "org.opencontainers.image.source";
/** The version of the software inside. */
export const ANNOTATION_VERSION = "org.opencontainers.image.version";
/** The revision of the source code. */
export const ANNOTATION_REVISION = "org.opencontainers.image.revision";
/** Who distributes the image. */
export const ANNOTATION_VENDOR = "org.opencontainers.image.vendor";
/** The licences, as an SPDX expression. */
export const ANNOTATION_LICENSES = "org.opencontainers.image.licenses";
/** The name of a manifest in an OCI layout: a tag, or a whole reference. */
export const ANNOTATION_REF_NAME = "org.opencontainers.image.ref.name";
/** The title; for the layers of artifacts, the name of the file. */
export const ANNOTATION_TITLE = "org.opencontainers.image.title";
/** What the image is about. */
export const ANNOTATION_DESCRIPTION = "org.opencontainers.image.description";
/** The digest of the image this one was built on. */
export const ANNOTATION_BASE_DIGEST = "org.opencontainers.image.base.digest";
/** The reference of the image this one was built on. */
export const ANNOTATION_BASE_NAME = "org.opencontainers.image.base.name";

/** The full reference of a manifest in a layout that containerd or `docker save` wrote. */
export const ANNOTATION_CONTAINERD_IMAGE_NAME = "io.containerd.image.name";
/** What an entry of a BuildKit index is, such as `attestation-manifest`. */
export const ANNOTATION_DOCKER_REFERENCE_TYPE = "vnd.docker.reference.type";
/** The digest of the manifest that a BuildKit attestation speaks about. */
export const ANNOTATION_DOCKER_REFERENCE_DIGEST = "vnd.docker.reference.digest";
