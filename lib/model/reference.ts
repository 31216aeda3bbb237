import { digestAlgorithm, isDigest } from "./digest.ts";
import { InvalidDigestError, InvalidReferenceError } from "./errors.ts";
import {
  isDomain,
  isPath,
  isTagText,
  type ReferenceParts,
  scanReference,
} from "./_reference_grammar.ts";

/** The registry of references that name none: Docker Hub. */
export const DEFAULT_REGISTRY = "docker.io";

/** The tag of references that have neither tag nor digest. */
export const DEFAULT_TAG = "latest";

/** The most characters of a repository name, the registry not counted (distribution/reference). */
export const MAX_REPOSITORY_NAME_LENGTH = 255;

// The name that Docker Hub had when it was the "Docker Index".
const LEGACY_DEFAULT_REGISTRY = "index.docker.io";
const OFFICIAL_PREFIX = "library/";

/** A reference to an image in a registry, in its full form. */
export interface Reference {
  /** The host of the registry, with its port if one was given: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** The name of the repository: `library/alpine`. */
  readonly repository: string;
  /** The tag. */
  readonly tag?: string | undefined;
  /** The digest; where there is one it decides, and the tag is for the reader. */
  readonly digest?: string | undefined;
}

/** A reference by its grammar alone, with nothing added. */
export interface RawReference {
  /** Domain and path as they were written. */
  readonly name: string;
  /** The first component of the name, when it can be a domain and is not the only one. */
  readonly domain?: string | undefined;
  /** The rest of the name. */
  readonly path: string;
  /** The tag. */
  readonly tag?: string | undefined;
  /** The digest. */
  readonly digest?: string | undefined;
}

/** The digest of an image, where a reference could have been. */
export interface DigestReference {
  /** The digest. */
  readonly digest: string;
}

function refuse(text: string, reason: string, cause?: unknown): never {
  const shown = JSON.stringify(text.length > 256 ? `${text.slice(0, 256)}…` : text);
  throw new InvalidReferenceError(`Cannot parse reference ${shown}: ${reason}`, {
    input: text,
    cause,
  });
}

function scan(text: string, shown: string): ReferenceParts {
  const parts = scanReference(text);
  if (parts === undefined) {
    if (text === "") refuse(shown, "repository name must have at least one component");
    const lower = text.toLowerCase();
    const isCaseOnly = lower !== text && scanReference(lower) !== undefined;
    refuse(shown, isCaseOnly ? "repository name must be lowercase" : "invalid reference format");
  }
  if (parts.path.length > MAX_REPOSITORY_NAME_LENGTH) {
    refuse(
      shown,
      `repository name must not be more than ${MAX_REPOSITORY_NAME_LENGTH} characters`,
    );
  }
  if (parts.digest !== undefined) checkDigest(parts.digest, shown);
  return parts;
}

function checkDigest(digest: string, shown: string): void {
  try {
    digestAlgorithm(digest);
  } catch (error) {
    if (!(error instanceof InvalidDigestError)) throw error;
    const reason = /(?:unsupported|invalid)[a-z ]*/.exec(
      error.message.slice(error.message.lastIndexOf(": ")),
    );
    refuse(shown, reason?.[0] ?? "invalid digest", error);
  }
}

/**
 * Parses a reference by the grammar of distribution/reference, byte for byte, and adds nothing.
 * Digests must be of SHA-256 or SHA-512. The time is linear in the length of the text.
 *
 * @param text A reference, such as `localhost:5000/tools/jq:1.7`.
 * @returns Its parts.
 * @throws {InvalidReferenceError} when the text is no reference.
 */
