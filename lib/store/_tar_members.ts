import type { HasherFactory } from "../hash/hasher.ts";
import type { Bytes } from "../model/bytes.ts";
import { iterate } from "../bytes/iterate.ts";
import { withSignal } from "../bytes/signal.ts";
import { createHasher } from "../hash/create_hasher.ts";
import { formatDigest } from "../model/digest.ts";
import { LimitExceededError, NotFoundError, UnsafePathError } from "../model/errors.ts";
import { type Compression, detectCompression, DETECTION_BYTES } from "../compress/detect.ts";
import { MAX_PATH_LENGTH, readTar, sanitizePath, type TarEntry } from "../tar/mod.ts";
import { streamFile } from "./_files.ts";
import type { RandomAccess } from "./random_access.ts";

/** Images have a hundred layers at most (overlayfs); ten thousand images make an archive of this. */
const MAX_MEMBERS = 1_000_000;

/** Links from layer to layer are one hop; Linux gives up at this many. */
const MAX_LINKS = 40;

const BLOCK_BYTES = 512;

/** A file of an archive, where its bytes are. */
export interface FileMember {
  readonly type: "file";
  readonly offset: number;
  readonly size: number;
  /** How it is compressed, by its first bytes. */
  readonly compression: Compression;
  /** The digest of its bytes, where it was asked for. */
  readonly digest: string | undefined;
}

/** A link of an archive to another name in it; it is judged when it is followed. */
export interface LinkMember {
  readonly type: "symlink" | "hardlink";
  /** The name of the link, in order. */
  readonly path: string;
  /** What it says, unless that is longer than any path. */
  readonly target: string | undefined;
}

/** What is in an archive, by name. */
export class TarMembers {
  readonly #members: ReadonlyMap<string, FileMember | LinkMember>;
  readonly #place: string;

  constructor(members: ReadonlyMap<string, FileMember | LinkMember>, place: string) {
    this.#members = members;
    this.#place = place;
  }

  /** The names of all files and links. */
  names(): Iterable<string> {
    return this.#members.keys();
  }

  /** All files, without those that are only links. */
  *files(): Generator<FileMember, void, undefined> {
    for (const member of this.#members.values()) if (member.type === "file") yield member;
  }

  /**
   * Finds a file by the name that another file of the archive has for it.
   *
   * @throws {UnsafePathError} when the name, or a link, leads out of the archive or in a circle.
   */
  find(path: string): FileMember | undefined {
    let member = this.#members.get(sanitizePath(path));
    for (let links = 0; member !== undefined && member.type !== "file"; links++) {
      if (links === MAX_LINKS) {
        const reason = "it leads through too many links";
        throw new UnsafePathError(`Cannot read "${path}" of ${this.#place}: ${reason}`, {
          path,
          reason,
        });
      }
      member = this.#members.get(targetOf(member));
    }
    return member;
  }

  /** Finds a file that has to be there. */
  get(path: string): FileMember {
    const member = this.find(path);
    if (member !== undefined) return member;
    throw new NotFoundError(
      `Cannot read "${path}" of ${this.#place}: the archive has no such file`,
    );
  }
}

/**
 * Reads an archive through once and remembers where its files are. Of names that come twice the
 * last one counts, as it does when the archive is extracted.
 *
 * @param isHashed Whether the digests of all files are computed on the way.
 */
export async function readMembers(
  archive: RandomAccess,
  place: string,
  options: {
    readonly isHashed: boolean;
    readonly hasher: HasherFactory | undefined;
    readonly signal: AbortSignal;
  },
): Promise<TarMembers> {
  const members = new Map<string, FileMember | LinkMember>();
  const content = streamFile(archive, { start: 0, end: archive.size });
  for await (const entry of readTar(withSignal(content, options.signal))) {
    const isFile = entry.type === "file";
    const member = isFile ? await fileMember(entry, options) : linkMember(entry);
    if (member === undefined) continue;
    members.set(sanitizePath(entry.path), member);
    checkMemberCount(members.size, place);
  }
  return new TarMembers(members, place);
}

/** Refuses an archive with more files than can be remembered. */
export function checkMemberCount(count: number, place: string): void {
  if (count <= MAX_MEMBERS) return;
  throw new LimitExceededError(
    `Cannot open ${place}: it has more than ${MAX_MEMBERS} files`,
    { limit: MAX_MEMBERS, unit: "entries" },
  );
}

/** Takes a link of an archive; `undefined` when the entry is none. */
export function linkMember({ type, path, linkPath = "" }: TarEntry): LinkMember | undefined {
  if (type !== "symlink" && type !== "hardlink") return undefined;
  // A target may have a megabyte, and there may be many links.
  const target = linkPath.length > MAX_PATH_LENGTH ? undefined : linkPath;
  return { type, path: sanitizePath(path), target };
}

async function fileMember(
  entry: TarEntry,
  { isHashed, hasher = createHasher }: {
    readonly isHashed: boolean;
    readonly hasher: HasherFactory | undefined;
  },
): Promise<FileMember> {
  // A sparse file is not stored as it reads. Its digest then differs from what is read at this
  // place, so that it is refused: nobody writes layers that way.
  const offset = entry.headerOffset + BLOCK_BYTES;
  const { size } = entry;
  const hash = isHashed ? hasher("sha256") : undefined;
  let prefix: Bytes = new Uint8Array();
  for await (const chunk of iterate(entry.body)) {
    if (prefix.byteLength < DETECTION_BYTES) prefix = firstBytes(prefix, chunk);
    if (hash === undefined) break;
    hash.update(chunk);
  }
  const digest = hash === undefined ? undefined : formatDigest("sha256", hash.digest());
  return { type: "file", offset, size, compression: detectCompression(prefix), digest };
}

function firstBytes(prefix: Bytes, chunk: Bytes): Bytes {
  const rest = chunk.subarray(0, DETECTION_BYTES - prefix.byteLength);
  const joined = new Uint8Array(prefix.byteLength + rest.byteLength);
  joined.set(prefix);
  joined.set(rest, prefix.byteLength);
  return joined;
}

/** Where a link leads, from the root of the archive. */
function targetOf({ type, path, target }: LinkMember): string {
  if (target === undefined) throw unsafeLink(path, "", "its target is longer than any path");
  if (type === "hardlink") return sanitizePath(target);
  const directory = path.split("/").slice(0, -1);
  if (target.startsWith("/")) throw unsafeLink(path, target, "it leads to an absolute path");
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") directory.push(part);
    else if (directory.pop() === undefined) {
      throw unsafeLink(path, target, "it leads out of the archive");
    }
  }
  return directory.join("/");
}

function unsafeLink(path: string, target: string, reason: string): UnsafePathError {
  return new UnsafePathError(`Cannot follow the link "${path}" of the archive: ${reason}`, {
    path: target,
    reason,
  });
}
