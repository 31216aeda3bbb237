import type { TarInput } from "../../lib/tar/mod.ts";

/** A small generator, so that a failure can be repeated by its seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % below;
  };
}

/**
 * Makes layers over few names, so that they meet often: files, links and directories replace each
 * other, are deleted and come back. A model keeps the entries such that umoci can apply them.
 */
export function randomLayers(seed: number): TarInput[][] {
  const next = random(seed);
  const names = ["a", "b", "c", "d"];
  const isDirectory = new Map<string, boolean>([["", true]]);
  const forget = (path: string) => {
    for (const known of [...isDirectory.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) isDirectory.delete(known);
    }
  };
  const pick = (wanted: boolean): string => {
    const all = [...isDirectory].filter(([, isDir]) => isDir === wanted).map(([path]) => path);
    return all[next(all.length)] ?? "";
  };
  const layers: TarInput[][] = [];
  for (let i = 0; i < 4; i++) {
    const entries: TarInput[] = [];
    const added = new Set<string>();
    for (let j = 0; j < 14; j++) {
      const directory = pick(true);
      const name = names[next(names.length)] ?? "a";
      const path = directory === "" ? name : `${directory}/${name}`;
      const meta = { path, uid: next(3), gid: next(3), mtime: 1_000_000 + next(1_000_000) };
      const file = pick(false);
      switch (next(8)) {
        case 0:
        case 1:
          if (isDirectory.get(path) !== true) forget(path);
          isDirectory.set(path, true);
          entries.push({ ...meta, type: "directory", mode: 0o700 + next(0o100) });
          break;
        case 2:
          if (file === "" || file === path || file.startsWith(`${path}/`)) continue;
          forget(path);
          isDirectory.set(path, false);
          entries.push({ ...meta, type: "hardlink", linkPath: file });
          break;
        case 3:
          forget(path);
          isDirectory.set(path, false);
          entries.push({ ...meta, type: "symlink", linkPath: `../${names[next(4)]}/x` });
          break;
        case 4:
          // A whiteout counts for lower layers; what this layer has put there would stay.
          if ([...added].some((known) => known === path || known.startsWith(`${path}/`))) continue;
          forget(path);
          entries.push({ path: `${path.slice(0, -name.length)}.wh.${name}` });
          continue;
        case 5:
          if ([...added].some((known) => known.startsWith(`${directory}/`))) continue;
          if (directory === "") continue;
          for (const known of [...isDirectory.keys()]) {
            if (known.startsWith(`${directory}/`)) isDirectory.delete(known);
          }
          entries.push({ path: `${directory}/.wh..wh..opq` });
          continue;
        default:
          forget(path);
          isDirectory.set(path, false);
          entries.push({
            ...meta,
            mode: 0o600 + next(0o100),
            body: new Uint8Array(next(3000)).fill(next(256)),
          });
      }
      added.add(path);
    }
    layers.push(entries);
  }
  return layers;
}
