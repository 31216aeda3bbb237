import type { ByteStream } from "../model/bytes.ts";
import type {
  CallOptions,
  ContentSource,
  FetchOptions,
  Locator,
  RepositoryName,
} from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type ArchiveSource, openArchive } from "./_archive_source.ts";

/** Content of an edited image: what is new comes from the places given, the rest from the base. */
export class OverlayContent implements ContentSource, ArchiveSource, Locator {
  readonly #base: ContentSource;
  readonly #over: ReadonlyMap<string, ContentSource>;

  /**
   * Lays content over a base.
   *
   * @param base Has everything else.
   * @param over Where content is, by its digest.
   */
  constructor(base: ContentSource, over: ReadonlyMap<string, ContentSource>) {
    this.#base = base;
    this.#over = over;
  }

  async exists(target: Descriptor, options?: CallOptions): Promise<boolean> {
    return await this.#placeOf(target).exists(target, options);
  }

  async fetch(target: Descriptor, options?: FetchOptions): Promise<ByteStream> {
    return await this.#placeOf(target).fetch(target, options);
  }

  async openArchive(target: Descriptor, options: CallOptions): Promise<ByteStream | undefined> {
    return await openArchive(this.#placeOf(target), target, options);
  }

  async locate(target: Descriptor, options?: CallOptions): Promise<RepositoryName | undefined> {
    return await this.#placeOf(target).locate?.(target, options);
  }

  #placeOf({ digest }: Descriptor): ContentSource & Partial<Locator> {
    return this.#over.get(digest) ?? this.#base;
  }
}
