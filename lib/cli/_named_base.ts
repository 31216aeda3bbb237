import type { Image } from "../image/image.ts";
import { ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME } from "../model/annotations.ts";
import { formatReference, parseReference } from "../model/reference.ts";

/** What an image says of what it is built on (image-spec, annotations.md §pre-defined). */
export interface NamedBase {
  /** The reference that may be another image by now. */
  readonly name: string;
  /** The reference of what it was built on; absent where the image does not tell. */
  readonly pinned: string | undefined;
}

/** Reads what an image is built on out of its annotations; `undefined` where it does not tell. */
export async function namedBase(
  image: Image,
  signal: AbortSignal,
): Promise<NamedBase | undefined> {
  const { annotations = {} } = await image.manifest({ signal });
  const { [ANNOTATION_BASE_NAME]: name, [ANNOTATION_BASE_DIGEST]: digest } = annotations;
  if (name === undefined) return undefined;
  const { registry, repository } = parseReference(name);
  if (digest === undefined) return { name, pinned: undefined };
  return { name, pinned: formatReference({ registry, repository, digest }) };
}
