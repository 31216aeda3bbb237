import type { Descriptor } from "../model/descriptor.ts";
import { isManifestChild, type ManifestEntry } from "./_manifest_entry.ts";

/**
 * What one repository holds. The content itself is in the target, shared by all repositories; this
 * is the list of what may be asked for under the repository's name.
 */
export class Holdings {
  readonly manifests: Map<string, Descriptor> = new Map();
  readonly blobs: Map<string, Descriptor> = new Map();
  /** Manifests that nobody has looked into yet: what they are made of is not listed. */
  readonly unread: Map<string, Descriptor> = new Map();
  readonly #referrers = new Map<string, Map<string, Descriptor>>();

  /** Lists a manifest by its descriptor alone; what it is made of is looked up when needed. */
  addUnread(descriptor: Descriptor): void {
    if (this.manifests.has(descriptor.digest)) return;
    this.manifests.set(descriptor.digest, descriptor);
    this.unread.set(descriptor.digest, descriptor);
  }

  /** Lists a manifest that was read, and what it is made of. */
  addRead(entry: ManifestEntry): void {
    const { descriptor, subject, children } = entry;
    this.addPushed(entry);
    for (const child of children) {
      if (isManifestChild(child)) this.addUnread(child);
      else if (!this.blobs.has(child.digest)) this.blobs.set(child.digest, child);
    }
    if (subject !== undefined) this.#addReferrer(subject, descriptor);
  }

  /** Lists a manifest whose parts were pushed, and so listed, on their own. */
  addPushed({ descriptor, subject }: ManifestEntry): void {
    const { mediaType, digest, size } = descriptor;
    this.manifests.set(digest, { mediaType, digest, size });
    this.unread.delete(digest);
    if (subject !== undefined) this.#addReferrer(subject, descriptor);
  }

  /** Lists the manifests that speak about a subject. */
  referrers(subject: string): Descriptor[] {
    return [...this.#referrers.get(subject)?.values() ?? []];
  }

  /** Takes a manifest off the list. */
  dropManifest(digest: string): void {
    this.manifests.delete(digest);
    this.unread.delete(digest);
    for (const [subject, referrers] of this.#referrers) {
      if (referrers.delete(digest) && referrers.size === 0) this.#referrers.delete(subject);
    }
  }

  /** Tells whether anything of this digest is listed. */
  has(digest: string): boolean {
    return this.manifests.has(digest) || this.blobs.has(digest);
  }

  #addReferrer(subject: string, descriptor: Descriptor): void {
    const referrers = this.#referrers.get(subject) ?? new Map<string, Descriptor>();
    this.#referrers.set(subject, referrers.set(descriptor.digest, descriptor));
  }
}
