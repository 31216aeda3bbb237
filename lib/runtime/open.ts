import type { CredentialProvider } from "../auth/credentials.ts";
import type { CallOptions, Resolver, Roots, Source, Target } from "../model/content.ts";
import type { FileSystem } from "../store/file_system.ts";
import { LadingError } from "../model/errors.ts";
import { parsePlace, type Place } from "../model/place.ts";
import type { Platform } from "../model/platform.ts";
import { parsePlatform } from "../model/parse_platform.ts";
import { parseReference, withDefaultTag } from "../model/reference.ts";
import { type Mirrors, withMirrors } from "../registry/mirrors.ts";
import { Registry } from "../registry/registry.ts";
import type { Repository } from "../registry/repository.ts";
import type { ArchiveTarget } from "../store/archive_target.ts";
import { dockerArchive } from "../store/docker_archive.ts";
import { ociArchive } from "../store/oci_archive.ts";
import { dockerArchiveTarget, ociArchiveTarget } from "../store/open_archive_target.ts";
import { imageDirectory } from "../store/image_directory.ts";
import type { ImageDirectoryTarget } from "../store/image_directory_target.ts";
import { imageDirectoryTarget } from "../store/open_image_directory_target.ts";
import { ociLayout } from "../store/oci_layout.ts";
import type { Image } from "../image/image.ts";
import { loadImage } from "../image/load_image.ts";
import { engineImages, engineLoading } from "./_engine_place.ts";
import type { ConnectOptions } from "./engine_connect.ts";
import { hostCredentials } from "./docker_credentials.ts";
import { hostPlatform } from "./host_platform.ts";
import { type HostRegistryOptions, registryOptions } from "./host_registry_options.ts";
import { hostTransport } from "./host_transport.ts";
import { nodeFileSystem } from "./node_file_system.ts";
import { type OpenedView, openedView } from "./opened_view.ts";
import { standardInput, temporaryDirectory } from "./standard_input.ts";
import { openV1Repository, v1Images } from "./v1_place.ts";

/** How places are opened. */
export interface OpenOptions extends CallOptions, HostRegistryOptions {
  /** Holds layouts and archives; default the runtime's own. */
  readonly fileSystem?: FileSystem | undefined;
  /** How the engine of `docker-daemon:` is found; default as the docker command does. */
  readonly engine?: ConnectOptions | undefined;
  /**
   * Where images of registries are read from first, as `{ "docker.io": ["mirror.gcr.io"] }`; default
   * nowhere else. Only what is opened to be read comes from mirrors: see `withMirrors()` of
   * `./registry`.
   */
  readonly mirrors?: Mirrors | undefined;
  /** Gives credentials for the mirrors; default the Docker configuration, never `credentials`. */
  readonly mirrorCredentials?: CredentialProvider | undefined;
}

/** Options of {@linkcode openImage}. */
export interface OpenImageOptions extends OpenOptions {
  /**
   * The platform to choose from an index, such as `linux/arm64`; default that of the engine of the
   * place, else the machine's, on Linux.
   */
  readonly platform?: Platform | string | undefined;
}

/** A place that was opened. */
export interface OpenedPlace<Kind extends Resolver> {
  /** The place. */
  readonly place: Place;
  /** What it holds. */
  readonly content: Kind;
  /** The name of the image there; an empty text is the only image of the place. */
  readonly reference: string;
  /**
   * Tells whose image of an index is meant when nobody says: what the engine of the place runs on.
   * Places that run nothing have no such thing.
   */
  ownPlatform?(options?: CallOptions): Promise<Platform>;
  /** Frees what is held open. */
  close(): Promise<void>;
}

/** A place that was opened to be written to. */
export interface OpenedTarget extends OpenedPlace<Target> {
  /**
   * Makes what was written stay: an archive is written as a whole now, an engine loads it now.
   * Registries and layouts have nothing left to do.
   *
   * @param options A signal.
   */
  commit(options?: CallOptions): Promise<void>;
  /** Frees what is held open; an archive that was not committed leaves nothing behind. */
  close(): Promise<void>;
}

/** The path of an archive that comes on the standard input. */
const STANDARD_INPUT = "-";

const nothingToClose = (): Promise<void> => Promise.resolve();

/**
 * Opens a registry with this runtime's transport and credentials.
 *
 * @param host The host, such as `ghcr.io` or `127.0.0.1:5000`.
 * @param options The transport and credentials.
 * @returns The registry; nothing is sent yet.
 */
export function openRegistry(host: string, options: OpenOptions = {}): Registry {
  return new Registry(host, registryOptions(options));
}

/**
 * Opens a repository with this runtime's transport and credentials.
 *
 * @param name The name, such as `alpine` or `ghcr.io/acme/app`.
 * @param options The transport and credentials.
 * @returns The repository; nothing is sent yet.
 * @throws {InvalidReferenceError} when it is no name.
 */
export function openRepository(name: string, options: OpenOptions = {}): Repository {
  const { registry, repository } = parseReference(name);
  return openRegistry(registry, options).repository(repository);
}

function openDocker(
  place: Place & { readonly transport: "docker" },
  options: OpenOptions,
): OpenedTarget {
  const { registry, repository, tag, digest } = withDefaultTag(parseReference(place.reference));
  return {
    place,
    content: openRegistry(registry, options).repository(repository),
    reference: digest ?? tag ?? "latest",
    commit: nothingToClose,
    close: nothingToClose,
  };
}

