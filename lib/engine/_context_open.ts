import { streamFrom } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import { gzip } from "../compress/gzip.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidInputError, LadingError, NotFoundError } from "../model/errors.ts";
import { redactText } from "../model/redact.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import { type ArchiveBody, openArchive, type OpenFile } from "./archive_input.ts";
import type { BuildContext, DockerfileText, PackOptions } from "./build_context.ts";
import type { BuildFiles } from "./build_files.ts";
import { below, directoryInputs } from "./_context_directory.ts";
import { locateDockerfile } from "./_context_dockerfile.ts";
import {
  type AddedDockerfile,
  addedDockerfile,
  archiveInputs,
  entryInputs,
  IGNORE_NAME,
  withDockerfile,
} from "./_context_extra.ts";
import { readText } from "./_context_file.ts";
import { Dockerignore, parseDockerignore } from "./dockerignore.ts";

/** What opening a context needs. */
export interface OpenContextOptions extends PackOptions {
  /** Whether BuildKit builds: it reads `<Dockerfile>.dockerignore`, and hides nothing itself. */
  readonly isBuildKit: boolean;
  /** The files of the machine. */
  readonly files: BuildFiles | undefined;
  readonly openFile: OpenFile | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A context that is ready to be sent. */
export interface OpenContext {
  /** What the engine fetches itself; then there is no body. */
  readonly remote: string | undefined;
  /** The archive. */
  readonly body: Bytes | ByteStream | undefined;
  /** The name of the Dockerfile in the context; `undefined` for the usual one. */
  readonly dockerfile: string | undefined;
  /** What the Dockerfile says, where that is known. */
  readonly content: Bytes | undefined;
  /** Why the context could not be read to its end; `undefined` while nothing went wrong. */
  failure(): unknown;
  /** Lets go of what the context holds; the engine wants no more of it. */
  close(): Promise<void>;
}

const REMOTE_REGEXP = /^(?:https?:\/\/|git:\/\/|git@)/i;
const HUB_OF_GIT = "github.com/";

/** Opens a context. */
export async function openContext(
  context: BuildContext,
  options: OpenContextOptions,
): Promise<OpenContext> {
  if (typeof context === "string") {
    const isRemote = REMOTE_REGEXP.test(context) || context.startsWith(HUB_OF_GIT) &&
        (await options.files?.stat(context))?.type !== "directory";
    return isRemote
      ? remoteContext(context, options)
      : await directoryContext(context, options.files, options);
  }
  if (isArchive(context)) return await archiveContext(context, options);
  if ("remote" in context) return remoteContext(context.remote, options);
  if ("dockerfile" in context) return dockerfileContext(context.dockerfile, options);
  if ("entries" in context) return entriesContext(entryInputs(context.entries), options);
  return await directoryContext(context.directory, context.files ?? options.files, options);
}

function isArchive(context: Exclude<BuildContext, string>): context is ArchiveBody {
  return typeof context === "function" || context instanceof Uint8Array ||
    context instanceof ReadableStream || context instanceof Blob || "file" in context;
}

function remoteContext(remote: string, { dockerfile }: OpenContextOptions): OpenContext {
  const isKnown = REMOTE_REGEXP.test(remote) || remote.startsWith(HUB_OF_GIT);
  if (!isKnown || /[\s\p{Cc}]/u.test(remote)) {
    const shown = JSON.stringify(redactText(remote));
    throw new InvalidInputError(
      "INVALID_URL",
      `Cannot build from ${shown}: engines fetch http://, https://, git://, git@ and github.com/`,
      { input: redactText(remote) },
    );
  }
  if (typeof dockerfile === "object") {
    throw new TypeError(
      "Cannot build: a Dockerfile cannot be added to what the engine fetches itself; name one in it",
    );
  }
  return { ...nothingHeld(), remote, body: undefined, dockerfile, content: undefined };
}

function nothingHeld(): Pick<OpenContext, "failure" | "close"> {
  return { failure: () => undefined, close: () => Promise.resolve() };
}

async function directoryContext(
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
  const content = located?.content ?? (typeof given === "object" ? given.content : "");
  const added = located?.name === undefined ? addedDockerfile(content) : undefined;
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
  return packed(inputs, added, { ...options, name, content: bytesOf(content) });
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

function secondsOf({ mtime }: PackOptions): number | undefined {
  if (mtime === undefined || mtime === "keep") return undefined;
  return Math.floor(typeof mtime === "number" ? mtime : mtime.getTime() / 1000);
}

function bytesOf(content: string | Bytes): Bytes {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

function dockerfileContext(content: string | Bytes, options: OpenContextOptions): OpenContext {
  if (options.dockerfile !== undefined) {
    throw new TypeError("Cannot build: the Dockerfile is there twice, as context and as option");
  }
  return entriesContext(entryInputs([{ path: "Dockerfile", body: content }]), {
    ...options,
    dockerfile: undefined,
  }, content);
}

function entriesContext(
  inputs: AsyncIterable<TarInput>,
  options: OpenContextOptions,
  known?: string | Bytes,
): OpenContext {
  const { name, added, content } = givenDockerfile(options.dockerfile);
  return packed(inputs, added, {
    ...options,
    name,
    content: known === undefined ? content : bytesOf(known),
  });
}

interface GivenDockerfile {
  readonly name: string | undefined;
  readonly added: AddedDockerfile | undefined;
  readonly content: Bytes | undefined;
}

function givenDockerfile(given: string | DockerfileText | undefined): GivenDockerfile {
  if (typeof given !== "object") return { name: given, added: undefined, content: undefined };
  const added = addedDockerfile(given.content);
  return { name: added.name, added, content: added.content };
}

async function archiveContext(
  archive: ArchiveBody,
  options: OpenContextOptions,
): Promise<OpenContext> {
  const { openFile, signal } = options;
  const { name, added, content } = givenDockerfile(options.dockerfile);
  const opened = await openArchive(archive, openFile, { signal });
  if (added !== undefined) {
    const stream = opened instanceof Uint8Array ? streamFrom([opened]) : opened;
    return packed(archiveInputs(decompress(stream)), added, { ...options, name, content });
  }
  if (opened instanceof Uint8Array) {
    return {
      ...nothingHeld(),
      remote: undefined,
      body: opened,
      dockerfile: name,
      content: undefined,
    };
  }
  return held(opened, { remote: undefined, dockerfile: name, content: undefined });
}

interface Packing extends OpenContextOptions {
  readonly name: string | undefined;
  readonly content: Bytes | undefined;
}

/** Writes the archive of a context. */
function packed(
  inputs: AsyncIterable<TarInput>,
  added: AddedDockerfile | undefined,
  options: Packing,
): OpenContext {
  const { name, content, isBuildKit } = options;
  const all = added === undefined
    ? inputs
    : withDockerfile(inputs, added, { isHidden: !isBuildKit, mtime: secondsOf(options) ?? 0 });
  const archive = writeTar(all);
  return held(options.gzip === true ? gzip(archive) : archive, {
    remote: undefined,
    dockerfile: name,
    content,
  });
}

/** Keeps an eye on the stream of a context: transports tell less of what went wrong with it. */
function held(
  stream: ByteStream,
  rest: Pick<OpenContext, "remote" | "dockerfile" | "content">,
): OpenContext {
  let failure: unknown;
  const reader = stream.getReader();
  const body: ByteStream = new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return {
    ...rest,
    body,
    failure: () => failure,
    close: async () => {
      try {
        await reader.cancel();
      } catch {
        // It failed before; that failure is told.
      }
    },
  };
}
