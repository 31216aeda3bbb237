/**
 * Edits of one file by any number of processes, none of which loses the changes of another.
 *
 *     config.json.lock/            absent or empty: free
 *     config.json.lock/OWNER       held by OWNER, and the new text while it is written
 *
 *     take     create config.json.lock/OWNER; whoever finds nothing else there holds the lock
 *     commit   rename config.json.lock/OWNER -> config.json     publishes and lets go, in one step
 *     break    remove config.json.lock/OWNER
 *
 * A holder that was taken for dead finds its file gone: its commit fails, and it starts again from
 * the text of then. So no change is lost, however wrong that guess was, and what a crash leaves is
 * never taken for the file itself.
 */
import type { Bytes } from "../model/bytes.ts";
import { type FileSystem, FileSystemError, type FileSystemReason } from "../store/file_system.ts";

/** An edit takes milliseconds; a lock that does not change for this long is of a dead process. */
const STALE_AFTER_MS = 3_000;

/** The longest wait before the next look at a lock. */
const WAIT_MS = 40;

/** The owner alone may read what holds passwords. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Thrown to begin again: somebody took this process for dead. */
class LockLost extends Error {}

/** Tells whether an error is that of a file system, for one of these reasons. */
export function failedBecause(error: unknown, ...reasons: readonly FileSystemReason[]): boolean {
  return error instanceof FileSystemError && reasons.includes(error.reason);
}

async function quietly(action: Promise<unknown>): Promise<void> {
  await action.catch(() => {});
}

/**
 * Replaces a file under its lock; the new one can be read by its owner alone.
 *
 * @param fs The file system.
 * @param path The file, no link; its folder is there.
 * @param edit Reads the file and makes the new content; nothing to leave it as it is. It is called
 * again after the lock was lost.
 * @returns Whether there is a new content.
 */
export async function replaceLocked(
  fs: FileSystem,
  path: string,
  edit: () => Promise<Bytes | undefined>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (;;) {
    const claim = await take(fs, `${path}.lock`, signal);
    try {
      return await commit(fs, claim, path, edit);
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
    } finally {
      await quietly(fs.remove(claim));
      // Not empty any more when somebody else has the lock already.
      await quietly(fs.remove(`${path}.lock`));
    }
  }
}

async function commit(
  fs: FileSystem,
  claim: string,
  path: string,
  edit: () => Promise<Bytes | undefined>,
): Promise<boolean> {
  const content = await edit();
  if (content === undefined) return false;
  const before = await fs.stat(path);
  try {
    const writer = await fs.create(claim, { truncate: true });
    try {
      await writer.write(content);
      await writer.sync();
    } finally {
      await writer.close();
    }
    if (before !== undefined) await keepOwner(fs, claim, before);
    await fs.setAttributes(claim, { mode: FILE_MODE });
    await fs.rename(claim, path);
  } catch (error) {
    throw failedBecause(error, "not-found") ? new LockLost("broken", { cause: error }) : error;
  }
  await fs.syncDirectory(folderOf(path));
  return true;
}

/** Gives the new file to the owner of the old one, as an edit by root has to. */
async function keepOwner(
  fs: FileSystem,
  claim: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const own = await fs.stat(claim);
  if (own === undefined || own.uid === uid && own.gid === gid) return;
  // Who may not give files away becomes the owner.
  await quietly(fs.setAttributes(claim, { uid, gid }));
}

/** Waits for the lock, and gives the name of the file that holds it. */
async function take(
  fs: FileSystem,
  lock: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  let seen = "";
  let since = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const names = await namesIn(fs, lock);
    if (names.length === 0) {
      const claim = await claimIn(fs, lock);
      if (claim !== undefined) return claim;
    }
    const state = names.join("/");
    if (state !== seen) {
      seen = state;
      since = performance.now();
    } else if (performance.now() - since > STALE_AFTER_MS) {
      for (const name of names) await quietly(fs.remove(`${lock}/${name}`));
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS * Math.random()));
  }
}

/** Puts a name into the lock; nothing when others have done so at the same time. */
async function claimIn(fs: FileSystem, lock: string): Promise<string | undefined> {
  const claim = `${lock}/${crypto.randomUUID()}`;
  try {
    await fs.makeDirectory(lock, { recursive: true, mode: FOLDER_MODE });
    await (await fs.create(claim, { mode: FILE_MODE })).close();
    if ((await namesIn(fs, lock)).length === 1) return claim;
  } catch (error) {
    // Somebody has let go, and taken the folder away, in between.
    if (failedBecause(error, "not-found")) return undefined;
    await quietly(fs.remove(claim));
    await quietly(fs.remove(lock));
    throw error;
  }
  await quietly(fs.remove(claim));
  return undefined;
}

async function namesIn(fs: FileSystem, lock: string): Promise<string[]> {
  try {
    return (await fs.readDirectory(lock)).map(({ name }) => name).sort();
  } catch (error) {
    if (failedBecause(error, "not-found")) return [];
    throw error;
  }
}

/** Gives the folder of a file; Windows has two separators. */
export function folderOf(path: string): string {
  const isWindows = /^[A-Za-z]:|^\\\\/.test(path);
  const end = Math.max(path.lastIndexOf("/"), isWindows ? path.lastIndexOf("\\") : -1);
  return end < 0 ? "." : path.slice(0, end) || "/";
}
