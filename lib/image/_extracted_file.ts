import type { FileAttributes, FileSystem } from "../store/file_system.ts";
import type { TarEntry } from "../tar/reader.ts";
import type { FileMeta } from "./_layer_files.ts";

/** What nobody else may look into while it is being filled. */
const PRIVATE_FILE = 0o600;

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

/** Creates a file under a name that nothing has, with the content of an entry, or none. */
export async function createFile(
  fs: FileSystem,
  path: string,
  attributes: FileAttributes,
  entry?: TarEntry,
): Promise<void> {
  const writer = await fs.create(path, { mode: PRIVATE_FILE });
  try {
    await entry?.lend((piece) => writer.write(piece));
    await writer.setAttributes?.(attributes);
  } finally {
    await writer.close();
  }
  if (writer.setAttributes === undefined) await fs.setAttributes(path, attributes);
}
