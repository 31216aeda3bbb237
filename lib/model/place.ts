import { InvalidReferenceError } from "./errors.ts";

/** An image in a registry. */
export interface DockerPlace {
  /** How the place is reached. */
  readonly transport: "docker";
  /** The reference, as it was written. */
  readonly reference: string;
}

/** An image in a registry of version 1. */
export interface V1Place {
  /** How the place is reached. */
  readonly transport: "docker-v1";
  /** The reference, as it was written. */
  readonly reference: string;
}

/** An image in an OCI layout, an archive of one, or an archive of `docker save`. */
export interface PathPlace {
  /** How the place is reached. */
  readonly transport: "oci" | "oci-archive" | "docker-archive";
  /** The path of the directory or file. */
  readonly path: string;
  /** The name within; absent when the path holds one image, or all of them are meant. */
  readonly reference?: string | undefined;
}

/** An image in a directory of its own, as skopeo writes it. */
export interface DirectoryPlace {
  /** How the place is reached. */
  readonly transport: "dir";
  /** The path of the directory. */
  readonly path: string;
}

/** An image of a Docker engine. */
export interface DaemonPlace {
  /** How the place is reached. */
  readonly transport: "docker-daemon";
  /** The reference, as it was written. */
  readonly reference: string;
}

/** A place where an image is, or is to be put. */
export type Place = DockerPlace | V1Place | PathPlace | DirectoryPlace | DaemonPlace;

const PATH_TRANSPORTS = ["oci", "oci-archive", "docker-archive"] as const;

/** Transports of other tools: with a clear message, so that nobody pulls an image named "sif". */
const FOREIGN_TRANSPORTS: ReadonlySet<string> = new Set([
  "containers-storage",
  "ocidir",
  "ostree",
  "sif",
  "tarball",
]);

function refuse(text: string, reason: string): never {
  throw new InvalidReferenceError(
    `Cannot parse place ${JSON.stringify(text.slice(0, 256))}: ${reason}`,
    { input: text },
  );
}

// The digest of a manifest pins a path as it pins a repository.
const PINNED_PATH_REGEXP = /^((?:[A-Za-z]:[\\/])?[^:]+)@(sha(?:256|512):.+)$/;

/**
 * Splits a path from the name behind it. The first colon ends the path (containers-transports.5),
 * unless it stands behind the letter of a drive.
 */
function splitPath(text: string): [path: string, reference: string | undefined] {
  const [, pinned, digest] = PINNED_PATH_REGEXP.exec(text) ?? [];
  if (pinned !== undefined) return [pinned, digest];
  const colon = text.indexOf(":", /^[A-Za-z]:[\\/]/.test(text) ? 2 : 0);
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

/**
 * Parses a place as skopeo writes it: `docker://alpine:3.20`, `oci:path:name`,
 * `oci-archive:file.tar:name`, `docker-archive:file.tar:name`, `dir:path`,
 * `docker-daemon:alpine:3.20`; and `docker-v1://localhost:5000/app:1` for registries of version 1.
 * Paths may be pinned as names are: `oci:path@sha256:…`; but `dir:` takes all that follows as path.
 * What has no transport is a reference to a registry. The references themselves are not judged here.
 *
 * @param text A place.
 * @returns Its parts.
 * @throws {InvalidReferenceError} when the text is empty, has no path or an unknown transport.
 *
 * @example A registry is the default
 * ```ts
 * import { parsePlace } from "@lading/lading/reference";
 *
 * console.log(parsePlace("alpine:3.20").transport); // docker
 * console.log(parsePlace("oci:images:alpine").transport); // oci
 * ```
 */
export function parsePlace(text: string): Place {
  if (text.includes("\0")) refuse(text, "it holds a NUL");
  const colon = text.indexOf(":");
  const scheme = colon < 0 ? "" : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (rest.startsWith("//") && scheme !== "docker" && scheme !== "docker-v1") {
    const isPath = scheme === "dir" ||
      PATH_TRANSPORTS.some((transport) => transport === scheme);
    if (!isPath) {
      refuse(text, `unknown transport "${scheme}"; use docker://, oci: or docker-archive:`);
    }
  }
  if ((scheme === "docker" || scheme === "docker-v1") && rest.startsWith("//")) {
    return { transport: scheme, reference: required(rest.slice(2), text, "reference") };
  }
  if (scheme === "docker-daemon") {
    return { transport: scheme, reference: required(rest, text, "reference") };
  }
  if (scheme === "dir") return { transport: scheme, path: required(rest, text, "path") };
  const transport = PATH_TRANSPORTS.find((name) => name === scheme);
  if (transport !== undefined) {
    const [path, reference] = splitPath(rest);
    required(path, text, "path");
    return reference === undefined || reference === ""
      ? { transport, path }
      : { transport, path, reference };
  }
  if (FOREIGN_TRANSPORTS.has(scheme) && !/^[0-9]*(?:\/|$)/.test(rest)) {
    refuse(text, `the transport "${scheme}:" is not supported`);
  }
  return { transport: "docker", reference: required(text, text, "reference") };
}

function required(part: string, text: string, what: string): string {
  return part === "" ? refuse(text, `it has no ${what}`) : part;
}

/**
 * Writes a place so that {@linkcode parsePlace} reads it again.
 *
 * @param place A place.
 * @returns Its text.
 */
export function formatPlace(place: Place): string {
  switch (place.transport) {
    case "docker":
    case "docker-v1":
      return `${place.transport}://${place.reference}`;
    case "docker-daemon":
      return `docker-daemon:${place.reference}`;
    case "dir":
      return `dir:${place.path}`;
    default: {
      const suffix = place.reference === undefined ? "" : `:${place.reference}`;
      return `${place.transport}:${place.path}${suffix}`;
    }
  }
}

/**
 * Reads `@0`, as in `oci:DIR:@0`: an image by its place in a list, whatever it is called. It is no name
 * (containers-transports(5), `@source-index`).
 *
 * @param reference What stands behind the path of a layout or an archive.
 * @returns The place, from 0; `undefined` for anything else.
 */
export function positionIn(reference: string): number | undefined {
  return /^@\d{1,9}$/.test(reference) ? Number(reference.slice(1)) : undefined;
}
