import { readAll, streamFrom } from "../../lib/bytes/mod.ts";
import type { FileSystem } from "../../lib/store/mod.ts";

/**
 * Describes every path below a directory of a file system: mode, owner, time and what it holds. In
 * memory, names of one file cannot be told by a number: those whose content changes together can.
 */
export async function readBack(fs: FileSystem, root: string): Promise<string[]> {
  const lines: string[] = [];
  const files: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const names = (await fs.readDirectory(`${root}/${path}`)).map(({ name }) => name).sort();
    for (const name of names) {
      const inside = path === "" ? name : `${path}/${name}`;
      const full = `${root}/${inside}`;
      const info = await fs.stat(full, { followLinks: false });
      if (info === undefined) continue;
      const about = `${info.uid}:${info.gid} ${info.mtimeMs / 1000}`;
      const mode = info.mode.toString(8);
      if (info.type === "symlink") {
        lines.push(`${inside} -> ${await fs.readLink(full)} ${about}`);
      } else if (info.type === "directory") {
        lines.push(`${inside}/ ${mode} ${about}`);
        await visit(inside);
      } else {
        const known = await groupOf(fs, root, inside, files);
        const content = new TextDecoder().decode(await contentOf(fs, full));
        lines.push(`${inside} ${mode} ${about} ${content} #${known}`);
      }
    }
  };
  await visit("");
  return lines;
}

/** Gives files a number by changing a time and looking where else it changes. */
async function groupOf(
  fs: FileSystem,
  root: string,
  path: string,
  files: string[],
): Promise<number> {
  const at = (name: string) => `${root}/${name}`;
  const before = await fs.stat(at(path), { followLinks: false });
  await fs.setAttributes(at(path), { mtimeMs: -12345 });
  try {
    for (const [i, other] of files.entries()) {
      if ((await fs.stat(at(other), { followLinks: false }))?.mtimeMs === -12345) return i + 1;
    }
    return files.push(path);
  } finally {
    await fs.setAttributes(at(path), { mtimeMs: before?.mtimeMs });
  }
}

async function contentOf(fs: FileSystem, path: string): Promise<Uint8Array> {
  const file = await fs.open(path);
  try {
    const bytes = await file.read(0, file.size);
    return await readAll(streamFrom([bytes]), { maxBytes: 1 << 20 });
  } finally {
    await file.close();
  }
}
