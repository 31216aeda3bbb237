import type { NewLayer } from "../image/new_layer.ts";
import type { ContentSource, ContentUpload, Uploader } from "../model/content.ts";
import type { UploadStore } from "../server/upload_store.ts";

/** Who has failed while a layer was made that a place got meanwhile. */
export interface MakingFailure {
  readonly isOfPlace: boolean;
  readonly error: unknown;
}

/**
 * Makes a layer whose spool is an upload: the place has stored it once it is known what it is. When
 * anything fails the upload is given up.
 *
 * @param place Where it is stored.
 * @param make Makes it.
 * @param signal Ends it.
 * @returns The layer, or what has failed.
 */
export async function madeInto(
  place: ContentSource & Uploader,
  make: (spool: UploadStore) => Promise<NewLayer>,
  signal: AbortSignal,
): Promise<NewLayer | MakingFailure> {
  let isOfPlace = false;
  const noting = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      isOfPlace = true;
      throw error;
    }
  };
  let upload: ContentUpload | undefined;
  try {
    const started = upload = await noting(place.startUpload({ signal }));
    const spool = {
      append: (chunk: Parameters<ContentUpload["append"]>[0]) =>
        noting(started.append(chunk, { signal })),
      source: async () => {
        const stored = await noting(started.finish({ signal }));
        return () => place.fetch(stored);
      },
      remove: () => Promise.resolve(),
    };
    return await make({ create: () => Promise.resolve(spool) });
  } catch (error) {
    // Nobody waits for the answer: what has failed is told at once.
    upload?.cancel();
    return { isOfPlace, error };
  }
}
