import type { DockerConfigFile } from "../auth/docker_config_store.ts";
import { MAX_CONFIG_LENGTH } from "../auth/docker_config.ts";
import { InvalidConfigError } from "../model/errors.ts";
import { replaceLocked } from "../store/file_lock.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import { readVariable } from "./_helper_process.ts";
import { nodeFileSystem } from "./node_file_system.ts";

/** A configuration file, and whether somebody has named it. */
export interface ConfigFileLocation {
  /** The path. */
  readonly path: string;
  /** Whether a variable names this very file, so that its absence is an error. */
  readonly isNamed: boolean;
  /** The file of old versions of Docker, which is read while this one is not there. */
  readonly legacyPath?: string | undefined;
}

/** As many as Linux follows. */
const MAX_LINKS = 40;

/** An edit takes milliseconds; a lock that does not change for this long is of a dead process. */
const STALE_AFTER_MS = 3_000;

function home(): string | undefined {
  return readVariable("HOME") ?? readVariable("USERPROFILE");
}

/**
 * Lists the files that may hold credentials, the most specific first: the file that
 * `REGISTRY_AUTH_FILE` names; `config.json` in `DOCKER_CONFIG`, else in `~/.docker`;
 * `$XDG_RUNTIME_DIR/containers/auth.json`.
 *
 * @returns The files, whether they are there or not; nothing where there are no variables.
 */
export function dockerConfigLocations(): ConfigFileLocation[] {
  const files: ConfigFileLocation[] = [];
  const named = readVariable("REGISTRY_AUTH_FILE");
  if (named !== undefined) files.push({ path: named, isNamed: true });
  const folder = readVariable("DOCKER_CONFIG");
  const user = home();
  if (folder !== undefined) {
    files.push({ path: `${folder}/config.json`, isNamed: false });
  } else if (user !== undefined) {
    const legacyPath = `${user}/.dockercfg`;
    files.push({ path: `${user}/.docker/config.json`, isNamed: false, legacyPath });
  }
  const runtime = readVariable("XDG_RUNTIME_DIR");
  if (runtime !== undefined) {
    files.push({ path: `${runtime}/containers/auth.json`, isNamed: false });
  }
  return files;
}

/**
 * Opens a Docker configuration file for changes. A change is written beside the file and renamed onto
 * it, so that readers, and a crash or a full disk in the middle, find the old text or the new one.
 * Changes by several processes at the same time follow one another; none is lost. The file can be
 * read by its owner alone (0600) afterwards; a symbolic link stays one, and the file that it leads to
 * is changed; a missing folder is made (0700).
 *
 * @param path The file; default the first of {@linkcode dockerConfigLocations}, where
 * `hostCredentials()` looks first.
 * @param fileSystem Where it is; default the disk.
 * @returns The file. Its methods reject with `FileSystemError`.
 * @throws {InvalidConfigError} when no path is given and no variable leads to one.
 * @throws {FileSystemError} when the runtime has no disk.
 *
 * @example Forget a registry
 * ```ts
 * import { eraseCredentials } from "@lading/lading/auth";
 * import { dockerConfigFile } from "@lading/lading/node"; // or /deno, /bun
 * import { memoryFileSystem } from "@lading/lading/store";
 *
 * const file = dockerConfigFile("/config.json", memoryFileSystem());
 * console.log(await eraseCredentials(file, "ghcr.io")); // []
 * ```
 */
export function dockerConfigFile(path?: string, fileSystem?: FileSystem): DockerConfigFile {
  const name = path ?? dockerConfigLocations()[0]?.path;
  if (name === undefined) {
    const message = "Cannot find a place for credentials: neither DOCKER_CONFIG nor HOME is set";
    throw new InvalidConfigError(message, { input: "" });
  }
  return new ConfigFile(name, fileSystem ?? nodeFileSystem());
}

class ConfigFile implements DockerConfigFile {
  readonly name: string;
  readonly #fs: FileSystem;

  constructor(name: string, fs: FileSystem) {
    this.name = name;
    this.#fs = fs;
  }

  async read(signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    return await readText(this.#fs, this.name) ?? "";
  }

  async update(edit: (text: string) => string, signal?: AbortSignal): Promise<boolean> {
    const before = await this.read(signal);
    if (edit(before) === before) return false;
    const path = await targetOf(this.#fs, this.name);
    const { directory, name } = splitPath(path);
    await this.#makeDirectory(directory);
    const file = { fs: this.#fs, directory, name };
    const how = { owner: "lading", staleAfterMs: STALE_AFTER_MS, isDurable: true, isPrivate: true };
    let isEdited = false;
    const update = async () => {
      const text = await readText(this.#fs, path) ?? "";
      const edited = edit(text);
      isEdited = edited !== text;
      return isEdited ? new TextEncoder().encode(edited) : undefined;
    };
    await replaceLocked({ ...file, ...how }, update, () => signal?.aborted !== true);
    if (!isEdited) signal?.throwIfAborted();
    return isEdited;
  }

  async #makeDirectory(directory: string): Promise<void> {
    if (await this.#fs.stat(directory) !== undefined) return;
    await this.#fs.makeDirectory(directory, { recursive: true, mode: 0o700 });
  }
}

/** Parts a path before its last name; Windows has two separators. */
function splitPath(path: string): { readonly directory: string; readonly name: string } {
  const isWindows = /^[A-Za-z]:|^\\\\/.test(path);
  const end = Math.max(path.lastIndexOf("/"), isWindows ? path.lastIndexOf("\\") : -1);
  return { directory: end < 0 ? "." : path.slice(0, end) || "/", name: path.slice(end + 1) };
}

/** Reads a file; `undefined` when it is not there. */
async function readText(fs: FileSystem, path: string): Promise<string | undefined> {
  try {
    const file = await fs.open(path);
    try {
      // One byte too many is for the parser to refuse.
      const bytes = await file.read(0, Math.min(file.size, MAX_CONFIG_LENGTH + 1));
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof FileSystemError && error.reason === "not-found") return undefined;
    if (!(error instanceof TypeError)) throw error;
    throw new InvalidConfigError(`Cannot read ${path}: it is no UTF-8`, { input: path });
  }
}

/** Follows symbolic links to the file that is changed, which need not be there. */
async function targetOf(fs: FileSystem, path: string): Promise<string> {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const info = await fs.stat(at, { followLinks: false });
    if (info?.type !== "symlink") return at;
    const target = await fs.readLink(at);
    const isAbsolute = /^(?:[/\\]|[A-Za-z]:[/\\])/.test(target);
    at = isAbsolute ? target : `${splitPath(at).directory}/${target}`;
  }
  throw new InvalidConfigError(
    `Cannot write ${path}: it is a symbolic link that leads in a circle`,
    {
      input: path,
    },
  );
}
