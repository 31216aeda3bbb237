import { type DigestAlgorithm, digestAlgorithm, isDigest } from "../model/digest.ts";
import { Refusal } from "./_refusal.ts";

/**
 * Takes a digest that content is to be stored under.
 *
 * @param text What the client sent; `null` when it sent none.
 * @returns The digest.
 * @throws {Refusal} with 400 when it is none, or of an algorithm that cannot be verified.
 */
export function digestToStore(text: string | null): string {
  if (text === null) throw invalid("there is no digest", "");
  if (algorithmOf(text) === undefined) {
    throw invalid("the digest is none, or of an unsupported algorithm", text);
  }
  return text;
}

/**
 * Takes a digest that content is asked for by.
 *
 * @param text What the client sent.
 * @returns The digest, or `undefined` when nothing can be stored under it.
 * @throws {Refusal} with 400 when it is no digest.
 */
export function digestToFind(text: string): string | undefined {
  if (!isDigest(text)) throw invalid("the digest is none", text);
  return algorithmOf(text) === undefined ? undefined : text;
}

/** Gives the algorithm of a digest, where it can be verified. */
export function algorithmOf(digest: string): DigestAlgorithm | undefined {
  try {
    return digestAlgorithm(digest);
  } catch {
    return undefined;
  }
}

function invalid(message: string, digest: string): Refusal {
  return new Refusal(400, "DIGEST_INVALID", message, { detail: { digest: digest.slice(0, 256) } });
}
