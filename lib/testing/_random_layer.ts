import type { Bytes, ByteStream } from "../model/bytes.ts";
import { type TarInput, writeTar } from "../tar/mod.ts";
import type { Random } from "./_random.ts";

interface RandomLayerTarOptions {
  /** The files of the layer below. */
  readonly below: readonly string[];
  readonly fileCount: number;
  readonly maxFileBytes: number;
}

/** Makes the archive of a layer, and tells which regular files it holds. */
export function randomLayerTar(
  random: Random,
  { below, fileCount, maxFileBytes }: RandomLayerTarOptions,
): { archive: ByteStream; files: ReadonlyMap<string, Bytes> } {
  const files = new Map<string, Bytes>();
  const entries: TarInput[] = [];
  const directory = random.word();
  const add = (path: string) => {
    const body = random.bytes(random.below(maxFileBytes + 1));
    files.set(path, body);
    entries.push({ path, type: "file", mode: 0o644, mtime: random.below(2 ** 31), body });
  };
  entries.push({ path: `${directory}/`, type: "directory", mode: 0o755, mtime: 0 });
  for (let i = 0; i < fileCount; i++) add(`${directory}/${i}-${random.word()}`);
  const [replaced, deleted] = below;
  if (replaced !== undefined) add(replaced);
  if (deleted !== undefined) {
    const slash = deleted.lastIndexOf("/") + 1;
    const path = `${deleted.slice(0, slash)}.wh.${deleted.slice(slash)}`;
    entries.push({ path, type: "file", mode: 0o644, mtime: 0, body: new Uint8Array(0) });
  }
  const [first] = files.keys();
  if (first !== undefined) {
    entries.push({
      path: `${directory}/symlink`,
      type: "symlink",
      mode: 0o777,
      mtime: 0,
      linkPath: first.slice(first.lastIndexOf("/") + 1),
    });
    entries.push({ path: `${directory}/hardlink`, type: "hardlink", mtime: 0, linkPath: first });
  }
  return { archive: writeTar(entries), files };
}
