import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { Root } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError, NotFoundError } from "../model/errors.ts";
import type { HeldAs } from "../model/shared_registry.ts";
import { Holdings } from "./_holdings.ts";
import { isManifestChild, type ManifestEntry, readManifestEntry } from "./_manifest_entry.ts";
import { Mutex } from "./_mutex.ts";
import type { RepositoryNames, RepositoryTag } from "./_repository_names.ts";
import type { RegistryTarget } from "./target.ts";

/** How many notes are written at a time: a Worker has six connections. */
const MAX_NOTES = 4;

interface Unplaced {
  readonly descriptor: Descriptor;
  /** Absent until it was read, `null` when it is no manifest. */
  entry?: ManifestEntry | null;
}

/**
 * Knows which repository holds what. A target knows content and names, not repositories, so what a
 * repository holds is:
 *
 * - what was pushed to it or mounted into it since the handler was made;
 * - what its tags in the target reach: manifests, their children, configs and layers;
 * - unnamed roots of the target whose subject it holds; other unnamed roots belong to the default
 *   repository, if there is one.
 *
 * The second and the third are looked up when something is asked for that is not known yet, and
 * each manifest is read once.
 *
 * A target that is a shared registry notes all of this itself: it is asked each time, and only the
 * default repository, whose tags it cannot tell from other names, is looked up here.
 */
export class Shelves {
  readonly #target: RegistryTarget;
  readonly #names: RepositoryNames;
  readonly #repositories = new Map<string, Holdings>();
  /** Tags as pushed here, for targets that cannot list theirs. */
  readonly #pushedTags = new Map<string, RepositoryTag & { readonly descriptor: Descriptor }>();
  /** Roots that were put on a shelf once: what is deleted from a repository stays deleted. */
  readonly #seen = new Set<string>();
  /** Manifests pushed by digest: it is known where they belong. */
  readonly #claimed = new Set<string>();
  readonly #unplaced = new Map<string, Unplaced>();
  readonly #lookups = new Mutex();

  constructor(target: RegistryTarget, names: RepositoryNames) {
    this.#target = target;
    this.#names = names;
  }

  /** Finds a manifest of a repository by digest. */
  manifest(repository: string, digest: string): Promise<Descriptor | undefined> {
    return this.#find(repository, digest, ["manifest"]);
  }

  /** Finds a blob of a repository. */
  blob(repository: string, digest: string): Promise<Descriptor | undefined> {
    return this.#find(repository, digest, ["blob"]);
  }

  /** Finds a manifest or blob of a repository. */
  content(repository: string, digest: string): Promise<Descriptor | undefined> {
    return this.#find(repository, digest, ["manifest", "blob"]);
  }

