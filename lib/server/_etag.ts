/** Gives the entity tag of content: its digest. */
export function etagOf(digest: string): string {
  return `"${digest}"`;
}

/**
 * Tells whether a list of entity tags (`If-Match`, `If-None-Match`; RFC 9110 §13.1) names what is
 * there. Docker's registry takes digests without quotes, so they pass too.
 *
 * @param header The header's value.
 * @param digest The digest of what is there; `undefined` when nothing is.
 * @returns Whether it is named.
 */
export function matchesETag(header: string, digest: string | undefined): boolean {
  if (digest === undefined) return false;
  return header.split(",").some((text) => {
    const tag = text.trim().replace(/^W\//, "");
    return tag === "*" || tag === etagOf(digest) || tag === digest;
  });
}
