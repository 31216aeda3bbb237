import type { Bytes } from "../../lib/model/bytes.ts";
import type { FileSystem } from "../../lib/store/mod.ts";

/** Makes a file system that has no room for more than some bytes. */
export function fullDisk(fs: FileSystem, maxBytes: number): FileSystem {
  let left = maxBytes;
  const create: FileSystem["create"] = async (...args) => {
    const writer = await fs.create(...args);
    return {
      async write(chunk: Bytes) {
        left -= chunk.length;
        if (left < 0) throw Object.assign(new Error("there is no space left"), { code: "ENOSPC" });
        await writer.write(chunk);
      },
      sync: () => writer.sync(),
      close: () => writer.close(),
    };
  };
  return new Proxy(fs, {
    get(target, name) {
      if (name === "create") return create;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
