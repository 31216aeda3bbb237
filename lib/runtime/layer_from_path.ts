import { directoryEntries } from "../image/directory_entries.ts";
import { layerFrom } from "../image/layer_from.ts";
import type { LayerOptions } from "../image/layer_options.ts";
import type { LayerSource } from "../image/layer_source.ts";
import type { NewLayer } from "../image/new_layer.ts";
import { fileUploads } from "../server/file_uploads.ts";
import { fileContent } from "../store/file_content.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import { nodeFileSystem } from "./node_file_system.ts";
import { standardInput, temporaryDirectory } from "./standard_input.ts";

/** Options of {@linkcode layerFromPath}. */
export interface LayerFromPathOptions extends LayerOptions {
  /** What the path is of; default the disk. */
  readonly fileSystem?: FileSystem | undefined;
  /** The name that a single file gets below the prefix; default its own. */
  readonly name?: string | undefined;
  /** Whether a tar archive is put in as a file; default `false`: it is unpacked. */
  readonly asFile?: boolean | undefined;
}

/** The path of an archive that comes on the standard input. */
const STANDARD_INPUT = "-";

/** Tells by its name whether a file is a tar archive, compressed or not. */
export function isArchive(path: string): boolean {
  return /\.(tar|tar\.gz|tgz|tar\.zst)$/.test(path);
}

/**
 * Makes a layer of what lies at a path (a directory, a tar archive, a single file), or of any other
 * source that the `layerFrom()` of `./image` takes. The same files give the same digest on every
 * runtime and day: they are sorted, and belong to 0:0 at the time 0 unless options say otherwise.
 *
 * @param source The path, or the source. A directory gives what is in it; an archive, by its name
 * (`.tar`, `.tar.gz`, `.tgz`, `.tar.zst`), what it holds. The path `-` is an archive on the standard
 * input; without a `spool` it waits in a temporary file until the layer is closed.
 * @param options Where it goes in the image, whom it belongs to, how it is stored.
 * @returns The layer. Files are read again when it is pushed.
 * @throws {FileSystemError} when there is nothing at the path, or it cannot be read.
 * @throws {InvalidTarError} when an archive is none.
 *
 * @example A layer of a directory; without `fileSystem` it is one of the disk
 * ```ts
 * import { append, emptyImage, layerFrom } from "@lading/lading";
 * import { memoryFileSystem } from "@lading/lading/store";
 *
 * const fileSystem = memoryFileSystem();
 * await fileSystem.makeDirectory("./dist", { recursive: true });
 * await (await fileSystem.create("./dist/main.js")).close();
 * const layer = await layerFrom("./dist", { prefix: "/app", fileSystem });
 * const image = append(emptyImage({ os: "linux", architecture: "amd64" }), layer);
 * for await (const { path } of image.files()) console.log(path); // app, app/main.js
 * ```
 */
export async function layerFromPath(
  source: string | LayerSource,
  options: LayerFromPathOptions = {},
): Promise<NewLayer> {
  if (typeof source !== "string") return await layerFrom(source, options);
  const fs = options.fileSystem ?? nodeFileSystem();
  if (source === STANDARD_INPUT) {
    const { spool = fileUploads(fs, temporaryDirectory()) } = options;
    return await layerFrom(standardInput(options.signal), { ...options, spool });
  }
  const info = await fs.stat(source);
  if (info === undefined) {
    throw new FileSystemError(
      `Cannot make a layer of ${JSON.stringify(source)}: there is no such file`,
      { reason: "not-found", path: source },
    );
  }
  if (info.type === "directory") {
    return await layerFrom(() => directoryEntries(fs, source), options);
  }
  if (isArchive(source) && options.asFile !== true) {
    return await layerFrom(fileContent(fs, source), options);
  }
  const { name } = options;
  return await layerFrom(async function* () {
    for await (const entry of directoryEntries(fs, source)) {
      yield name === undefined ? entry : { ...entry, path: name };
    }
  }, options);
}
