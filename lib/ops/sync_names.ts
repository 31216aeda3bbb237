import type { Referrers, Roots, Source, Tags } from "../model/content.ts";
import { LimitExceededError, NameTakenError } from "../model/errors.ts";
import { isTag, parseReference } from "../model/reference.ts";
import { together } from "./_together.ts";

/** How many names one sync may be about. */
export const MAX_SYNC_NAMES = 100_000;

/** A place whose names can be listed: a repository of a registry, an OCI layout, an archive. */
export type ListedSource = Source & Partial<Referrers> & (Tags | Roots);

/** Tells whether a place lists its names. */
export function isListed(source: Source): source is ListedSource {
  return "tags" in source || "roots" in source;
}

// distribution-spec, referrers tag schema; the digests of SHA-512 are cut.
const REFERRERS_TAG_REGEXP = /^sha(?:256|512)-[0-9a-f]{64}$/;

/** Lists the names that a sync is about, in their order. */
export async function namesOf(
  source: ListedSource,
  include: (tag: string) => boolean = () => true,
  signal: AbortSignal,
): Promise<string[]> {
  const names = new Set<string>();
  for await (const name of listNames(source, signal)) {
    const tag = tagIn(name);
    // A list of referrers belongs to its registry: each target keeps one of its own, or none.
    if (REFERRERS_TAG_REGEXP.test(tag)) continue;
    if (include(tag)) names.add(name);
    if (names.size > MAX_SYNC_NAMES) {
      throw new LimitExceededError(`Cannot sync more than ${MAX_SYNC_NAMES} tags`, {
        limit: MAX_SYNC_NAMES,
        unit: "tags",
      });
    }
  }
  return [...names].sort();
}

/** Lists the names of a place. */
export async function* listNames(
  source: ListedSource,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if ("tags" in source) return yield* source.tags({ signal });
  for await (const { reference } of source.roots({ signal })) {
    if (reference !== undefined) yield reference;
  }
}

/** The tag of a name: layouts and archives name images in full, too. */
export function tagIn(name: string): string {
  return isTag(name) ? name : parseReference(name).tag ?? "latest";
}

/** Gives the images of a sync their names in the target, no name to two images. */
export class GivenNames {
  readonly #source: Source;
  readonly #nameOf: (reference: string) => string;
  readonly #given = new Map<string, string>();

  constructor(source: Source, nameOf: (reference: string) => string = tagIn) {
    this.#source = source;
    this.#nameOf = nameOf;
  }

  /**
   * Gives a name.
   *
   * @throws {NameTakenError} when the sync gave it to another image: the target would lose that one.
   */
  async give(reference: string, signal: AbortSignal): Promise<string> {
    const name = this.#nameOf(reference);
    const other = this.#given.get(name);
    if (other === undefined) {
      this.#given.set(name, reference);
      return name;
    }
    const [first, second] = await together(
      (signal) => this.#source.resolve(other, { signal }),
      (signal) => this.#source.resolve(reference, { signal }),
      signal,
    );
    if (first.digest === second.digest) return name;
    throw new NameTakenError(
      `Cannot sync ${JSON.stringify(reference)}: in the target it is ${JSON.stringify(name)}, as ` +
        `${JSON.stringify(other)} is, another image; copy it alone, to another place or name`,
      { reference: name, descriptor: first },
    );
  }
}
