import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { readTar } from "../tar/reader.ts";
import { type TarInput, type TarInputType, writeTar } from "../tar/writer.ts";
import { MAX_ARCHIVE_BYTES } from "./_fake_engine_archive.ts";
import { joinPath } from "./_fake_engine_change.ts";
import { matchPath } from "./_fake_engine_names.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

/** A file of the context of a build. */
export interface ContextEntry {
  readonly type: TarInputType;
  readonly mode: number;
  readonly mtime: number;
  /** The content of a file. */
  readonly bytes?: Bytes | undefined;
  /** The target of a link. */
  readonly linkPath?: string | undefined;
}

/** Reads a context; paths have no slash in front. */
export async function readContext(archive: Bytes): Promise<Map<string, ContextEntry>> {
  const entries = new Map<string, ContextEntry>();
  try {
    for await (const entry of readTar(decompress(streamOf(archive)))) {
      const path = joinPath("/", entry.path).slice(1);
      if (path === "") continue;
      const { type, mode, mtime, linkPath } = entry;
      if (type === "volume-label" || type === "multi-volume" || type === "unknown") continue;
      const bytes = type === "file" ? await entry.bytes() : undefined;
      entries.set(path, { type, mode, mtime, bytes, linkPath });
    }
  } catch {
    throw new Refusal(500, "Error processing tar file(exit status 1): unexpected EOF");
  }
  return entries;
}

/** What `COPY` or `ADD` says. */
export interface CopyInput {
  readonly context: ReadonlyMap<string, ContextEntry>;
  readonly sources: readonly string[];
  readonly target: string;
  readonly workingDir: string;
  readonly verb: "ADD" | "COPY";
  /** `--chown`: numbers only. */
  readonly owner: string | undefined;
  /** Downloads what `ADD` names. */
  readonly download: (url: URL) => Promise<ByteStream>;
}

/** Makes the layer of what is copied: a tar archive. */
export async function layerOf(input: CopyInput): Promise<Bytes> {
  const { sources, target, workingDir, verb } = input;
  const files = new Map<string, ContextEntry>();
  const base = joinPath(workingDir, target);
  let isFolder = /(?:^|\/)\.{0,2}$/.test(target);
  const found: { readonly path: string; readonly entry: ContextEntry }[] = [];
  for (const source of sources) {
    if (verb === "ADD" && /^https?:\/\//.test(source)) {
      const bytes = await readAll(await input.download(new URL(source)), {
        maxBytes: MAX_ARCHIVE_BYTES,
        what: source,
      });
      found.push({ path: source, entry: { type: "file", mode: 0o600, mtime: 0, bytes } });
    } else {
      found.push(...findSources(input, source));
    }
  }
  if (found.length > 1 && !isFolder) {
    if (sources.length > 1) {
      throw new Error(
        `When using ${verb} with more than one source file, the destination must be a directory ` +
          "and end with a /",
      );
    }
    isFolder = true;
  }
  for (const { path, entry } of found) {
    if (entry.type === "directory") {
      copyFolder(input.context, path, base, files);
      continue;
    }
    const inner = verb === "ADD" && entry.bytes !== undefined && !path.includes("://")
      ? await unpacked(entry.bytes)
      : undefined;
    if (inner !== undefined) {
      for (const [name, one] of inner) files.set(joinPath(base, name), one);
    } else {
      const name = path.slice(path.lastIndexOf("/") + 1);
      files.set(isFolder ? joinPath(base, name) : base, entry);
    }
  }
  const tar = writeTar(inputsOf(files, input.owner));
  return await readAll(tar, { maxBytes: MAX_ARCHIVE_BYTES, what: "the layer" });
}

function findSources(
  { context, verb }: CopyInput,
  source: string,
): { readonly path: string; readonly entry: ContextEntry }[] {
  const path = joinPath("/", source).slice(1);
  if (source.split("/").includes("..") && !source.startsWith("/")) {
    const depth = source.split("/").reduce((sum, part) => part === ".." ? sum - 1 : sum + 1, 0);
    if (depth < 0) {
      throw new Error(`${verb} failed: forbidden path outside the build context: ${source} ()`);
    }
  }
  const folder: ContextEntry = { type: "directory", mode: 0o755, mtime: 0 };
  if (path === "") return [{ path, entry: folder }];
  if (/[*?[]/.test(path)) {
    const fitting = [...context].filter(([name]) => matchPath(path, name));
    if (fitting.length > 0) return fitting.map(([name, entry]) => ({ path: name, entry }));
    throw new Error(`${verb} failed: no source files were specified`);
  }
  const entry = context.get(path);
  if (entry !== undefined) return [{ path, entry }];
  // An archive need not list the folders of its files.
  const isFolder = [...context.keys()].some((name) => name.startsWith(`${path}/`));
  if (isFolder) return [{ path, entry: folder }];
  throw new Error(
    `${verb} failed: file not found in build context or excluded by .dockerignore: stat ${path}: ` +
      "file does not exist",
  );
}

/** Copies what is in a folder, not the folder itself. */
function copyFolder(
  context: ReadonlyMap<string, ContextEntry>,
  folder: string,
  base: string,
  files: Map<string, ContextEntry>,
): void {
  const prefix = folder === "" ? "" : `${folder}/`;
  if (base !== "/") {
    files.set(base, context.get(folder) ?? { type: "directory", mode: 0o755, mtime: 0 });
  }
  for (const [name, entry] of context) {
    if (name.startsWith(prefix)) files.set(joinPath(base, name.slice(prefix.length)), entry);
  }
}

async function unpacked(bytes: Bytes): Promise<Map<string, ContextEntry> | undefined> {
  try {
    const entries = await readContext(bytes);
    return entries.size === 0 ? undefined : entries;
  } catch {
    return undefined;
  }
}

function* inputsOf(
  files: ReadonlyMap<string, ContextEntry>,
  owner: string | undefined,
): Generator<TarInput, void, undefined> {
  const [, uid = "0", gid = uid] = /^(\d+)(?::(\d+))?$/.exec(owner ?? "0:0") ?? [];
  if (owner !== undefined && !/^\d+(?::\d+)?$/.test(owner)) {
    throw new Error(`The fake engine knows owners by their numbers only, not ${owner}`);
  }
  const ids = { uid: Number(uid), gid: Number(gid) };
  const written = new Set<string>();
  for (const [path, { type, mode, mtime, bytes, linkPath }] of files) {
    const parts = path.slice(1).split("/");
    for (let i = 1; i < parts.length; i++) {
      const parent = parts.slice(0, i).join("/");
      if (written.has(parent) || files.has(`/${parent}`)) continue;
      written.add(parent);
      yield { path: parent, type: "directory", ...ids };
    }
    yield { path: path.slice(1), type, mode, mtime, body: bytes, linkPath, ...ids };
  }
}
