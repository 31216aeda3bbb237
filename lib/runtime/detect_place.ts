import { formatPlace, parsePlace } from "../model/place.ts";
import { dockerArchive } from "../store/docker_archive.ts";
import { ociArchive } from "../store/oci_archive.ts";
import { isLadingError } from "../model/errors.ts";
import { nodeFileSystem } from "./node_file_system.ts";
import type { OpenOptions } from "./open.ts";

/** The files that tell what a directory is. */
const MARKERS = [["oci-layout", "oci"], ["manifest.json", "dir"]] as const;

/**
 * Finds out what lies at a path: a directory with an OCI layout or an image, or an archive of either
 * kind. An
 * archive that is both is taken for an OCI archive, which keeps every digest.
 *
 * @param path The path; `-` is an archive of Docker's on the standard input. A text that names a
 * place of files, such as `oci:./app:1`, is one.
 * @param options The file system, and a signal.
 * @returns The place; `undefined` when there is none.
 */
export async function detectPlace(
  path: string,
  options: Pick<OpenOptions, "fileSystem" | "signal"> = {},
): Promise<string | undefined> {
  const given = placeOf(path);
  if (given !== undefined) return given;
  if (path === "-") return "docker-archive:-";
  const fs = options.fileSystem ?? nodeFileSystem();
  const info = await fs.stat(path);
  if (info === undefined) return undefined;
  if (info.type === "directory") {
    for (const [marker, transport] of MARKERS) {
      const isThere = await fs.stat(`${path}/${marker}`) !== undefined;
      if (isThere) return formatPlace({ transport, path });
    }
    return undefined;
  }
  if (await hasImages(ociArchive(fs, path), options)) {
    return formatPlace({ transport: "oci-archive", path });
  }
  if (await hasImages(dockerArchive(fs, path), options)) {
    return formatPlace({ transport: "docker-archive", path });
  }
  return undefined;
}

function placeOf(text: string): string | undefined {
  try {
    const { transport } = parsePlace(text);
    return transport === "docker" || transport === "docker-daemon" ? undefined : text;
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

async function hasImages(
  archive: ReturnType<typeof ociArchive> | ReturnType<typeof dockerArchive>,
  { signal }: Pick<OpenOptions, "signal">,
): Promise<boolean> {
  try {
    for await (const _ of archive.roots({ signal })) return true;
    return false;
  } catch (error) {
    if (isLadingError(error)) return false;
    throw error;
  } finally {
    await archive.close();
  }
}
