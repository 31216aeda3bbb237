import { withSignal } from "../bytes/signal.ts";
import { decompress } from "../compress/decompress.ts";
import { detectCompression } from "../compress/detect.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError, NotFoundError, UnsafePathError } from "../model/errors.ts";
import { MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { readTar, sanitizePath, type TarEntry, type TarSummary } from "../tar/mod.ts";
import { abortable } from "./_abortable.ts";
import type { ArchiveFiles, FindOptions } from "./_archive.ts";
import { quietly } from "./_files.ts";
import { JSON_STARTS } from "./_layout_blobs.ts";
import { LiveMember } from "./_live_member.ts";
import { Aside, type AsideFile, type AsideOptions } from "./_put_aside.ts";
import type { RandomAccess } from "./random_access.ts";
import {
  checkMemberCount,
  type FileMember,
  type LinkMember,
  linkMember,
  TarMembers,
} from "./_tar_members.ts";

/** Small files are put aside in any case, so that they can be read twice: 127 layers of this. */
const MAX_SMALL_BYTES = 64 * 1024;

/**
 * Who has opened a file holds the stream up while he reads. After this time without a read the
 * rest of his file is put aside, and others get what they wait for.
 */
const PATIENCE_MS = 1000;

/** The same when there is no room to put it aside: who waits fails after this time. */
const LAST_PATIENCE_MS = 60_000;

/** How long the end of an archive may take when it is closed: it has been sent, or it has not. */
const END_MS = 100;

/** How an archive is read from a stream. */
export interface StreamContext extends AsideOptions {
  readonly hasher: HasherFactory | undefined;
  /** Whether the digests of all files are needed, so that all are read before any is opened. */
  readonly isHashed: boolean;
  /** How long a reader may rest; see {@linkcode PATIENCE_MS}. */
  readonly patienceMs?: number | undefined;
  /** How long he may rest when nothing can be put aside. */
  readonly lastPatienceMs?: number | undefined;
}

/** A file that was put aside: from `base` on, where its begin was handed out before. */
interface Kept {
  readonly file: AsideFile;
  readonly base: number;
}

/**
 * A tar archive that comes as a stream. It is read forward, as far as somebody asks for a file of
 * it. The file that comes by is handed out straight from the stream, once; what others ask for
 * later is put aside when the stream has to go on.
 */
export class StreamedArchive implements ArchiveFiles {
  readonly #context: StreamContext;
  readonly #aside: Aside;
  readonly #entries: AsyncGenerator<TarEntry, TarSummary, undefined>;
  readonly #end = new AbortController();
  readonly #byPath = new Map<string, FileMember | LinkMember>();
  readonly #members: TarMembers;
  readonly #places = new Map<FileMember, LiveMember | Kept>();
  /** What somebody waits for to open it. */
  readonly #wishes = new Set<{ readonly path: string }>();
  readonly #opened = new Set<FileMember | LinkMember>();
  #next: Promise<IteratorResult<TarEntry, TarSummary>> | undefined;
  #live: { readonly file: LiveMember; member: FileMember | undefined } | undefined;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failure: { readonly error: unknown } | undefined;
  #isEnded = false;

  constructor(stream: ByteStream, context: StreamContext) {
    this.#context = context;
    this.#aside = new Aside(context);
    this.#members = new TarMembers(this.#byPath, context.place);
    this.#entries = readTar(decompress(withSignal(stream, this.#end.signal)));
  }

  /** The archive, for messages. */
  get place(): string {
    return this.#context.place;
  }

  /** Reads on until a file has come, or everything. */
  async find(path: string, options: FindOptions = {}): Promise<FileMember | undefined> {
    const wish = { path };
    if (options.isWanted === true) this.#wishes.add(wish);
    try {
      return await this.#readUntil(() => {
        const found = this.#members.find(path);
        if (found !== undefined && options.isWanted === true) this.#keepWaiting(found);
        return found;
      }, options.signal);
    } finally {
      this.#wishes.delete(wish);
    }
  }

  /** Reads everything. */
  async members(signal?: AbortSignal): Promise<TarMembers> {
    await this.#readUntil(() => undefined, signal);
    return this.#members;
  }

  /** Opens a file that has come. One that was handed out from the stream is not there again. */
  async open(member: FileMember): Promise<RandomAccess> {
    this.#check();
    this.#opened.add(member);
    const place = this.#places.get(member);
    if (place instanceof LiveMember) {
      if (place.start === 0) return this.#follow(member, place);
    } else if (place?.base === 0) return await place.file.open();
    throw this.#gone(member);
  }

  /** Ends the stream, and removes what was put aside. */
  async close(): Promise<void> {
    // Who is in turn may wait for a stream that stalls.
    if (this.#waiting === 0) await this.#inTurn(undefined, () => this.#takeEnd());
    const error = new TypeError(`Cannot read ${this.place}: it is closed`);
    this.#failure = { error };
    this.#end.abort(error);
    await this.#inTurn(undefined, async () => {
      await this.#live?.file.abandon();
      await quietly(this.#entries.return({ entries: 0, truncatedTrailer: true }));
      await this.#aside.clear();
    });
  }

  /**
   * Takes the end of an archive of which everything was read: whoever writes it into a pipe would
   * fail otherwise.
   */
  async #takeEnd(): Promise<void> {
    const live = this.#live?.file;
    const isRead = live === undefined || live.isRead && !live.isHeld;
    if (!isRead || this.#failure !== undefined || this.#opened.size === 0) return;
    const signal = AbortSignal.timeout(END_MS);
    try {
      await live?.settle(signal);
      await abortable(this.#next ??= this.#entries.next(), signal);
    } catch {
      // Nobody needs what is there, whether it comes or not.
    }
  }

  async #readUntil<Found>(
    find: () => Found | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Found | undefined> {
    for (;;) {
      const step = await this.#inTurn(signal, async () => {
        this.#check();
        const found = find();
        if (found !== undefined || this.#isEnded) return { found };
        const live = this.#live?.file;
        const patienceMs = live === undefined ? 0 : this.#patienceWith(live);
        if (live !== undefined && patienceMs > 0) return { live, patienceMs };
        await this.#readOn(signal);
        return undefined;
      });
      if (step === undefined) continue;
      if (step.live === undefined) return step.found;
      await step.live.change(step.patienceMs, signal);
    }
  }

  /** How long to wait for who reads what comes by, before it is put aside. */
  #patienceWith(live: LiveMember): number {
    if (!live.isHeld || live.isRead || live.isOnItsWay) return 0;
    const { patienceMs = PATIENCE_MS, lastPatienceMs = LAST_PATIENCE_MS } = this.#context;
    const hasRoom = this.#aside.hasRoomFor(live.entry.size - live.start);
    return (hasRoom ? patienceMs : lastPatienceMs) - live.idleMs;
  }

  /** Takes one file or link from the stream; if it is aborted, the next call goes on there. */
  async #readOn(signal: AbortSignal | undefined): Promise<void> {
    try {
      if (this.#live?.member !== undefined) {
        await this.#pass(this.#live.file, this.#live.member, signal);
      }
      if (this.#live === undefined) {
        this.#next ??= this.#entries.next();
        const { done, value } = await abortable(this.#next, signal);
        this.#next = undefined;
        if (done === true) this.#isEnded = true;
        else await this.#take(value);
      }
      if (this.#live !== undefined) await this.#present(this.#live.file, signal);
    } catch (error) {
      const isAbort = signal?.aborted === true && error === signal.reason;
      if (!isAbort) this.#failure ??= { error };
      throw error;
    }
  }

  /** Takes an entry in, unless nobody will ask for it. */
  async #take(entry: TarEntry): Promise<void> {
    if (entry.type !== "file" && entry.type !== "symlink" && entry.type !== "hardlink") return;
    const path = sanitizePath(entry.path);
    const before = this.#byPath.get(path);
    if (before !== undefined && this.#opened.has(before)) {
      // Blobs prove themselves; of anything else another reader would have taken the last one.
      if (path.startsWith("blobs/")) return;
      const offset = entry.headerOffset;
      throw new InvalidTarError(
        `Cannot read ${this.place}: it has two files ${JSON.stringify(path)} (byte ${offset})`,
        { offset },
      );
    }
    const link = linkMember(entry);
    if (link !== undefined) return await this.#register(path, link);
    const { hasher = createHasher, isHashed } = this.#context;
    const file = new LiveMember(entry, isHashed ? hasher("sha256") : undefined);
    this.#live = { file, member: undefined };
  }

  /** Shows what has come, or puts it aside first. */
  async #present(live: LiveMember, signal: AbortSignal | undefined): Promise<void> {
    const { entry } = live;
    const head = await live.head(signal);
    const isDocument = entry.size <= MAX_CONFIG_BYTES && JSON_STARTS.has(head[0] ?? 0);
    const isKept = this.#context.isHashed || isDocument || entry.size <= MAX_SMALL_BYTES;
    const kept = isKept ? await live.putAside(this.#aside, signal) : undefined;
    const member: FileMember = {
      type: "file",
      offset: entry.bodyOffset,
      size: entry.size,
      compression: detectCompression(head),
      digest: live.digest(),
    };
    await this.#register(sanitizePath(entry.path), member);
    this.#places.set(member, kept ?? live);
    this.#live = isKept ? undefined : { file: live, member };
    if (isKept) return await live.settle(signal);
    // Who waits for it may get his turn after somebody who would read on.
    if (this.#isWished(member)) live.want();
  }

  /** Lets the stream wait at a file that will be opened. */
  #keepWaiting(member: FileMember): void {
    const place = this.#places.get(member);
    if (place instanceof LiveMember) place.want();
  }

  #isWished(member: FileMember): boolean {
    for (const { path } of this.#wishes) {
      try {
        if (this.#members.find(path) === member) return true;
      } catch (error) {
        // That is for the one whose wish it is.
        if (!(error instanceof UnsafePathError)) throw error;
      }
    }
    return false;
  }

  /** Leaves what comes by: aside, where somebody may still need it. */
  async #pass(
    live: LiveMember,
    member: FileMember,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const isNeeded = !live.isRead && (live.isHeld || live.start === 0);
    if (live.isOnItsWay || isNeeded) {
      this.#places.set(member, await live.putAside(this.#aside, signal));
    } else {
      this.#places.delete(member);
    }
    await live.settle(signal);
    this.#live = undefined;
  }

  async #register(path: string, member: FileMember | LinkMember): Promise<void> {
    const before = this.#byPath.get(path);
    if (before?.type === "file") {
      const place = this.#places.get(before);
      this.#places.delete(before);
      if (place !== undefined && !(place instanceof LiveMember)) await place.file.remove();
    }
    this.#byPath.set(path, member);
    checkMemberCount(this.#byPath.size, this.place);
  }

  /** Opens what comes by; once it was put aside, it is read from there. */
  #follow(member: FileMember, live: LiveMember): RandomAccess {
    live.opened();
    let isOpen = true;
    let file: RandomAccess | undefined;
    return {
      size: member.size,
      read: (position, length) =>
        this.#inTurn(undefined, async () => {
          this.#check();
          if (position >= member.size) return new Uint8Array();
          const bytes = await this.#readLive(member, position, length);
          if (bytes !== undefined) return bytes;
          const place = this.#places.get(member);
          const isThere = place !== undefined && !(place instanceof LiveMember) &&
            position >= place.base;
          if (!isThere) throw this.#gone(member);
          file ??= await place.file.open();
          return await file.read(position - place.base, length);
        }),
      close: async () => {
        if (isOpen) live.closed();
        isOpen = false;
        await file?.close();
      },
    };
  }

  async #readLive(
    member: FileMember,
    position: number,
    length: number,
  ): Promise<Bytes | undefined> {
    const place = this.#places.get(member);
    if (!(place instanceof LiveMember)) return undefined;
    try {
      if (!place.isOnItsWay) return await place.read(position, length);
      await this.#pass(place, member, undefined);
      return undefined;
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  #gone({ offset, size }: FileMember): NotFoundError {
    return new NotFoundError(
      `Cannot read ${size} bytes at byte ${offset} of ${this.place} again: it is a stream, and has ` +
        "gone past them; read them once, or save the archive as a file",
    );
  }

  /** Runs what must not overlap. */
  async #inTurn<Result>(
    signal: AbortSignal | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const before = this.#turn;
    this.#waiting++;
    let end = () => {};
    this.#turn = new Promise((resolve) => end = resolve);
    try {
      await abortable(before, signal);
    } catch (error) {
      this.#waiting--;
      void before.then(end);
      throw error;
    }
    try {
      return await work();
    } finally {
      this.#waiting--;
      end();
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