  /** Finds a blob in any repository. */
  async blobAnywhere(digest: string): Promise<Descriptor | undefined> {
    for await (const repository of this.#target.repositories?.holders(digest) ?? []) {
      const found = await this.blob(repository, digest);
      if (found !== undefined) return found;
    }
    for (const repository of await this.#listRepositories()) {
      const found = await this.blob(repository, digest);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Finds the manifest behind a tag. */
  async tagged(name: RepositoryTag): Promise<Descriptor | undefined> {
    const descriptor = await this.#resolve(name);
    if (descriptor !== undefined && this.#isLookedUp(name.repository)) {
      this.#holdings(name.repository).addUnread(descriptor);
    }
    return descriptor;
  }

  /** Lists the tags of a repository; `undefined` when there is no such repository. */
  async tags(repository: string): Promise<readonly string[] | undefined> {
    await this.#listRepositories();
    const names = await this.#tags();
    const tags = names.filter((name) => name.repository === repository).map(({ tag }) => tag);
    if (tags.length === 0 && !this.#repositories.has(repository)) return undefined;
    return [...new Set(tags)];
  }

  /** Lists the repositories that hold something. */
  async repositories(): Promise<readonly string[]> {
    const all = await this.#listRepositories();
    const tagged = new Set((await this.#tags()).map(({ repository }) => repository));
    const holding = all.filter((repository) => {
      const holdings = this.#repositories.get(repository);
      return holdings !== undefined && holdings.manifests.size + holdings.blobs.size > 0;
    });
    return [...new Set([...tagged, ...holding])];
  }

  /** Lists the manifests of a repository that speak about a subject. */
  async referrers(repository: string, subject: string): Promise<Descriptor[]> {
    const found = new Map<string, Descriptor>();
    if (this.#isLookedUp(repository)) {
      for (const referrer of await this.#foundReferrers(repository, subject)) {
        found.set(referrer.digest, referrer);
      }
    }
    if (this.#target.repositories !== undefined) {
      for await (const referrer of this.#sharedReferrers(repository, subject)) {
        found.set(referrer.digest, referrer);
      }
    }
    return [...found.values()];
  }

  /** Lists the referrers among all that a repository is found to hold. */
  async #foundReferrers(repository: string, subject: string): Promise<readonly Descriptor[]> {
    return await this.#lookups.run(async () => {
      await this.#sync();
      const holdings = this.#repositories.get(repository);
      if (holdings === undefined) return [];
      while (await this.#readNext(holdings) || await this.#place(repository, holdings));
      return holdings.referrers(subject);
    });
  }

  /** Looks up everything that any repository holds and that is not noted in the target. */
  async lookUpAll(): Promise<void> {
    await this.#lookups.run(async () => {
      await this.#sync();
      for (const [repository, holdings] of this.#repositories) {
        while (await this.#readNext(holdings) || await this.#place(repository, holdings));
      }
    });
  }

  /** Tells whether any repository is known here to hold something of this digest. */
  isHeld(digest: string): boolean {
    return [...this.#repositories.values()].some((holdings) => holdings.has(digest));
  }

  /** Tells whether the target notes that a repository holds something of this digest. */
  async isHeldByOthers(digest: string): Promise<boolean> {
    for await (const _ of this.#target.repositories?.holders(digest) ?? []) return true;
    return false;
  }

  /** Tells whether the manifest is a root of the target. */
  async isRoot(digest: string): Promise<boolean> {
    for await (const { descriptor } of this.#roots()) {
      if (descriptor.digest === digest) return true;
    }
    return false;
  }

  /** Lists the references of the target that are tags of a repository for a manifest. */
  async referencesTo(repository: string, digest: string): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { reference, descriptor } of this.#roots()) {
      if (reference === undefined || descriptor.digest !== digest) continue;
      if (this.#names.parse(reference)?.repository === repository) found.push(reference);
    }
    return found;
  }

  /** Notes a tag that was written. */
  noteTag(name: RepositoryTag, descriptor: Descriptor): void {
    this.#seen.add(seenKey(name.repository, descriptor.digest));
    if (this.#target.roots === undefined) {
      this.#pushedTags.set(`${name.repository}:${name.tag}`, { ...name, descriptor });
    }
  }

  /** Notes that a manifest was pushed by its digest alone, before it becomes a root. */
  claim(digest: string): void {
    this.#claimed.add(digest);
  }

  /** Notes that a repository holds a blob. */
  async holdBlob(repository: string, blob: Descriptor): Promise<void> {
    const { repositories } = this.#target;
    if (repositories !== undefined) return await repositories.hold(repository, blob, "blob");
    this.#holdings(repository).blobs.set(blob.digest, blob);
  }

  /** Notes that a repository holds a manifest whose parts it holds. */
  async holdManifest(repository: string, entry: ManifestEntry): Promise<void> {
    const { repositories } = this.#target;
    if (repositories === undefined) return this.#holdings(repository).addPushed(entry);
    await repositories.hold(repository, entry.descriptor, "manifest");
  }

  /** Notes that a repository holds a manifest and all that it names, whether that is here or not. */
  async holdNamed(repository: string, entry: ManifestEntry): Promise<void> {
    const { repositories } = this.#target;
    if (repositories === undefined) return this.#holdings(repository).addRead(entry);
    const note = async (content: Descriptor, as: HeldAs): Promise<void> => {
      const held = await repositories.held(repository, content.digest, as);
      if (held === undefined) await repositories.hold(repository, content, as);
    };
    await mapConcurrent(
      entry.children,
      MAX_NOTES,
      (child) => note(child, isManifestChild(child) ? "manifest" : "blob"),
    );
    await note(entry.descriptor, "manifest");
  }

  /** Notes that a repository does not hold something any more. */
  async drop(repository: string, digest: string, as: HeldAs): Promise<void> {
    const holdings = this.#repositories.get(repository);
    if (as === "blob") holdings?.blobs.delete(digest);
    else holdings?.dropManifest(digest);
    await this.#target.repositories?.release(repository, digest, as);
  }

  /** Gives what a repository holds, as far as it is known; makes the repository. */
  #holdings(repository: string): Holdings {
    const known = this.#repositories.get(repository);
    if (known !== undefined) return known;
    const holdings = new Holdings();
    this.#repositories.set(repository, holdings);
    return holdings;
  }

  /** Tells whether what the repository holds is known here, not in the target. */
  #isLookedUp(repository: string): boolean {
    return this.#target.repositories === undefined || repository === this.#names.defaultRepository;
  }

  async #find(
    repository: string,
    digest: string,
    kinds: readonly HeldAs[],
  ): Promise<Descriptor | undefined> {
    const look = ({ manifests, blobs }: Holdings) =>
      kinds.map((as) => (as === "blob" ? blobs : manifests).get(digest)).find(Boolean);
    for (const as of kinds) {
      const held = await this.#target.repositories?.held(repository, digest, as);
      if (held !== undefined) return held;
    }
    if (!this.#isLookedUp(repository)) return undefined;
    const known = this.#repositories.get(repository);
    const found = known && look(known);
    if (found !== undefined) return found;
    return await this.#lookups.run(async () => {
      await this.#sync();
      const holdings = this.#repositories.get(repository);
      if (holdings === undefined) return undefined;
      for (;;) {
        const found = look(holdings);
        if (found !== undefined) return found;
        if (await this.#readNext(holdings)) continue;
        if (!await this.#place(repository, holdings)) return undefined;
      }
    });
  }

  async #resolve(name: RepositoryTag): Promise<Descriptor | undefined> {
    const references = this.#names.referencesOf(name);
    for (const reference of references) {
      const found = await this.#target.repositories?.named(reference);
      if (found !== undefined) return found;
    }
    if (this.#target.repositories !== undefined) return undefined;
    // Stores resolve any spelling of an image's name; a repository has exactly its own tags.
    if (this.#target.roots !== undefined) {
      const found = new Map<string, Descriptor>();
      for await (const { reference, descriptor } of this.#roots()) {
        if (reference !== undefined) found.set(reference, descriptor);
      }
      return references.map((reference) => found.get(reference)).find(Boolean);
    }
    for (const reference of references) {
      try {
        return await this.#target.resolve(reference);
      } catch (error) {
        if (!isLadingError(error) || !(error instanceof NotFoundError)) throw error;
      }
    }
    return undefined;
  }

  async #tags(): Promise<RepositoryTag[]> {
    if (this.#target.roots === undefined) return [...this.#pushedTags.values()];
    const found: RepositoryTag[] = [];
    for await (const { reference } of this.#roots()) {
      const name = reference === undefined ? undefined : this.#names.parse(reference);
      if (name !== undefined) found.push(name);
    }
    return found;
  }

  /** Lists the referrers that the target knows and that belong to a repository. */
  async *#sharedReferrers(repository: string, digest: string): AsyncGenerator<Descriptor> {
    const subject = await this.manifest(repository, digest) ?? { ...UNKNOWN, digest };
    for await (const referrer of this.#target.referrers?.(subject) ?? []) {
      // What nobody holds did not come through a registry: it is where its subject is.
      const belongs = await this.manifest(repository, referrer.digest) !== undefined ||
        subject.size > 0 && !await this.isHeldByOthers(referrer.digest);
      if (belongs) yield referrer;
    }
  }

