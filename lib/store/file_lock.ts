/**
 * The lock around a file that any number of processes on any runtimes change: `index.json` of a
 * layout, the `config.json` of credentials. It needs two calls to be atomic: a directory moves onto
 * another only when that one is empty, and a file moves onto another.
 *
 *     .FILE.OWNER/OWNER      made aside, holds a file that is empty
 *     FILE.lock/             absent or empty: free
 *     FILE.lock/OWNER        held by OWNER
 *
 *     take     rename .FILE.OWNER  -> FILE.lock     fails while somebody holds it
 *     commit   write FILE.lock/OWNER, sync
 *              rename FILE.lock/OWNER -> FILE       publishes and lets go, in one step
 *     break    remove FILE.lock/OWNER
 *
 * The file that says who holds the lock is the one that becomes the new content. Whoever breaks a
 * lock takes that file away, by its name, so the former holder, should it wake up, has nothing left
 * to publish: its commit fails, and it starts again from the content of then. No update is lost,
 * however wrong the guess was that the holder is dead.
 */
import type { Bytes } from "../model/bytes.ts";
import type { FileSystem } from "./file_system.ts";
import { failedBecause, joinPath, quietly, uniqueName } from "./_files.ts";

/**
 * Tells what the directories begin with that are made before a lock is taken.
 *
 * @param name The name of the file.
 * @returns The prefix of their names.
 */
export function claimPrefix(name: string): string {
  return `.${name}.`;
}

/** The first and the longest wait before the next try, in milliseconds. */
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

/** How often a holder shows that it is alive, within the time after which it counts as dead. */
const BEATS = 4;

/** A writer of one file. */
export interface LockOptions {
  /** Where the file is. */
  readonly fs: FileSystem;
  /** Its directory, which is there. */
  readonly directory: string;
  /** Its name; no link. */
  readonly name: string;
  /** A word about this process for the names of files. */
  readonly owner: string;
  /** How long a lock must show no sign of life to be broken. */
  readonly staleAfterMs: number;
  /** Whether what is published survives a power loss. */
  readonly isDurable: boolean;
  /** Whether the owner alone may read the new file, and what becomes of it while it is written. */
  readonly isPrivate?: boolean | undefined;
}

/** Thrown to begin again: somebody took this writer for dead. */
class LockLost extends Error {}

/**
 * Replaces a file under its lock.
 *
 * @param options The file, and who writes it.
 * @param update Makes the new content while the lock is held; `undefined` changes nothing. It is
 * called again after the lock was lost.
 * @param isWanted Tells whether to go on waiting.
 */
export async function replaceLocked(
  options: LockOptions,
  update: () => Promise<Bytes | undefined>,
  isWanted: () => boolean,
): Promise<void> {
  for (;;) {
    const claim = uniqueName(options.owner);
    if (!await take(options, claim, isWanted)) return;
    try {
      return await publish(options, claim, update);
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
    }
  }
}

function lockOf({ directory, name }: LockOptions): string {
  return joinPath(directory, `${name}.lock`);
}

async function publish(
  options: LockOptions,
  claim: string,
  update: () => Promise<Bytes | undefined>,
): Promise<void> {
  const { fs, directory, name, isDurable, isPrivate } = options;
  const lock = lockOf(options);
  const path = joinPath(lock, claim);
  const file = joinPath(directory, name);
  const beat = setInterval(
    () => void quietly(fs.setAttributes(path, { mtimeMs: Date.now() })),
    options.staleAfterMs / BEATS,
  );
  let isPublished = false;
  try {
    const content = await update();
    if (content === undefined) return;
    await write(fs, path, content, isDurable);
    if (isPrivate === true) await keepOwner(fs, path, file);
    await fs.rename(path, file);
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

/** Gives the new file to the owner of the old one, as an edit by root has to. */
async function keepOwner(fs: FileSystem, path: string, file: string): Promise<void> {
  const [before, own] = [await fs.stat(file), await fs.stat(path)];
  if (before === undefined || own === undefined) return;
  const { uid, gid } = before;
  // Who may not give files away becomes the owner.
  if (own.uid !== uid || own.gid !== gid) await quietly(fs.setAttributes(path, { uid, gid }));
}

/** Waits for the lock; `false` when nobody wants it any more. */
async function take(
  options: LockOptions,
  claim: string,
  isWanted: () => boolean,
): Promise<boolean> {
  const { fs, directory, name, isPrivate } = options;
  const aside = joinPath(directory, claimPrefix(name) + claim);
  const watch = new LockWatch(options);
  let wait = FIRST_WAIT_MS;
  try {
    await fs.makeDirectory(aside, isPrivate === true ? { mode: 0o700 } : {});
    const file = joinPath(aside, claim);
    await (await fs.create(file, isPrivate === true ? { mode: 0o600 } : {})).close();
    while (isWanted()) {
      try {
        await fs.rename(aside, lockOf(options));
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
    await quietly(fs.remove(aside, { recursive: true }));
    throw error;
  }
  await quietly(fs.remove(aside, { recursive: true }));
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
    this.#lock = lockOf(options);
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
