import type { FileSystem } from "../../lib/store/mod.ts";

/** Makes a file system like those of disks: a file has a name from the begin. */
export function asDisk(fs: FileSystem): FileSystem {
  return new Proxy(fs, {
    get(target, name) {
      if (name === "createUnnamed") return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
