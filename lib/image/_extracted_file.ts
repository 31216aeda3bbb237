import type { Bytes } from "../model/bytes.ts";
import type { FileAttributes, FileSystem, FileWriter } from "../store/file_system.ts";
import type { FedEntry } from "../tar/entry_feed.ts";
import type { FileMeta } from "./_layer_files.ts";

/** What nobody else may look into while it is being filled. */
const PRIVATE_FILE = 0o600;

const NO_BYTES: Bytes = new Uint8Array(0);

/** What is written for holes where there can be none. */
const ZEROS: Bytes = new Uint8Array(64 * 1024);

/** All bits but set-user-ID and set-group-ID: for another owner than the image says they are wrong. */
const WITHOUT_SET_ID = 0o1777;

/** Tells what is set on a file of the tree. */
export function attributesOf(
  { mode, uid, gid, mtime, mtimeNs }: Pick<FileMeta, "mode" | "uid" | "gid" | "mtime" | "mtimeNs">,
  owners: boolean,
): FileAttributes {
  const mtimeMs = Number.isInteger(mtime) ? mtime * 1000 : Number(mtimeNs / 1000n) / 1000;
  if (owners) return { mode, uid, gid, mtimeMs };
  return { mode: mode & WITHOUT_SET_ID, mtimeMs };
}

/** Creates an empty file under a name that nothing has. */
export async function createEmpty(
  fs: FileSystem,
  path: string,
  attributes: FileAttributes,
): Promise<void> {
  if (fs.createWhole !== undefined) return await fs.createWhole(path, NO_BYTES, attributes);
  await finish(fs, path, await fs.create(path, { mode: PRIVATE_FILE }), attributes);
}

/** Creates a file with a content, such as that of an entry, which is not empty. */
export async function createFile(
  fs: FileSystem,
  path: string,
  attributes: FileAttributes,
  content: Pick<FedEntry, "size" | "lend">,
): Promise<void> {
  const { size } = content;
  let writer: FileWriter | undefined;
  const begin = async (): Promise<FileWriter> =>
    writer = await fs.create(path, { mode: PRIVATE_FILE });
  try {
    await content.lend((piece) => {
      if (writer !== undefined) return writer.write(piece);
      if (piece.length < size || fs.createWhole === undefined) {
        return begin().then((file) => file.write(piece));
      }
      return fs.createWhole(path, piece, attributes);
    }, async (bytes) => await leaveHole(writer ?? await begin(), bytes));
  } catch (error) {
    await writer?.close();
    throw error;
  }
  if (writer !== undefined) await finish(fs, path, writer, attributes);
}

async function leaveHole(writer: FileWriter, bytes: number): Promise<void> {
  if (writer.skip !== undefined) return await writer.skip(bytes);
  for (let rest = bytes; rest > 0; rest -= ZEROS.length) {
    await writer.write(rest < ZEROS.length ? ZEROS.subarray(0, rest) : ZEROS);
  }
}

async function finish(
  fs: FileSystem,
  path: string,
  writer: FileWriter,
  attributes: FileAttributes,
): Promise<void> {
  try {
    await writer.setAttributes?.(attributes);
  } finally {
    await writer.close();
  }
  if (writer.setAttributes === undefined) await fs.setAttributes(path, attributes);
}