/** Has a registry read from its mirrors first. */
function withMirrorsOf(options: OpenOptions): OpenOptions {
  if (options.mirrors === undefined) return options;
  const { transport = hostTransport(), ...same } = registryOptions(options);
  return {
    ...options,
    transport: withMirrors(transport, options.mirrors, {
      ...same,
      credentials: options.mirrorCredentials ?? hostCredentials(),
    }),
  };
}

/**
 * Opens a place to read from: `docker://` (the default), `oci:`, `oci-archive:`, `docker-archive:`,
 * `dir:`, `docker-daemon:` or `docker-v1://`. An archive with the path `-` comes on the standard input and is
 * read once.
 *
 * @param text The place, such as `alpine:3.20` or `oci:./alpine`.
 * @param options The transport, credentials and file system.
 * @returns The place; close it.
 * @throws {InvalidReferenceError} when the text names no place.
 */
export function openSource(text: string, options: OpenOptions = {}): OpenedPlace<Source> {
  const place = parsePlace(text);
  if (place.transport === "docker") return openDocker(place, withMirrorsOf(options));
  if (place.transport === "docker-v1") {
    const { repository, reference } = openV1Repository(place.reference, options);
    return { place, reference, content: v1Images(repository), close: nothingToClose };
  }
  const fileSystem = options.fileSystem ?? nodeFileSystem();
  if (place.transport === "docker-daemon") {
    const { reference } = place;
    return { place, reference, ...engineImages({ engine: options.engine, fileSystem }) };
  }
  if (place.transport === "dir") {
    const content: Source & Roots = imageDirectory(fileSystem, place.path);
    return { place, content, reference: "", close: nothingToClose };
  }
  const { path, reference = "" } = place;
  if (place.transport === "oci") {
    const content: Source & Roots = ociLayout(fileSystem, path);
    return { place, content, reference, close: nothingToClose };
  }
  const open = place.transport === "oci-archive" ? ociArchive : dockerArchive;
  const temporary = { fileSystem, directory: temporaryDirectory() };
  const content = path === STANDARD_INPUT
    ? open(standardInput(options.signal), { temporary })
    : open(fileSystem, path);
  return { place, content, reference, close: () => content.close() };
}

/**
 * Opens a place to write to: `docker://` (the default), `oci:`, `oci-archive:`, `docker-archive:`,
 * `dir:` or `docker-daemon:`, which loads it when it is committed. An archive, or the image of a
 * directory, appears when it is committed, over one that is there; of an index, Docker loads the image
 * for this machine, on Linux.
 *
 * @param text The place.
 * @param options The transport, credentials and file system.
 * @returns The place; commit it, and close it.
 * @throws {InvalidReferenceError} when the text names no place.
 * @throws {LadingError} (`UNSUPPORTED_PLACE`) for a registry of version 1, which takes whole images.
 */
export function openTarget(text: string, options: OpenOptions = {}): OpenedTarget {
  const place = parsePlace(text);
  if (place.transport === "docker") return openDocker(place, options);
  if (place.transport === "docker-v1") {
    throw new LadingError(
      "UNSUPPORTED_PLACE",
      `Cannot write to "${text}" piece by piece: pushToV1() pushes an image to a registry of version 1`,
    );
  }
  const fileSystem = options.fileSystem ?? nodeFileSystem();
  if (place.transport === "docker-daemon") {
    const { reference } = place;
    return { place, reference, ...engineLoading({ engine: options.engine, fileSystem }) };
  }
  if (place.transport === "dir") {
    const content = imageDirectoryTarget(fileSystem, place.path);
    return { place, content, reference: "", ...closing(content) };
  }
  const { path, reference = "" } = place;
  if (place.transport === "oci") {
    const content = ociLayout(fileSystem, path);
    return { place, content, reference, commit: nothingToClose, close: nothingToClose };
  }
  const content = place.transport === "oci-archive"
    ? ociArchiveTarget(fileSystem, path, { platform: hostPlatform() })
    : dockerArchiveTarget(fileSystem, path, { platform: hostPlatform() });
  return { place, content, reference, ...closing(content) };
}

/** What is written as a whole, when it is closed. */
function closing(
  content: ArchiveTarget | ImageDirectoryTarget,
): Pick<OpenedTarget, "commit" | "close"> {
  return { commit: (options) => content.close(options), close: () => content.abort() };
}

/** An image that was opened; close it, or open it with `await using`. */
export type OpenedImage = Image & OpenedView;

/**
 * Opens an image to look at. Nothing is fetched but the manifests and, when needed, the config.
 *
 * @param text The place of the image.
 * @param options The platform, and how to open the place.
 * @returns The image. Close one of an archive or an engine: files are held open for it, and what came
 * through a pipe or from an engine waits in temporary ones. Registries and layouts hold nothing.
 * @throws {NotFoundError} when there is no such image.
 * @throws {InvalidPlatformError} when the platform is a text that names none.
 * @throws {PlatformNotFoundError} when it has no image for the platform.
 */
export async function openImage(
  text: string,
  options: OpenImageOptions = {},
): Promise<OpenedImage> {
  const { signal } = options;
  const wanted = options.platform === undefined ? undefined : toPlatform(options.platform);
  const place = openSource(text, options);
  return await openedView(place, async () => {
    const { content, reference } = place;
    const platform = wanted ?? await place.ownPlatform?.({ signal }) ?? hostPlatform();
    const descriptor = await content.resolve(reference, { signal });
    return await loadImage(content, descriptor, { signal, platform });
  });
}

/** Takes a platform as a text or as it is. */
export function toPlatform(platform: Platform | string): Platform {
  return typeof platform === "string" ? parsePlatform(platform) : platform;
}
