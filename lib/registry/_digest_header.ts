import type { Descriptor } from "../model/descriptor.ts";
import { isDigest } from "../model/digest.ts";
import { DigestMismatchError } from "../model/errors.ts";
import { contentType } from "./_answer.ts";

/** The digest that a registry names; `undefined` when there is none, or something else. */
export function namedDigest(headers: Headers): string | undefined {
  const text = headers.get("docker-content-digest")?.trim();
  return text !== undefined && isDigest(text) ? text : undefined;
}

/** Whether a good answer is a page for people, such as a login: it says nothing of any content. */
export function isWebPage(headers: Headers): boolean {
  return contentType(headers) === "text/html" && namedDigest(headers) === undefined;
}

/** Whether two digests can be compared: those of different algorithms say nothing about each other. */
export function isSameAlgorithm(a: string, b: string): boolean {
  return a.slice(0, a.indexOf(":")) === b.slice(0, b.indexOf(":"));
}

/** Whether a registry names another digest than the one that is known. */
export function contradicts(headers: Headers, digest: string): boolean {
  const named = namedDigest(headers);
  return named !== undefined && isSameAlgorithm(named, digest) && named !== digest;
}

/**
 * Refuses what a registry stored under another digest than it was told.
 *
 * @throws {DigestMismatchError} when it names another one.
 */
export function expectStored(headers: Headers, target: Descriptor, action: string): void {
  if (!contradicts(headers, target.digest)) return;
  const actual = namedDigest(headers) ?? "";
  throw new DigestMismatchError(
    `Cannot ${action}: the registry stored it with the digest ${actual}`,
    { expected: target.digest, actual, descriptor: target },
  );
}
