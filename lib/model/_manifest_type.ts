import { isJSONObject, type JSONObject } from "./json_object.ts";
import { kindOfType } from "./_manifest_kind.ts";
import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_SCHEMA1,
  MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_MANIFEST,
} from "./media_types.ts";

/**
 * Tells the media type of a document that was announced with none, as containers/image does:
 * before image-spec 1.0.2 an OCI manifest did not name its own.
 */
export function guessManifestType(document: JSONObject): string | undefined {
  const { mediaType, schemaVersion, signatures, config, manifests } = document;
  if (typeof mediaType === "string" && kindOfType(mediaType) !== undefined) return mediaType;
  if (schemaVersion === 1) {
    const isSigned = signatures !== undefined && signatures !== null;
    return isSigned ? MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED : MEDIA_TYPE_DOCKER_SCHEMA1;
  }
  if (schemaVersion !== 2) return undefined;
  if (isJSONObject(config)) {
    const isDocker = config.mediaType === MEDIA_TYPE_DOCKER_CONFIG;
    return isDocker ? MEDIA_TYPE_DOCKER_MANIFEST : MEDIA_TYPE_OCI_MANIFEST;
  }
  return manifests === undefined ? MEDIA_TYPE_OCI_MANIFEST : MEDIA_TYPE_OCI_INDEX;
}