  async *#roots(): AsyncGenerator<Root> {
    try {
      yield* this.#target.roots?.() ?? [];
    } catch (error) {
      // A layout that nobody has written to yet is not there: it holds nothing.
      if (!isLadingError(error) || !(error instanceof NotFoundError)) throw error;
    }
  }

  #listRepositories(): Promise<readonly string[]> {
    return this.#lookups.run(async () => {
      await this.#sync();
      return [...this.#repositories.keys()];
    });
  }

  /** Puts the roots that the target has got since the last time on their shelves. */
  async #sync(): Promise<void> {
    if (this.#target.roots === undefined) return;
    for await (const { reference, descriptor } of this.#roots()) {
      const repository = reference === undefined
        ? this.#names.defaultRepository
        : this.#names.parse(reference)?.repository;
      if (reference === undefined) {
        if (this.#claimed.has(descriptor.digest)) continue;
        if (repository === undefined) {
          const known = this.#unplaced.has(descriptor.digest);
          if (!known) this.#unplaced.set(descriptor.digest, { descriptor });
          continue;
        }
      }
      if (repository === undefined || !this.#isLookedUp(repository)) continue;
      if (!this.#isNew(repository, descriptor.digest)) continue;
      this.#holdings(repository).addUnread(descriptor);
    }
  }

  /** Reads one manifest of a repository that was not read yet. */
  async #readNext(holdings: Holdings): Promise<boolean> {
    for (const descriptor of holdings.unread.values()) {
      const entry = await readManifestEntry(this.#target, descriptor);
      const isWanted = holdings.unread.delete(descriptor.digest);
      if (isWanted && entry !== undefined) holdings.addRead(entry);
      return true;
    }
    return false;
  }

  /** Gives a repository the unnamed roots that speak about what it holds. */
  async #place(repository: string, holdings: Holdings): Promise<boolean> {
    for (const [digest, unplaced] of this.#unplaced) {
      if (unplaced.entry === undefined) {
        unplaced.entry = await readManifestEntry(this.#target, unplaced.descriptor) ?? null;
      }
      const { entry } = unplaced;
      if (entry?.subject === undefined || !holdings.manifests.has(entry.subject)) continue;
      if (!this.#isNew(repository, digest)) continue;
      holdings.addRead(entry);
      return true;
    }
    return false;
  }

  #isNew(repository: string, digest: string): boolean {
    const key = seenKey(repository, digest);
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** A subject that is not there, which the specification allows. */
const UNKNOWN = { mediaType: "", size: 0 };

function seenKey(repository: string, digest: string): string {
  return `${repository}@${digest}`;
}
