/**
 * The lock around `index.json`, for any number of processes on any runtimes. It needs two calls to
 * be atomic: a directory moves onto another only when that one is empty, and a file moves onto
 * another.
 *
 *     .index.json.OWNER/OWNER      made aside, holds a file that is empty
 *     index.json.lock/             absent or empty: free
 *     index.json.lock/OWNER        held by OWNER
 *
 *     take     rename .index.json.OWNER  -> index.json.lock     fails while somebody holds it
 *     commit   write index.json.lock/OWNER, sync
 *              rename index.json.lock/OWNER -> index.json       publishes and lets go, in one step
 *     break    remove index.json.lock/OWNER
 *
 * The file that says who holds the lock is the one that becomes the new `index.json`. Whoever
 * breaks a lock takes that file away, by its name, so the former holder, should it wake up, has
 * nothing left to publish: its commit fails, and it starts again from the `index.json` of then.
 * No update is lost, however wrong the guess was that the holder is dead.
 */
import type { Bytes } from "../model/bytes.ts";
import type { FileSystem } from "./file_system.ts";
import { failedBecause, joinPath, quietly, uniqueName } from "./_files.ts";

const LOCK = "index.json.lock";

/** What the directories begin with that are made before the lock is taken. */
export const CLAIM_PREFIX = ".index.json.";

/** The first and the longest wait before the next try, in milliseconds. */
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

/** How often a holder shows that it is alive, within the time after which it counts as dead. */
const BEATS = 4;

/** A writer of one layout. */
export interface LockOptions {
  readonly fs: FileSystem;
  /** The layout. */
  readonly directory: string;
  /** A word about this process for the names of files. */
  readonly owner: string;
  /** How long a lock must show no sign of life to be broken. */
  readonly staleAfterMs: number;
  /** Whether what is published survives a power loss. */
  readonly isDurable: boolean;
}

/** Thrown to begin again: somebody took this writer for dead. */
class LockLost extends Error {}

/**
 * Replaces `index.json` under the lock.
 *
 * @param update Makes the new content while the lock is held; `undefined` changes nothing.
 * @param isWanted Tells whether to go on waiting.
 */
export async function replaceIndex(
  options: LockOptions,
  update: () => Promise<Bytes | undefined>,
  isWanted: () => boolean,
): Promise<void> {
  for (;;) {
    const name = uniqueName(options.owner);
    if (!await take(options, name, isWanted)) return;
    try {
      return await publish(options, name, update);
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
    }
  }
}

async function publish(
  options: LockOptions,
  name: string,
  update: () => Promise<Bytes | undefined>,
): Promise<void> {
  const { fs, directory, isDurable } = options;
  const lock = joinPath(directory, LOCK);
  const path = joinPath(lock, name);
  const beat = setInterval(
    () => void quietly(fs.setAttributes(path, { mtimeMs: Date.now() })),
    options.staleAfterMs / BEATS,
  );
  let isPublished = false;
  try {
    const content = await update();
    if (content === undefined) return;
    await write(fs, path, content, isDurable);
    await fs.rename(path, joinPath(directory, "index.json"));
    isPublished = true;
    if (isDurable) await fs.syncDirectory(directory);
  } catch (error) {
    throw isPublished || await isHeld(fs, path) ? error : new LockLost("broken", { cause: error });
  } finally {
    clearInterval(beat);
    if (!isPublished) await quietly(fs.remove(path));
    // Not empty any more when somebody else has taken the lock already.
    await quietly(fs.remove(lock));
  }
}

async function isHeld(fs: FileSystem, path: string): Promise<boolean> {
  try {
    return await fs.stat(path, { followLinks: false }) !== undefined;
  } catch {
    // The failure that led here is the one to tell.
    return true;
  }
}

async function write(
  fs: FileSystem,
  path: string,
  content: Bytes,
  isDurable: boolean,
): Promise<void> {
  const writer = await fs.create(path, { truncate: true });
  try {
    await writer.write(content);
    if (isDurable) await writer.sync();
  } finally {
    await writer.close();
  }
}

/** Waits for the lock; `false` when nobody wants it any more. */
async function take(
  options: LockOptions,
  name: string,
  isWanted: () => boolean,
): Promise<boolean> {
  const { fs, directory } = options;
  const claim = joinPath(directory, CLAIM_PREFIX + name);
  const watch = new LockWatch(options);
  let wait = FIRST_WAIT_MS;
  try {
    await fs.makeDirectory(claim);
    await (await fs.create(joinPath(claim, name))).close();
    while (isWanted()) {
      try {
        await fs.rename(claim, joinPath(directory, LOCK));
        return true;
      } catch (error) {
        // Windows moves no directory onto another, empty or not, and says EPERM.
        if (!failedBecause(error, "exists", "not-empty", "permission")) throw error;
        await watch.look(error);
      }
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  } catch (error) {
    await quietly(fs.remove(claim, { recursive: true }));
    throw error;
  }
  await quietly(fs.remove(claim, { recursive: true }));
  return false;
}

/** Watches the lock of somebody else for signs of life. Only changes count, no clock is compared. */
class LockWatch {
  readonly #options: LockOptions;
  readonly #lock: string;
  #state: string | undefined;
  #since = 0;

  constructor(options: LockOptions) {
    this.#options = options;
    this.#lock = joinPath(options.directory, LOCK);
  }

  /** Breaks the lock when nothing has changed for long. */
  async look(failure: unknown): Promise<void> {
    const { fs, staleAfterMs } = this.#options;
    const names = await this.#names();
    // Free, but in the way on Windows; a lock taken meanwhile is not empty and stays.
    if (names.length === 0) await quietly(fs.remove(this.#lock));
    const state = (await Promise.all(names.map((name) => this.#stateOf(name)))).join("\n");
    if (state !== this.#state) {
      this.#state = state;
      this.#since = performance.now();
      return;
    }
    if (performance.now() - this.#since < staleAfterMs) return;
    if (names.length === 0) throw failure;
    for (const name of names) {
      try {
        await fs.remove(joinPath(this.#lock, name));
      } catch (error) {
        if (!failedBecause(error, "not-found", "not-directory")) throw error;
      }
    }
  }

  async #names(): Promise<string[]> {
    try {
      return (await this.#options.fs.readDirectory(this.#lock)).map(({ name }) => name).sort();
    } catch (error) {
      if (failedBecause(error, "not-found")) return [];
      throw error;
    }
  }

  async #stateOf(name: string): Promise<string> {
    const info = await this.#options.fs.stat(joinPath(this.#lock, name), { followLinks: false });
    return `${name} ${info?.mtimeMs} ${info?.size}`;
  }
}
