// The grammar of distribution/reference (regexp.go), as scanners that read each character once:
// a regular expression with nested repetition would backtrack on hostile input.

const COLON = 58;
const DOT = 46;
const HYPHEN = 45;
const UNDERSCORE = 95;

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLower(code: number): boolean {
  return code >= 97 && code <= 122;
}

function isAlphanumeric(code: number): boolean {
  return isLower(code) || isDigit(code) || code >= 65 && code <= 90;
}

function isHex(code: number): boolean {
  return isDigit(code) || code >= 97 && code <= 102 || code >= 65 && code <= 70;
}

/** path-component: runs of [a-z0-9] joined by one `.`, one or two `_`, or any number of `-`. */
function isPathComponent(text: string): boolean {
  let separator = 0;
  let separators = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isLower(code) || isDigit(code)) {
      separators = 0;
      continue;
    }
    if (code !== DOT && code !== UNDERSCORE && code !== HYPHEN) return false;
    if (i === 0) return false;
    separators = separators === 0 || code === separator ? separators + 1 : Infinity;
    separator = code;
    const most = code === DOT ? 1 : code === UNDERSCORE ? 2 : text.length;
    if (separators > most) return false;
  }
  return separators === 0;
}

/** remote-name: path components joined by slashes. */
export function isPath(text: string): boolean {
  return text.split("/").every(isPathComponent);
}

function isPort(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isDigit(text.charCodeAt(i))) return false;
  return text !== "";
}

/** domain-name: components of letters, digits and inner hyphens, joined by dots. */
function isDomainName(text: string): boolean {
  return text.split(".").every((part) => {
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i);
      const isInner = i > 0 && i < part.length - 1;
      if (!isAlphanumeric(code) && !(isInner && code === HYPHEN)) return false;
    }
    return part !== "";
  });
}

/** An IPv6 address in square brackets; zones and embedded IPv4 addresses are excluded on purpose. */
function isBracketed(text: string): boolean {
  if (text.length < 3 || !text.startsWith("[") || !text.endsWith("]")) return false;
  for (let i = 1; i < text.length - 1; i++) {
    const code = text.charCodeAt(i);
    if (!isHex(code) && code !== COLON) return false;
  }
  return true;
}

/** domain-and-port. */
export function isDomain(text: string): boolean {
  const bracket = text.lastIndexOf("]");
  const colon = text.indexOf(":", bracket + 1);
  const host = colon < 0 ? text : text.slice(0, colon);
  if (colon >= 0 && !isPort(text.slice(colon + 1))) return false;
  return bracket < 0 ? isDomainName(host) : isBracketed(host);
}

/** tag: `[\w][\w.-]{0,127}`. */
export function isTagText(text: string): boolean {
  if (text === "" || text.length > 128) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isWord = isAlphanumeric(code) || code === UNDERSCORE;
    if (!isWord && !(i > 0 && (code === DOT || code === HYPHEN))) return false;
  }
  return true;
}

/** The digest of a reference: narrower than the digests of the image-spec, before go-digest sees it. */
export function isDigestText(text: string): boolean {
  const colon = text.indexOf(":");
  if (colon < 0 || text.length - colon - 1 < 32) return false;
  for (let i = colon + 1; i < text.length; i++) if (!isHex(text.charCodeAt(i))) return false;
  let isStart = true;
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i);
    const isSeparator = code === HYPHEN || code === UNDERSCORE || code === 43 || code === DOT;
    if (isStart ? !isAlphanumeric(code) || isDigit(code) : !isSeparator && !isAlphanumeric(code)) {
      return false;
    }
    isStart = isSeparator;
  }
  return !isStart;
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