export function parseRawReference(text: string): RawReference {
  const { name, domain, path, tag, digest } = scan(text, text);
  return {
    name,
    ...(domain === undefined ? {} : { domain }),
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Cuts a name into registry and the rest, as Docker does: most names are names on Docker Hub. */
function splitRegistry(text: string): { registry: string; rest: string } {
  const slash = text.indexOf("/");
  if (slash < 0) return { registry: DEFAULT_REGISTRY, rest: OFFICIAL_PREFIX + text };
  const first = text.slice(0, slash);
  // A namespace has no dot, no colon and no upper-case letter; a domain may have.
  const isRegistry = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const registry = isRegistry && first !== LEGACY_DEFAULT_REGISTRY ? first : DEFAULT_REGISTRY;
  const rest = isRegistry ? text.slice(slash + 1) : text;
  const isOfficial = registry === DEFAULT_REGISTRY && !rest.includes("/");
  return { registry, rest: isOfficial ? OFFICIAL_PREFIX + rest : rest };
}

/**
 * Parses a reference as Docker does: names without a registry are on Docker Hub, and those of one
 * component are in `library/`. No tag is added: see {@linkcode withDefaultTag}. What passes is safe
 * to build a URL from.
 *
 * @param text A reference, such as `alpine:3.20` or `ghcr.io/owner/image@sha256:…`.
 * @returns The reference in its full form.
 * @throws {InvalidReferenceError} when the text is no reference, or 64 hexadecimal digits, which
 * stand for an image ID.
 *
 * @example Familiar and canonical form
 * ```ts
 * import { formatReference, parseReference } from "@lading/lading/reference";
 *
 * const reference = parseReference("alpine:3.20");
 * console.log(reference.repository); // library/alpine
 * console.log(formatReference(reference)); // docker.io/library/alpine:3.20
 * ```
 */
export function parseReference(text: string): Reference {
  if (isImageID(text)) refuse(text, "64 hexadecimal digits are an image ID, not a name");
  const { registry, rest } = splitRegistry(text);
  const colon = rest.indexOf(":");
  const remote = colon < 0 ? rest : rest.slice(0, colon);
  if (remote.toLowerCase() !== remote) refuse(text, "repository name must be lowercase");
  if (text === "") refuse(text, "repository name must have at least one component");
  const parts = scan(`${registry}/${rest}`, text);
  // The grammar takes "a_b.c/d" as a path without a domain: as a registry it is no host.
  if (parts.domain === undefined) refuse(text, "invalid reference format");
  return {
    registry: parts.domain,
    repository: parts.path,
    ...(parts.tag === undefined ? {} : { tag: parts.tag }),
    ...(parts.digest === undefined ? {} : { digest: parts.digest }),
  };
}

/**
 * Tells whether a reference is a digest. `alpine:latest` is one too by the grammar of digests, of
 * an algorithm `alpine`: only those count that content can have.
 *
 * @param reference A name or a digest.
 * @returns Whether it is a SHA-256 or a SHA-512.
 */
export function isDigestReference(reference: string): boolean {
  return /^sha(?:256|512):/.test(reference) && isDigest(reference);
}

/**
 * Parses a reference, a digest or an image ID, as Docker takes them where an image is meant.
 *
 * @param text A reference, a digest, or 64 hexadecimal digits.
 * @returns The reference, or the digest alone.
 * @throws {InvalidReferenceError} when the text is none of them.
 */
export function parseAnyReference(text: string): Reference | DigestReference {
  if (isImageID(text)) return { digest: `sha256:${text}` };
  return isDigestReference(text) ? { digest: text } : parseReference(text);
}

/**
 * Writes the suffix of a reference behind a name.
 */
function withSuffix(name: string, tag: string | undefined, digest: string | undefined): string {
  return name + (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

/**
 * Writes a reference by its grammar.
 *
 * @param reference A name with a tag, a digest, both or neither.
 * @returns The text that {@linkcode parseRawReference} takes.
 */
export function formatRawReference(
  reference: Pick<RawReference, "name" | "tag" | "digest">,
): string {
  return withSuffix(reference.name, reference.tag, reference.digest);
}

/**
 * Writes a reference in its canonical form: with registry, with `library/`.
 *
 * @param reference A reference.
 * @returns Its canonical form, such as `docker.io/library/alpine:3.20`.
 */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  return withSuffix(`${registry}/${repository}`, tag, digest);
}

/**
 * Writes the name of a repository as Docker shows it.
 *
 * @param reference A reference.
 * @returns The name without tag and digest, such as `alpine`.
 */
export function familiarName(reference: Reference): string {
  const { registry, repository } = reference;
  if (registry !== DEFAULT_REGISTRY) return `${registry}/${repository}`;
  const rest = repository.slice(OFFICIAL_PREFIX.length);
  return repository.startsWith(OFFICIAL_PREFIX) && !rest.includes("/") ? rest : repository;
}

/**
 * Writes a reference as Docker shows it: without `docker.io/` and `library/`.
 *
 * @param reference A reference.
 * @returns Its familiar form, such as `alpine:3.20`.
 */
export function familiarReference(reference: Reference): string {
  return withSuffix(familiarName(reference), reference.tag, reference.digest);
}

/**
 * Adds the tag `latest` to a reference that has neither tag nor digest.
 *
 * @param reference A reference.
 * @returns A reference that names one image.
 */
export function withDefaultTag(reference: Reference): Reference {
  const isBare = reference.tag === undefined && reference.digest === undefined;
  return isBare ? { ...reference, tag: DEFAULT_TAG } : reference;
}

/**
 * Gives the reference that a registry is asked for: the tag is dropped where there is a digest,
 * and `latest` is added where there is neither.
 *
 * @param reference A reference.
 * @returns A reference with a tag or a digest, never both.
 */
export function fetchReference(reference: Reference): Reference {
  const { registry, repository, digest } = reference;
  return digest === undefined ? withDefaultTag(reference) : { registry, repository, digest };
}

/**
 * Tells whether a text is a tag: at most 128 letters, digits, `_`, `.` and `-`.
 *
 * @param text Any text.
 * @returns Whether it is a tag.
 */
export function isTag(text: string): boolean {
  return isTagText(text);
}

/**
 * Tells whether a text is the name of a repository within a registry.
 *
 * @param text Any text.
 * @returns Whether it is a name, such as `library/alpine`.
 */
export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_REPOSITORY_NAME_LENGTH && isPath(text);
}

/**
 * Tells whether a text is the host of a registry: a domain name, an IPv4 address or an IPv6
 * address in brackets, with or without a port.
 *
 * @param text Any text.
 * @returns Whether it is a host.
 */
export function isRegistryHost(text: string): boolean {
  return isDomain(text);
}

/**
 * Tells whether a text is the ID of an image: 64 lower-case hexadecimal digits.
 *
 * @param text Any text.
 * @returns Whether it is an ID.
 */
export function isImageID(text: string): boolean {
  return text.length === 64 && !/[^a-f0-9]/.test(text);
}
