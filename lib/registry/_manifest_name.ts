import { digestAlgorithm, isDigest } from "../model/digest.ts";
import { InvalidReferenceError } from "../model/errors.ts";
import { isTag } from "../model/reference.ts";

/** What names a manifest inside a repository. */
export type ManifestName =
  | { readonly text: string; readonly tag: string; readonly digest?: undefined }
  | { readonly text: string; readonly digest: string; readonly tag?: undefined };

/**
 * Reads the name of a manifest in a repository: a tag, a digest, or both as `tag@digest`, where the
 * digest decides.
 *
 * @throws {InvalidReferenceError} when it is none of them.
 * @throws {InvalidDigestError} when the digest is of an algorithm that cannot be verified.
 */
export function manifestName(reference: string): ManifestName {
  const at = reference.indexOf("@");
  const tag = at < 0 ? reference : reference.slice(0, at);
  const digest = at < 0 ? reference : reference.slice(at + 1);
  if (isDigest(digest) && (at <= 0 || isTag(tag))) {
    digestAlgorithm(digest);
    return { text: digest, digest };
  }
  if (at < 0 && isTag(tag)) return { text: tag, tag };
  const advice = tag.includes("+") ? "; + is not allowed in tags, Helm writes _ instead" : "";
  throw new InvalidReferenceError(
    `Cannot use ${JSON.stringify(reference.slice(0, 256))} as a tag or digest${advice}`,
    { input: reference },
  );
}
