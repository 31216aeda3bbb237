import { InvalidReferenceError } from "../model/errors.ts";
import {
  DEFAULT_TAG,
  familiarName,
  parseAnyReference,
  parseReference,
  type Reference,
} from "../model/reference.ts";

/** The name of an image as its place in a URL. */
export interface ImageName {
  /** The name, safe in a path. */
  readonly path: string;
  /** The same as it was given, for messages. */
  readonly shown: string;
}

/**
 * Checks a name of an image before it is put into a URL: a reference, an ID, or the begin of one. An
 * empty name would ask for the list of all images, and `..` for something else altogether.
 *
 * @param name What somebody wrote.
 * @returns The name.
 * @throws {InvalidReferenceError} when it names no image.
 */
export function imageName(name: string): ImageName {
  parseAnyReference(checkedText(name));
  return { path: name, shown: JSON.stringify(name) };
}

/** Programs without types forget names; "undefined" would be one. */
function checkedText(name: unknown): string {
  if (typeof name === "string") return name;
  throw new TypeError(`Cannot find an image: its name is no text but ${name}`);
}

/**
 * Checks what names are compared with: a repository, a name, or one with wildcards.
 *
 * @param pattern The pattern.
 * @throws {InvalidReferenceError} when it is empty, or has a blank or a control character.
 */
export function checkNamePattern(pattern: string): void {
  if (checkedText(pattern) !== "" && !/[\s\p{Cc}]/u.test(pattern)) return;
  throw new InvalidReferenceError(
    `Cannot look for images named ${JSON.stringify(pattern)}: that is no name`,
    { input: pattern },
  );
}

/** A name that can be given to an image. */
export interface TagName {
  /** The repository in full, as the docker command sends it: `docker.io/library/site`. */
  readonly repository: string;
  /** The tag. */
  readonly tag: string;
  /** Both, as Docker shows them: `site:dev`. */
  readonly name: string;
}

/**
 * Checks a name that is to be given to an image: with a tag, or `latest` without one.
 *
 * @param name The name, such as `site:dev`.
 * @param tag The tag; it goes before one in the name.
 * @returns The name.
 * @throws {InvalidReferenceError} when it is none, or has a digest.
 */
export function tagName(name: string, tag?: string): TagName {
  const reference = parseReference(checkedText(name));
  if (reference.digest !== undefined) {
    throw new InvalidReferenceError(
      `Cannot give an image the name ${JSON.stringify(name)}: a digest is no name`,
      { input: name },
    );
  }
  const chosen = tag ?? reference.tag ?? DEFAULT_TAG;
  const familiar = `${familiarName(reference)}:${chosen}`;
  // A tag of its own is checked where it stands in the end.
  const { registry, repository } = parseReference(familiar);
  return { repository: `${registry}/${repository}`, tag: chosen, name: familiar };
}

/** What is pulled or pushed. */
export interface RemoteName {
  /** All of it. */
  readonly reference: Reference;
  /** The repository in full, as the docker command sends it: `docker.io/library/app`. */
  readonly fullName: string;
  /** The repository as Docker shows it. */
  readonly repository: string;
}

/**
 * Checks the name of an image in a registry.
 *
 * @param name The name, such as `ghcr.io/acme/site:1`.
 * @param tag A tag or a digest; it goes before those in the name.
 * @returns The name.
 * @throws {InvalidReferenceError} when it is none.
 */
export function remoteName(name: string, tag?: string): RemoteName {
  const given = parseReference(checkedText(name));
  const repository = familiarName(given);
  const reference = tag === undefined
    ? given
    : parseReference(`${repository}${tag.includes(":") ? "@" : ":"}${tag}`);
  return { reference, repository, fullName: `${given.registry}/${given.repository}` };
}
