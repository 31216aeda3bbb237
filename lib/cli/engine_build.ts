import { resolve } from "node:path";
import { concatBytes } from "../bytes/concat.ts";
import { readAll } from "../bytes/read_all.ts";
import { StreamCursor } from "../bytes/stream_cursor.ts";
import { detectCompression } from "../compress/detect.ts";
import type { BuildContext } from "../engine/build_context.ts";
import type { BuildOptions } from "../engine/build_options.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { standardInput } from "../runtime/standard_input.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { argument, type Command, type CommandContext, text, UsageError } from "./_command.ts";
import { ENGINE_PROGRESS_OPTIONS, showEngine, withEngine } from "./_engine.ts";
import { answer, imageAnswer } from "./_engine_answer.ts";
import { BUILD_OPTIONS, buildOptions } from "./_engine_build_options.ts";

/** What stands for the standard input. */
const STANDARD_INPUT = "-";

/** As long as a Dockerfile in a context may be. */
const MAX_DOCKERFILE_BYTES = 4 * 1024 * 1024;

/** The header of a tar archive, which is never without a zero byte, as texts are. */
const HEAD_BYTES = 512;

/** Reads a whole Dockerfile. */
async function dockerfileIn(stream: ByteStream, signal: AbortSignal): Promise<Bytes> {
  return await readAll(stream, { maxBytes: MAX_DOCKERFILE_BYTES, what: "the Dockerfile", signal });
}

/** Takes an archive or, as the docker command does, a Dockerfile alone. */
async function inputContext(signal: AbortSignal): Promise<BuildContext> {
  const cursor = new StreamCursor(standardInput(signal));
  let head: Bytes = new Uint8Array();
  while (head.byteLength < HEAD_BYTES) {
    const piece = await cursor.next(HEAD_BYTES - head.byteLength);
    if (piece === undefined) break;
    head = concatBytes([head, piece]);
  }
  const isArchive = head.includes(0) || detectCompression(head) !== "none";
  const whole = cursor.rest(head);
  return isArchive ? whole : { dockerfile: await dockerfileIn(whole, signal) };
}

/** Tells whether a context is neither the standard input nor what the engine fetches itself. */
function isDirectory(given: string): boolean {
  return given !== STANDARD_INPUT && !/^(https?|git):\/\/|^git@|^github\.com\//.test(given);
}

/** Takes `-`, a URL, a git address or a directory as the context. */
async function contextOf(given: string, signal: AbortSignal): Promise<BuildContext> {
  if (given === STANDARD_INPUT) return await inputContext(signal);
  if (!isDirectory(given)) return { remote: given };
  return { directory: resolve(given), files: nodeFileSystem() };
}

/** Reads `--file`: a path from here, as the docker command takes it; of other contexts one in them. */
async function dockerfileOption(
  context: CommandContext,
  build: BuildContext,
): Promise<BuildOptions["dockerfile"]> {
  const file = text(context, "file");
  const isLocal = typeof build === "object" && "directory" in build;
  if (file === STANDARD_INPUT) {
    const { signal } = context;
    return { content: await dockerfileIn(standardInput(signal), signal) };
  }
  return file === undefined || !isLocal ? file : resolve(file);
}

/** `lading engine build CONTEXT`. */
export const buildCommand: Command = {
  name: "build",
  group: "engine",
  synopsis: "CONTEXT",
  summary: "let an engine build an image of a directory, an archive or a URL",
  arity: [1, 1],
  options: {
    file: {
      type: "string",
      short: "f",
      value: "PATH|-",
      help: "the Dockerfile; - is stdin (default: CONTEXT/Dockerfile)",
    },
    ...BUILD_OPTIONS,
    ...ENGINE_PROGRESS_OPTIONS,
  },
  details:
    "A context of - is an archive on stdin, or a Dockerfile alone. .dockerignore counts as for the\n" +
    "docker command. The answer is the ID of the image.",
  examples: [
    "lading engine build ./site -t site:dev",
    "cat Dockerfile | lading engine build ./site --file -",
    "git archive HEAD | lading engine build - -t site:1",
    "lading engine build . --file docker/Dockerfile --build-arg V=1 --target test",
  ],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { signal } = context;
      const given = argument(context, 0);
      if (text(context, "file") === STANDARD_INPUT && !isDirectory(given)) {
        throw new UsageError("--file - is for a directory, which it is added to");
      }
      const build = await contextOf(given, signal);
      const operation = engine.images.build(build, {
        ...buildOptions(context),
        dockerfile: await dockerfileOption(context, build),
        signal,
      });
      const image = await showEngine(context, operation);
      await answer(context, { lines: [image.id], json: imageAnswer(image) });
    }),
};
