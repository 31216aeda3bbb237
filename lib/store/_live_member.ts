import { concatBytes } from "../bytes/concat.ts";
import type { Hasher } from "../hash/hasher.ts";
import type { Bytes } from "../model/bytes.ts";
import { DETECTION_BYTES } from "../compress/detect.ts";
import { formatDigest } from "../model/digest.ts";
import type { TarEntry } from "../tar/mod.ts";
import { abortable } from "./_abortable.ts";
import type { Aside, AsideFile } from "./_put_aside.ts";

/**
 * The file of a stream that comes by right now. Its bytes are read forward; the chunk that was read
 * last can be read again, so that a look at the first bytes costs nothing. Every call can be
 * aborted and called again: what was read from the stream is not lost. Calls must not overlap.
 */
export class LiveMember {
  readonly entry: TarEntry;
  readonly #hasher: Hasher | undefined;
  readonly #body: ReadableStreamDefaultReader<Bytes>;
  readonly #waiting = new Set<() => void>();
  #reading: Promise<ReadableStreamReadResult<Bytes>> | undefined;
  /** The chunk that was read last, and where it begins. */
  #chunk: Bytes = new Uint8Array();
  #start = 0;
  #end = 0;
  #head: Bytes | undefined;
  #file: AsideFile | undefined;
  #base = 0;
  #isWritten = false;
  #readers = 0;
  #isWanted = false;
  #usedAt = 0;

  constructor(entry: TarEntry, hasher: Hasher | undefined) {
    this.entry = entry;
    this.#hasher = hasher;
    this.#body = entry.body.getReader();
  }

  /** Where the bytes begin that can still be had. */
  get start(): number {
    return this.isOnItsWay ? this.#base : this.#start;
  }

  /** Whether somebody is reading, or has asked for it to read it. */
  get isHeld(): boolean {
    return this.#readers > 0 || this.#isWanted;
  }

  /** Whether it was read to its end. */
  get isRead(): boolean {
    return this.#end >= this.entry.size;
  }

  /** For how long nobody has read, in milliseconds. */
  get idleMs(): number {
    return Date.now() - this.#usedAt;
  }

  /** Says that it will be opened. */
  want(): void {
    this.#isWanted = true;
    this.#usedAt = Date.now();
  }

  /** Says that somebody reads it from now on. */
  opened(): void {
    this.#isWanted = false;
    this.#readers++;
    this.#usedAt = Date.now();
  }

  /** Says that somebody has done with it. */
  closed(): void {
    this.#readers--;
    for (const wake of this.#waiting) wake();
  }

  /** Waits until somebody has done with it, or the time is over. */
  async change(maxMs: number, signal: AbortSignal | undefined): Promise<void> {
    let wake = () => {};
    const changed = new Promise<void>((resolve) => wake = resolve);
    const timer = setTimeout(wake, maxMs);
    this.#waiting.add(wake);
    try {
      await abortable(changed, signal);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(wake);
    }
  }

  /** Reads as many of the first bytes as tell what it is. */
  async head(signal: AbortSignal | undefined): Promise<Bytes> {
    while (this.#head === undefined && this.#chunk.byteLength < DETECTION_BYTES) {
      const more = await this.#take(signal);
      if (more === undefined) break;
      this.#chunk = concatBytes([this.#chunk, more]);
    }
    return this.#head ??= this.#chunk.slice(0, DETECTION_BYTES);
  }

  /** The digest of what was put aside, where it was asked for. */
  digest(): string | undefined {
    return this.#hasher === undefined ? undefined : formatDigest("sha256", this.#hasher.digest());
  }

  /** Reads at a position; `undefined` when the stream has gone past it. */
  async read(position: number, length: number): Promise<Bytes | undefined> {
    if (position < this.#start) return undefined;
    while (position >= this.#start + this.#chunk.byteLength) {
      if (!await this.#next(undefined)) return new Uint8Array();
    }
    const at = position - this.#start;
    const isWhole = this.#start > 0 && at === 0 && length >= this.#chunk.byteLength;
    const bytes = isWhole ? this.#handOver() : this.#chunk.slice(at, at + length);
    this.#end = Math.max(this.#end, position + bytes.byteLength);
    this.#usedAt = Date.now();
    return bytes;
  }

  /** Puts what can still be read into a file. */
  async putAside(
    aside: Aside,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly file: AsideFile; readonly base: number }> {
    if (this.#file === undefined) {
      this.#file = await aside.begin(this.entry.size - this.#start);
      this.#base = this.#start;
    }
    for (;;) {
      if (!this.#isWritten) {
        await this.#file.write(this.#chunk);
        this.#hasher?.update(this.#chunk);
        this.#isWritten = true;
      }
      if (!await this.#next(signal)) break;
      this.#isWritten = false;
    }
    await this.#file.finish();
    const done = { file: this.#file, base: this.#base };
    this.#file = undefined;
    return done;
  }

  /** Whether it is being put aside, and was interrupted. */
  get isOnItsWay(): boolean {
    return this.#file !== undefined;
  }

  /** Waits for what is being read of the stream, so that the stream can go on. */
  async settle(signal: AbortSignal | undefined): Promise<void> {
    if (this.#reading !== undefined) await abortable(this.#reading, signal);
    this.#body.releaseLock();
  }

  /** Lets go of the file that it was being put into. */
  async abandon(): Promise<void> {
    await this.#file?.abandon();
  }

  /** Gives the chunk away instead of a copy: only the first one is looked at twice. */
  #handOver(): Bytes {
    const chunk = this.#chunk;
    this.#start += chunk.byteLength;
    this.#chunk = new Uint8Array();
    return chunk;
  }

  async #next(signal: AbortSignal | undefined): Promise<boolean> {
    const chunk = await this.#take(signal);
    if (chunk === undefined) return false;
    this.#start += this.#chunk.byteLength;
    this.#chunk = chunk;
    return true;
  }

  async #take(signal: AbortSignal | undefined): Promise<Bytes | undefined> {
    this.#reading ??= this.#body.read();
    const { value } = await abortable(this.#reading, signal);
    this.#reading = undefined;
    return value;
  }
}
