import type { Bytes } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";
import type { KernelExports } from "./_exports.ts";
import { COUNT_AT, STATE_BYTES, WORDS_AT } from "./_hash_state.ts";
import { LaneTrial } from "./_lane_trial.ts";
import type { WasmInstances } from "./_wasm_instances.ts";

/** Messages that the kernel hashes at once. */
const LANES = 4;
/** Fewer never take less time side by side than one after the other. */
const COMPANY = 3;
/** What is hashed at a time at least, whole blocks: enough for a call, little for one that waits. */
const PAGE_BYTES = 16_384;
const PAGE_BLOCKS = PAGE_BYTES / 64;
const WORDS = 8;
/**
 * Pages of 64 KiB that the memory grows by, so that 768 KiB may wait. A layer gives 64 KiB as it is
 * stored and several times as many bytes decompressed before it is another's turn; with half of the
 * room, one layer would fill it.
 */
const GROWTH = 6;
/** Pages taken from a message that has no company: as few as pay, since company may come. */
const ALONE_PAGES = 4;

/** A message: its state, and behind that the bytes that wait to be hashed. */
export class LaneMessage {
  /** Has no open block while bytes wait. */
  readonly state: Bytes;
  /** Where the pages lie that wait, in order; all but the last are full. */
  readonly pages: number[] = [];
  /** Bytes of the last page. */
  held = 0;
  /** Whether the kernel has failed with bytes that waited. */
  isLost = false;

  constructor(state: Bytes) {
    this.state = state;
  }

  get fullPages(): number {
    return this.held === PAGE_BYTES ? this.pages.length : Math.max(this.pages.length - 1, 0);
  }

  /** The chaining words, to be read and written. */
  get words(): Uint32Array {
    return new Uint32Array(this.state.buffer, WORDS_AT, WORDS);
  }

  /** Takes note of bytes that were hashed. */
  addToCount(bytes: number): void {
    const view = new DataView(this.state.buffer);
    view.setBigUint64(COUNT_AT, view.getBigUint64(COUNT_AT, true) + BigInt(bytes), true);
  }
}

/** The instance whose memory the messages wait in. */
interface Place {
  readonly kernel: KernelExports;
  readonly memory: Uint8Array;
  readonly free: number[];
}

/**
 * Hashes messages with SHA-256 side by side, four at a time. Their bytes wait in pages that all share;
 * when no page is free, those with the most full pages are hashed together as far as all of them
 * reach. A message that ends is hashed to its end, and nobody waits for it.
 *
 * A message that is given up leaves its bytes here: they take part until they are used up, and no
 * more than 768 KiB can be left. It goes on to count as company, so that others wait in vain for it,
 * which costs them nothing but the room.
 */
export class Sha256Lanes {
  readonly #instances: WasmInstances;
  readonly #trial: LaneTrial;
  readonly #waiting = new Set<LaneMessage>();
  #messages = 0;
  #place: Place | undefined;

  constructor(instances: WasmInstances, trial: LaneTrial = new LaneTrial()) {
    this.#instances = instances;
    this.#trial = trial;
  }

  /** Whether so many messages are at work that it is worth while to wait for others. */
  get hasCompany(): boolean {
    return this.#messages >= COMPANY;
  }

  /** Says that a message has begun. */
  begin(): void {
    this.#messages++;
  }

