// The grammar of distribution/reference (regexp.go), part by part. Separators and what they separate
// never share a character, so that no expression can match a text in two ways: time is linear.

const PATH_COMPONENT_REGEXP = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const DOMAIN_COMPONENT_REGEXP = /^[A-Za-z0-9-]+$/;
const PORT_REGEXP = /^\d+$/;
// Zones and embedded IPv4 addresses are excluded on purpose.
const BRACKETED_REGEXP = /^\[[0-9A-Fa-f:]+\]$/;
const TAG_REGEXP = /^\w[\w.-]{0,127}$/;
// Narrower than the digests of the image-spec, before go-digest sees it.
const DIGEST_REGEXP = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}$/;

/** remote-name: path components joined by slashes. */
export function isPath(text: string): boolean {
  return text.split("/").every((part) => PATH_COMPONENT_REGEXP.test(part));
}

/** domain-name: components of letters, digits and inner hyphens, joined by dots. */
function isDomainName(text: string): boolean {
  return text.split(".").every((part) =>
    DOMAIN_COMPONENT_REGEXP.test(part) && !part.startsWith("-") && !part.endsWith("-")
  );
}

/** domain-and-port. */
export function isDomain(text: string): boolean {
  const bracket = text.lastIndexOf("]");
  const colon = text.indexOf(":", bracket + 1);
  const host = colon < 0 ? text : text.slice(0, colon);
  if (colon >= 0 && !PORT_REGEXP.test(text.slice(colon + 1))) return false;
  return bracket < 0 ? isDomainName(host) : BRACKETED_REGEXP.test(host);
}

/** tag: `[\w][\w.-]{0,127}`. */
export function isTagText(text: string): boolean {
  return TAG_REGEXP.test(text);
}

/** The digest of a reference. */
export function isDigestText(text: string): boolean {
  return DIGEST_REGEXP.test(text);
}

/** A reference cut at its marks, each part in the form it must have. */
export interface ReferenceParts {
  readonly name: string;
  readonly domain: string | undefined;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * Cuts a reference at its marks. No part can hold an `@`; a colon behind the last slash starts the
 * tag; the first component is the domain whenever it can be one.
 */
export function scanReference(text: string): ReferenceParts | undefined {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigestText(digest)) return undefined;
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.indexOf(":", rest.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !isTagText(tag)) return undefined;
  const name = colon < 0 ? rest : rest.slice(0, colon);
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  if (slash > 0 && isDomain(first) && isPath(name.slice(slash + 1))) {
    return { name, domain: first, path: name.slice(slash + 1), tag, digest };
  }
  return isPath(name) ? { name, domain: undefined, path: name, tag, digest } : undefined;
}
