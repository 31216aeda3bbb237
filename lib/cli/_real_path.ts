import type { Rootfs } from "../image/rootfs.ts";

/**
 * Finds where a path of a merged file tree leads to, links followed, as realpath(3) does.
 *
 * @throws {NotFoundError} when nothing is there, or when links lead in a circle.
 */
export function realPath(rootfs: Rootfs, path: string): string {
  // Whoever looks through to the end has met every circle.
  rootfs.stat(path);
  const ahead = path.split("/");
  let real: string[] = [];
  while (ahead.length > 0) {
    const name = ahead.shift() ?? "";
    if (name === "..") real.pop();
    if (name === "" || name === "." || name === "..") continue;
    const { linkPath } = rootfs.stat([...real, name].join("/"), { follow: false });
    if (linkPath === undefined) real.push(name);
    else {
      if (linkPath.startsWith("/")) real = [];
      ahead.unshift(...linkPath.split("/"));
    }
  }
  return real.join("/");
}
