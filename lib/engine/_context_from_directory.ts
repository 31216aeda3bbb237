import { InvalidInputError, LadingError, NotFoundError } from "../model/errors.ts";
import type { BuildFiles } from "./build_files.ts";
import { below, directoryInputs } from "./_context_directory.ts";
import { locateDockerfile } from "./_context_dockerfile.ts";
import { addedDockerfile, IGNORE_NAME } from "./_context_extra.ts";
import { readText } from "./_context_file.ts";
import { type OpenContext, type OpenContextOptions, packed, secondsOf } from "./_context_pack.ts";
import { Dockerignore, parseDockerignore } from "./dockerignore.ts";

/** Opens a directory. */
export async function directoryContext(
  root: string,
  files: BuildFiles | undefined,
  options: OpenContextOptions,
): Promise<OpenContext> {
  if (files === undefined) {
    throw new LadingError(
      "UNSUPPORTED_PLACE",
      `Cannot build ${JSON.stringify(root)}: there are no files here; give entries or an archive`,
    );
  }
  const info = await files.stat(root);
  if (info === undefined) {
    throw new NotFoundError(`Cannot build ${JSON.stringify(root)}: there is no such directory`);
  }
  if (info.type !== "directory") {
    throw new InvalidInputError(
      "INVALID_CONTEXT",
      `Cannot build ${JSON.stringify(root)}: it is no directory; an archive is { file: … }`,
      { input: root },
    );
  }
  const { dockerfile: given, isBuildKit, signal, owner = "root" } = options;
  const located = typeof given === "object"
    ? undefined
    : await locateDockerfile(files, root, given);
  const outside = located?.content ?? (typeof given === "object" ? given.content : "");
  const added = located?.name === undefined ? addedDockerfile(outside) : undefined;
  const name = located?.name ?? added?.name ?? "";
  const patterns = options.ignore ?? await readPatterns(files, root, located?.place, isBuildKit);
  const inputs = directoryInputs({
    files,
    root,
    ignore: new Dockerignore(patterns),
    // The classic builder wants both, and takes out of the context what the patterns name.
    kept: new Set(isBuildKit ? [name] : [name, IGNORE_NAME]),
    owner,
    mtime: secondsOf(options),
    signal,
  });
  return packed(inputs, added, {
    ...options,
    name,
    content: added?.content ?? located?.content,
  });
}

/** Reads the patterns of a directory; none when there is no file of them. */
async function readPatterns(
  files: BuildFiles,
  root: string,
  dockerfile: string | undefined,
  isBuildKit: boolean,
): Promise<readonly string[]> {
  const own = isBuildKit && dockerfile !== undefined ? [`${dockerfile}${IGNORE_NAME}`] : [];
  for (const place of [...own, below(root, IGNORE_NAME)]) {
    const info = await files.stat(place);
    if (info?.type === "file") return parseDockerignore(await readText(files, place));
    if (info === undefined) continue;
    throw new InvalidInputError(
      "INVALID_CONTEXT",
      `Cannot build ${JSON.stringify(root)}: ${JSON.stringify(place)} is no file`,
      { input: root },
    );
  }
  return [];
}
