import type { TarInput } from "../tar/writer.ts";
import type { BuildFileInfo, BuildFiles } from "./build_files.ts";
import type { Dockerignore, DockerignoreState } from "./dockerignore.ts";
import { unchangedFile } from "./_context_file.ts";

/** What of a directory is packed, and how. */
export interface DirectoryPlan {
  readonly files: BuildFiles;
  readonly root: string;
  readonly ignore: Dockerignore;
  /** Paths that are taken whatever the patterns say. */
  readonly kept: ReadonlySet<string>;
  readonly owner: "root" | "keep";
  /** The modification time in seconds; `undefined` for those of the files. */
  readonly mtime: number | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  readonly path: string;
  readonly state: DockerignoreState | undefined;
}

/**
 * Walks a directory as the docker command does: a directory before what is in it, names in order,
 * links as links. Of an ignored directory that is walked for an exception, nothing but the exception
 * is sent. Memory is the names of the directories that are open on the way down.
 */
export async function* directoryInputs(
  plan: DirectoryPlan,
): AsyncGenerator<TarInput, void, undefined> {
  const { files, root, ignore, kept, signal } = plan;
  const sent = new Map<string, string>();
  const waiting = await childrenOf(plan, "", undefined);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal?.throwIfAborted();
    const { path } = next;
    const info = await files.stat(below(root, path), { followLinks: false });
    // It was there when its directory was listed; the docker command passes over it too.
    if (info === undefined) continue;
    const state = ignore.judge(path, next.state);
    const isTaken = !state.isIgnored || kept.has(path);
    if (isTaken) {
      const input = await inputOf(plan, path, info, sent);
      if (input !== undefined) yield input;
    }
    if (info.type !== "directory") continue;
    const isWalked = isTaken || ignore.mayHoldExceptions(path) ||
      [...kept].some((name) => name.startsWith(`${path}/`));
    if (!isWalked) continue;
    for (const child of await childrenOf(plan, path, state)) waiting.push(child);
  }
}

/** Lists what is in a directory, the next one last. */
async function childrenOf(
  { files, root }: DirectoryPlan,
  directory: string,
  state: DockerignoreState | undefined,
): Promise<Waiting[]> {
  const found = await files.readDirectory(below(root, directory));
  return found.map(({ name }) => name).sort().reverse().map((name) => ({
    path: directory === "" ? name : `${directory}/${name}`,
    state,
  }));
}

/** Joins the path of a context and a path in it. */
export function below(root: string, path: string): string {
  if (path === "") return root;
  return root.endsWith("/") ? `${root}${path}` : `${root}/${path}`;
}

async function inputOf(
  { files, root, owner, mtime }: DirectoryPlan,
  path: string,
  info: BuildFileInfo,
  sent: Map<string, string>,
): Promise<TarInput | undefined> {
  const place = below(root, path);
  const { type, size, mode, identity } = info;
  const entry = {
    path,
    mode,
    ...(owner === "keep" ? { uid: info.uid, gid: info.gid } : { uid: 0, gid: 0 }),
    mtime: mtime ?? Math.floor(info.mtimeMs / 1000),
  };
  switch (type) {
    case "directory":
      return { ...entry, type };
    case "symlink":
      return { ...entry, type, linkPath: await files.readLink(place) };
    case "other":
      return info.isPipe === true ? { ...entry, type: "fifo" } : undefined;
    case "file": {
      const first = identity === undefined ? undefined : sent.get(identity);
      if (first !== undefined) return { ...entry, type: "hardlink", linkPath: first };
      if (identity !== undefined) sent.set(identity, path);
      return { ...entry, type, size, body: unchangedFile(files, place, info) };
    }
  }
}
