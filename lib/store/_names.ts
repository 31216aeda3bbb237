import type { Descriptor } from "../model/descriptor.ts";
import { InvalidReferenceError, isLadingError, NotFoundError } from "../model/errors.ts";
import {
  formatReference,
  isDigestReference,
  parseReference,
  withDefaultTag,
} from "../model/reference.ts";

/** A name of a store. */
export interface NamedRoot {
  /** Tells apart what names point at: a digest, where it is known. */
  readonly digest: string;
  /** The name that decides: the full one where an entry has two. */
  readonly name: string;
  /** A shorter name for the same thing, which other entries may share. */
  readonly shortName?: string | undefined;
}

/** Gives the canonical spelling of an image name, or `undefined` when it is none. */
export function canonicalName(name: string): string | undefined {
  try {
    return formatReference(withDefaultTag(parseReference(name)));
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

/**
 * Finds the manifest behind a name. The spelling of the store goes first, then short names, then
 * any spelling that docker takes for the same image. Names that several entries share are good
 * as long as they all mean the same digest.
 *
 * @param place The store, for messages: `OCI layout "x"`.
 */
export function findByName<Root extends NamedRoot>(
  roots: readonly Root[],
  wanted: string,
  place: string,
): Root | undefined {
  const canonical = canonicalName(wanted);
  const tiers: readonly ((root: NamedRoot) => boolean)[] = [
    (root) => root.name === wanted,
    (root) => root.shortName === wanted,
    (root) => canonical !== undefined && canonicalName(root.name) === canonical,
  ];
  for (const matches of tiers) {
    const found = roots.filter(matches);
    if (found.length > 0) return onlyOne(found, wanted, place);
  }
  return undefined;
}

/** What an entry without a name tells of itself. */
interface UnnamedRoot {
  readonly digest: string;
  readonly artifactType?: string | undefined;
}

/**
 * Takes the root of a store that has exactly one image. Signatures and other artifacts beside it are
 * none; where there are only artifacts, one of them counts.
 */
export function findOnly<Root extends UnnamedRoot>(
  roots: readonly Root[],
  names: readonly string[],
  place: string,
): Root {
  const images = roots.filter(({ artifactType }) => artifactType === undefined);
  const candidates = images.length === 0 ? roots : images;
  const [first] = candidates;
  if (first === undefined) throw new NotFoundError(`Cannot open ${place}: it holds no image`);
  if (candidates.every(({ digest }) => digest === first.digest)) return first;
  const count = new Set(candidates.map(({ digest }) => digest)).size;
  const choices = names.length === 0 ? candidates.map(({ digest }) => digest) : names;
  const shown = choices.slice(0, 10).map((name) => JSON.stringify(name)).join(", ");
  throw new InvalidReferenceError(
    `Cannot choose an image of ${place}: it holds ${count}; say which one (${shown})`,
    { input: "" },
  );
}

function onlyOne<Root extends NamedRoot>(
  found: readonly Root[],
  wanted: string,
  place: string,
): Root | undefined {
  const [first, ...others] = found;
  const other = others.find(({ digest }) => digest !== first?.digest);
  if (other === undefined) return first;
  throw new InvalidReferenceError(
    `Cannot resolve ${JSON.stringify(wanted)} in ${place}: the name is ambiguous, it stands for ` +
      `${first?.digest} and ${other.digest}; ask for a digest`,
    { input: wanted },
  );
}

// The longest name a registry takes is 255 characters, a tag 128; a domain and a port go before.
const NAME_REGEXP = /^[A-Za-z0-9_[][A-Za-z0-9_.:@+/[\]-]{0,1023}$/;

/** Tells whether a text can stand as a name in a store. */
export function isNameText(reference: string): boolean {
  return NAME_REGEXP.test(reference);
}

/** Refuses what cannot stand as a name in a store. */
export function checkName(reference: string): void {
  if (isNameText(reference)) return;
  throw new InvalidReferenceError(
    `Cannot tag ${JSON.stringify(reference.slice(0, 256))}: it is no name for an image`,
    { input: reference },
  );
}

/**
 * Tells whether what content is tagged with is a name; else it is the digest of that content.
 *
 * @throws {InvalidReferenceError} when it can be neither.
 */
export function isNameFor({ digest }: Descriptor, reference: string): boolean {
  if (!isDigestReference(reference)) {
    checkName(reference);
    return true;
  }
  if (reference === digest) return false;
  throw new InvalidReferenceError(
    `Cannot tag ${digest} as ${reference}: that is the digest of other content`,
    { input: reference },
  );
}

/** Makes the error for a name that is not there. */
export function noSuchReference(reference: string, place: string): NotFoundError {
  return new NotFoundError(
    `Cannot resolve ${JSON.stringify(reference)} in ${place}: there is no such reference`,
  );
}
