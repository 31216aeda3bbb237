import type { Bytes } from "../../lib/model/bytes.ts";
import type { FileAttributes, FileSystem, UnnamedFile } from "../../lib/store/mod.ts";

/** Makes a file system that has no room for more than some bytes. */
export function fullDisk(fs: FileSystem, maxBytes: number): FileSystem {
  let left = maxBytes;
  const take = (chunk: Bytes) => {
    left -= chunk.length;
    if (left < 0) throw Object.assign(new Error("there is no space left"), { code: "ENOSPC" });
  };
  const create: FileSystem["create"] = async (...args) => {
    const writer = await fs.create(...args);
    return {
      async write(chunk: Bytes) {
        take(chunk);
        await writer.write(chunk);
      },
      sync: () => writer.sync(),
      close: () => writer.close(),
    };
  };
  const createUnnamed = (attributes: FileAttributes): UnnamedFile | undefined => {
    const file = fs.createUnnamed?.(attributes);
    if (file === undefined) return undefined;
    return {
      write(chunk: Bytes) {
        take(chunk);
        file.write(chunk);
      },
      place: (directory, name) => file.place(directory, name),
    };
  };
  return new Proxy(fs, {
    get(target, name) {
      if (name === "create") return create;
      if (name === "createUnnamed") return fs.createUnnamed && createUnnamed;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