  /** Says that a message has ended, and no bytes of it wait. */
  end(): void {
    this.#messages--;
    if (this.#messages === 0) this.#place = undefined;
  }

  /** Lets bytes of a message wait. */
  add(message: LaneMessage, bytes: Uint8Array): void {
    this.#use(message, (place) => {
      for (let at = 0; at < bytes.length;) {
        const page = this.#openPage(place, message);
        const piece = bytes.subarray(at, at + PAGE_BYTES - message.held);
        place.memory.set(piece, page + message.held);
        message.held += piece.length;
        at += piece.length;
      }
    });
  }

  /** Hashes what waits of a message. */
  settle(message: LaneMessage): void {
    if (message.pages.length === 0 && !message.isLost) return;
    this.#use(message, (place) => this.#hashAlone(place, message, message.pages.length));
  }

  /** Gives the page of a message that has room. */
  #openPage(place: Place, message: LaneMessage): number {
    const last = message.pages.at(-1);
    if (last !== undefined && message.held < PAGE_BYTES) return last;
    let page = place.free.pop();
    for (; page === undefined; page = place.free.pop()) this.#makeRoom(place);
    message.pages.push(page);
    message.held = 0;
    this.#waiting.add(message);
    return page;
  }

  #makeRoom(place: Place): void {
    const ready = [...this.#waiting].filter((message) => message.fullPages > 0)
      .sort((one, other) => other.fullPages - one.fullPages).slice(0, LANES);
    if (ready.length < COMPANY) {
      const [message] = ready.length > 0 ? ready : this.#waiting;
      if (message !== undefined) this.#hashAlone(place, message, ALONE_PAGES);
      return;
    }
    const pages = Math.min(...ready.map((message) => message.fullPages));
    this.#trial.run(ready.length, pages, (isSideBySide) => {
      if (isSideBySide) hashSideBySide(place, ready, pages);
      else for (const message of ready) hashPages(place, message, pages);
    });
    for (const message of ready) this.#free(place, message, pages);
  }

  #hashAlone(place: Place, message: LaneMessage, most: number): void {
    const pages = Math.min(message.pages.length, most);
    hashPages(place, message, pages);
    this.#free(place, message, pages);
  }

  #free(place: Place, message: LaneMessage, pages: number): void {
    place.free.push(...message.pages.splice(0, pages));
    if (message.pages.length === 0) this.#waiting.delete(message);
  }

  /** When the kernel traps, what waits is lost, and so are the messages that it is of. */
  #use(message: LaneMessage, call: (place: Place) => void): void {
    if (message.isLost) throw failed();
    try {
      call(this.#place ??= placeOf(this.#instances.take()));
    } catch (cause) {
      message.isLost = true;
      for (const waiting of this.#waiting) waiting.isLost = true;
      this.#waiting.clear();
      this.#place = undefined;
      throw failed(cause);
    }
  }
}

function failed(cause?: unknown): LadingError {
  return new LadingError("KERNEL_FAILED", "Cannot compute: the kernel failed", { cause });
}

function placeOf(kernel: KernelExports): Place {
  try {
    kernel.memory.grow(GROWTH);
  } catch {
    // Without more memory there is half as much room.
  }
  const memory = new Uint8Array(kernel.memory.buffer);
  const free: number[] = [];
  const first = kernel.LANE_PAGES.value as number;
  for (let page = first; page + PAGE_BYTES <= memory.length; page += PAGE_BYTES) free.push(page);
  return { kernel, memory, free };
}

/** Hashes pages of a message, one of which may be its last. */
function hashPages({ kernel, memory }: Place, message: LaneMessage, pages: number): void {
  const at = kernel.HASH_STATE.value as number;
  memory.set(message.state, at);
  message.pages.slice(0, pages).forEach((page, index) => {
    const isLast = index === message.pages.length - 1;
    kernel.sha256Update(at, page, isLast ? message.held : PAGE_BYTES);
  });
  message.state.set(memory.subarray(at, at + STATE_BYTES));
}

/** Hashes full pages of three or four messages. */
function hashSideBySide(place: Place, messages: readonly LaneMessage[], pages: number): void {
  const { kernel, memory } = place;
  const words = new Uint32Array(memory.buffer, kernel.LANE_WORDS.value as number, LANES * WORDS);
  messages.forEach((message, lane) => {
    message.words.forEach((word, index) => words[LANES * index + lane] = word);
  });
  for (let page = 0; page < pages; page++) {
    // A lane without a message hashes what is at address 0, and nobody looks at it.
    const [a = 0, b = 0, c = 0, d = 0] = messages.map((message) => message.pages[page]);
    kernel.sha256Lanes(a, b, c, d, PAGE_BLOCKS);
  }
  messages.forEach((message, lane) => {
    message.words.set(words.filter((_, index) => index % LANES === lane));
    message.addToCount(pages * PAGE_BYTES);
  });
}
