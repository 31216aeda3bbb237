import { openSource } from "../bytes/source.ts";
import { readAll } from "../bytes/read_all.ts";
import { concatBytes } from "../bytes/concat.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { entryInput } from "../tar/entry_input.ts";
import { sanitizePath } from "../tar/path.ts";
import { readTar } from "../tar/reader.ts";
import type { TarInput } from "../tar/writer.ts";
import type { ContextEntry } from "./build_context.ts";
import { checkLength, MAX_TEXT_BYTES } from "./_context_file.ts";

/** The file that says what is no part of a context. */
export const IGNORE_NAME = ".dockerignore";

/** The permission bits of the files that are added, as the docker command has them. */
const ADDED_MODE = 0o600;

const encoder = new TextEncoder();

/** A Dockerfile that comes from outside. */
export interface AddedDockerfile {
  /** Its name in the context. */
  readonly name: string;
  readonly content: Bytes;
}

/**
 * Names a Dockerfile from outside as the docker command does, but by its content instead of by
 * chance: the same build has the same context, and no name of a file is met by accident.
 */
export function addedDockerfile(content: string | Bytes): AddedDockerfile {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  checkLength("Dockerfile", bytes.length);
  const [, hash = ""] = digestBytes("sha256", bytes).split(":");
  return { name: `.dockerfile.${hash.slice(0, 20)}`, content: bytes };
}

/** How a Dockerfile is added. */
export interface AddOptions {
  /** Whether `.dockerignore` is to hide it: BuildKit does not read it in an archive. */
  readonly isHidden: boolean;
  /** The modification time, in seconds. */
  readonly mtime: number;
}

/**
 * Adds a Dockerfile at the end, and its name to `.dockerignore`, so that the classic builder takes
 * both out before it copies anything.
 */
export async function* withDockerfile(
  inputs: AsyncIterable<TarInput>,
  { name, content }: AddedDockerfile,
  { isHidden, mtime }: AddOptions,
): AsyncGenerator<TarInput, void, undefined> {
  let ignored: Bytes = encoder.encode(IGNORE_NAME);
  for await (const input of inputs) {
    const path = normalName(input.path);
    if (path === name) continue;
    if (!isHidden || path !== IGNORE_NAME) {
      yield input;
    } else if (input.body !== undefined) {
      const { body } = input;
      const source = typeof body === "string" ? encoder.encode(body) : body;
      ignored = await readAll(await openSource(source), {
        maxBytes: MAX_TEXT_BYTES,
        what: IGNORE_NAME,
      });
    }
  }
  const added = { mode: ADDED_MODE, mtime };
  yield { ...added, path: name, body: content };
  if (!isHidden) return;
  const body = concatBytes([ignored, encoder.encode(`\n${name}\n`)]);
  yield { ...added, path: IGNORE_NAME, body };
}

function normalName(path: string): string {
  return path.replace(/^(?:\.?\/+)+/, "");
}

/** Opens the entries that a program put together. */
export async function* entryInputs(
  entries: Iterable<ContextEntry> | AsyncIterable<ContextEntry>,
): AsyncGenerator<TarInput, void, undefined> {
  for await (const { body, ...entry } of entries) {
    // What leads upwards the engine refuses; it is refused here before it is sent.
    sanitizePath(entry.path, { system: "posix" });
    yield { ...entry, body: typeof body === "function" ? await body() : body };
  }
}

/** Reads the entries of an archive, to write them again. */
export async function* archiveInputs(
  archive: ByteStream,
): AsyncGenerator<TarInput, void, undefined> {
  for await (const entry of readTar(archive)) {
    const input = entryInput(entry);
    if (input !== undefined) yield input;
  }
}
