import { mapConcurrent } from "../../bytes/map_concurrent.ts";
import type { CallOptions } from "../../model/content.ts";
import { convertV1, type ConvertV1Options, type V1Layer } from "./convert.ts";
import type { ConvertedV1Image } from "./converted_v1_image.ts";
import type { RepositoryV1 } from "./repository_v1.ts";
import type { V1ImageInfo } from "./v1_image_info.ts";

/** How many documents are read at the same time. */
const DOCUMENT_JOBS = 4;

/**
 * Reads the documents of an image and of all below it.
 *
 * @param repository The repository.
 * @param reference A tag or an ID.
 * @param options A signal.
 * @returns The documents, base first.
 * @throws {NotFoundError} when there is no such image.
 */
export async function readV1Images(
  repository: RepositoryV1,
  reference: string,
  options: CallOptions = {},
): Promise<V1ImageInfo[]> {
  const id = await repository.resolve(reference, options);
  const ancestry = await repository.ancestry(id, options);
  return await mapConcurrent(
    ancestry.reverse(),
    DOCUMENT_JOBS,
    (id, _, signal) => repository.image(id, { signal }),
    options,
  );
}

/**
 * Makes layers for `convertV1` out of documents.
 *
 * @param repository Where the layers are.
 * @param images The documents, base first.
 * @returns The layers; they are proved by the checksums that the registry has.
 */
export function v1Layers(repository: RepositoryV1, images: readonly V1ImageInfo[]): V1Layer[] {
  return images.map((image) => ({
    key: image.value.id,
    image: image.value,
    open: (options) => repository.layer(image.value.id, { ...options, image }),
  }));
}

/**
 * Opens an image of a registry of version 1 as one of the OCI. Its documents are read, and each layer
 * once, for the digests; without a store for them layers are read again when they are copied. The
 * checksums that the registry has are compared.
 *
 * @param repository The repository.
 * @param reference A tag or an ID.
 * @param options Where layers are kept, and a signal.
 * @returns A source that `copy` takes; it has this one image, by whatever reference.
 * @throws {NotFoundError} when there is no such image.
 * @throws {DigestMismatchError} when a layer has another checksum.
 * @throws {UnsupportedMediaTypeError} when a layer is compressed with something else than gzip or
 * zstd.
 */
export async function openV1Image(
  repository: RepositoryV1,
  reference: string,
  options: ConvertV1Options = {},
): Promise<ConvertedV1Image> {
  const { signal } = options;
  const images = await readV1Images(repository, reference, { signal });
  return await convertV1(v1Layers(repository, images), options);
}
