import { InvalidReferenceError } from "../model/errors.ts";
import {
  DEFAULT_TAG,
  familiarName,
  familiarReference,
  parseAnyReference,
  parseReference,
  type Reference,
} from "../model/reference.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

/** What distribution/reference says of a text that is no reference. */
function wordsOf(error: InvalidReferenceError): string {
  const reason = error.message.slice(error.message.lastIndexOf(": ") + 2);
  return reason.startsWith("invalid") ? reason : `invalid reference format: ${reason}`;
}

function orRefused<Result>(status: number, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    throw new Refusal(status, wordsOf(error));
  }
}

/** Reads a name, or refuses it with a status. */
export function parseName(text: string, status: number): Reference {
  return orRefused(status, () => parseReference(text));
}

/** Reads a name, or the digest of an image; `undefined` stands for such a digest. */
export function parseNameOrID(text: string, status: number): Reference | undefined {
  const found = orRefused(status, () => parseAnyReference(text));
  return "registry" in found ? found : undefined;
}

/** A tag or a digest in place of those of a name. */
export function withTag(reference: Reference, tag: string, status: number): Reference {
  const separator = tag.includes(":") ? "@" : ":";
  if (separator === ":" && !/^\w[\w.-]{0,127}$/.test(tag)) {
    throw new Refusal(status, "invalid tag format");
  }
  return parseName(`${familiarName(reference)}${separator}${tag}`, status);
}

/** A name as Docker shows it when something is missing: with the tag that was meant. */
export function shownName(reference: Reference): string {
  const { tag, digest } = reference;
  return familiarReference(
    tag === undefined && digest === undefined ? { ...reference, tag: DEFAULT_TAG } : reference,
  );
}

/** Tells whether a name fits a pattern of the filter `reference` (`FamiliarMatch`). */
export function fitsPattern(pattern: string, reference: Reference): boolean {
  return matchPath(pattern, familiarReference(reference)) ||
    matchPath(pattern, familiarName(reference));
}

/** Matches as Go's `path.Match`: `*` and `?` take no slash, `[a-z]` and `\x` work. */
export function matchPath(pattern: string, text: string): boolean {
  const source = pattern.replace(
    /\\(.)|\[\^?[^\]]+\]|[\s\S]/g,
    (part: string, escaped?: string) => {
      if (escaped !== undefined) return quote(escaped);
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return part.length > 1 ? part : quote(part);
    },
  );
  try {
    return new RegExp(`^${source}$`, "u").test(text);
  } catch {
    throw new Refusal(500, "syntax error in pattern");
  }
}

function quote(character: string): string {
  return /[$()*+./?[\\\]^{|}]/.test(character) ? `\\${character}` : character;
}
