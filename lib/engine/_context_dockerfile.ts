import type { Bytes } from "../model/bytes.ts";
import { InvalidInputError, NotFoundError } from "../model/errors.ts";
import type { BuildFiles } from "./build_files.ts";
import { below } from "./_context_directory.ts";
import { readText } from "./_context_file.ts";
import { cleanPath } from "./_dockerignore_path.ts";

/** Links that a path may lead through, as on Linux (path_resolution(7)). */
const MAX_LINKS = 40;

const DEFAULT_NAME = "Dockerfile";

/** Where a Dockerfile is, and what it says. */
export interface LocatedDockerfile {
  /** Its path below the context; `undefined` when it is outside. */
  readonly name: string | undefined;
  /** Where it is, for `<Dockerfile>.dockerignore`. */
  readonly place: string;
  readonly content: Bytes;
}

/**
 * Finds the Dockerfile of a directory. Links are followed, for what they lead to may be outside.
 *
 * @throws {NotFoundError} when it is not there.
 * @throws {InvalidInputError} (`INVALID_CONTEXT`) when nobody named a Dockerfile, and the one that is
 * there is a link that leads outside.
 */
export async function locateDockerfile(
  files: BuildFiles,
  root: string,
  given: string | undefined,
): Promise<LocatedDockerfile> {
  const wanted = given === undefined ? await defaultName(files, root) : relativeTo(root, given);
  const name = wanted === undefined ? undefined : await resolveLinks(files, root, wanted);
  if (name === undefined && given === undefined) {
    throw new InvalidInputError(
      "INVALID_CONTEXT",
      `Cannot build ${
        JSON.stringify(root)
      }: its Dockerfile is a link that leads outside; name the ` +
        "file that is meant",
      { input: root },
    );
  }
  const place = name === undefined ? outsidePlace(root, given ?? "") : below(root, name);
  const info = await files.stat(place);
  if (info?.type === "file") return { name, place, content: await readText(files, place) };
  throw new NotFoundError(
    `Cannot build ${JSON.stringify(root)}: ` +
      (info === undefined
        ? `there is no Dockerfile at ${JSON.stringify(place)}`
        : `the Dockerfile ${JSON.stringify(place)} is no file`),
  );
}

/** The usual name; in lower case where only that is there, as engines take it. */
async function defaultName(files: BuildFiles, root: string): Promise<string> {
  const lower = DEFAULT_NAME.toLowerCase();
  const stat = (name: string) => files.stat(below(root, name), { followLinks: false });
  const isLower = await stat(DEFAULT_NAME) === undefined && await stat(lower) !== undefined;
  return isLower ? lower : DEFAULT_NAME;
}

/** Writes paths of Windows with slashes, without the prefix of long ones. */
function slashes(path: string): string {
  return /^[A-Za-z]:|^\\\\/.test(path) ? path.replace(/^\\\\\?\\/, "").replaceAll("\\", "/") : path;
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:\//.test(path);
}

function outsidePlace(root: string, given: string): string {
  const path = slashes(given);
  return isAbsolute(path) ? path : cleanPath(below(slashes(root), path));
}

/** Gives the path below the context; `undefined` when it leads outside. */
function relativeTo(root: string, given: string): string | undefined {
  const base = cleanPath(slashes(root));
  const path = cleanPath(outsidePlace(root, given));
  if (base === ".") return isAbsolute(path) || path.startsWith("..") ? undefined : path;
  const prefix = base === "/" ? base : `${base}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

/** Follows the links in a path below the context; `undefined` when one leads outside. */
async function resolveLinks(
  files: BuildFiles,
  root: string,
  path: string,
): Promise<string | undefined> {
  const waiting = path.split("/").reverse();
  const done: string[] = [];
  let links = 0;
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (part === "..") {
      if (done.pop() === undefined) return undefined;
      continue;
    }
    if (part === "" || part === ".") continue;
    const here = [...done, part].join("/");
    const info = await files.stat(below(root, here), { followLinks: false });
    if (info?.type !== "symlink") {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) {
      throw new NotFoundError(
        `Cannot build ${JSON.stringify(root)}: there is no Dockerfile at ${
          JSON.stringify(path)
        }: ` +
          "its links lead in a circle",
      );
    }
    const target = slashes(await files.readLink(below(root, here)));
    const inside = isAbsolute(target) ? relativeTo(root, target) : target;
    if (inside === undefined) return undefined;
    if (isAbsolute(target)) done.length = 0;
    waiting.push(...inside.split("/").reverse());
  }
  return done.join("/");
}
