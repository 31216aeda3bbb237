import { streamFrom } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidInputError } from "../model/errors.ts";
import { redactText } from "../model/redact.ts";
import type { TarInput } from "../tar/writer.ts";
import { type ArchiveBody, openArchive } from "./archive_input.ts";
import type {
  BuildContext,
  DirectoryContext,
  DockerfileText,
  RemoteContext,
} from "./build_context.ts";
import { directoryContext } from "./_context_from_directory.ts";
import { cleanPath } from "./_dockerignore_path.ts";
import {
  type AddedDockerfile,
  addedDockerfile,
  archiveInputs,
  entryInputs,
} from "./_context_extra.ts";
import {
  held,
  nothingHeld,
  type OpenContext,
  type OpenContextOptions,
  packed,
} from "./_context_pack.ts";

const REMOTE_REGEXP = /^(?:https?:\/\/|git:\/\/|git@)/i;
const HUB_OF_GIT = "github.com/";

/** Opens a context. */
export async function openContext(
  context: BuildContext,
  options: OpenContextOptions,
): Promise<OpenContext> {
  const given = typeof context === "string" ? await placeOf(context, options) : context;
  if ("directory" in given) {
    return await directoryContext(given.directory, given.files ?? options.files, options);
  }
  refusePatterns(options);
  refuseOutside(options);
  if (isArchive(given)) return await archiveContext(given, options);
  if ("remote" in given) return remoteContext(given.remote, options);
  if ("dockerfile" in given) return dockerfileContext(given.dockerfile, options);
  return entriesContext(entryInputs(given.entries), options);
}

/** Takes a text for a directory, or for what the engine fetches. */
async function placeOf(
  text: string,
  { files }: OpenContextOptions,
): Promise<DirectoryContext | RemoteContext> {
  if (REMOTE_REGEXP.test(text)) return { remote: text };
  const isRemote = text.startsWith(HUB_OF_GIT) && (await files?.stat(text))?.type !== "directory";
  return isRemote ? { remote: text } : { directory: text };
}

/** What is not left out though somebody asked for it may be a secret. */
function refusePatterns({ ignore }: OpenContextOptions): void {
  if (ignore === undefined) return;
  throw new TypeError(
    "Cannot build: patterns leave out files of directories; leave them out of other contexts",
  );
}

/** Only what is on this machine has an outside that can be read. */
function refuseOutside({ dockerfile }: OpenContextOptions): void {
  if (typeof dockerfile !== "string" || !/^\.\.(?:\/|$)/.test(cleanPath(dockerfile))) return;
  throw new InvalidInputError(
    "INVALID_CONTEXT",
    `Cannot build: the Dockerfile ${JSON.stringify(dockerfile)} is not in the context; give its ` +
      "content",
    { input: dockerfile },
  );
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
