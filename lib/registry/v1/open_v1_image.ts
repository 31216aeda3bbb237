import { mapConcurrent } from "../../bytes/map_concurrent.ts";
import { convertV1, type ConvertV1Options, type V1LayerOpenOptions } from "./convert.ts";
import type { ConvertedV1Image } from "./converted_v1_image.ts";
import type { RepositoryV1 } from "./repository_v1.ts";

/** How many documents are read at the same time. */
const DOCUMENT_JOBS = 4;

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
  const id = await repository.resolve(reference, { signal });
  const ancestry = (await repository.ancestry(id, { signal })).reverse();
  const images = await mapConcurrent(
    ancestry,
    DOCUMENT_JOBS,
    (id, _, signal) => repository.image(id, { signal }),
    { signal },
  );
  const layers = images.map((image, index) => ({
    key: ancestry[index] ?? "",
    image: image.value,
    open: (options: V1LayerOpenOptions) =>
      repository.layer(ancestry[index] ?? "", { ...options, image }),
  }));
  return await convertV1(layers, options);
}
