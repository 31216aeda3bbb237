import { gzip } from "../compress/gzip.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import type { OpenFile } from "./archive_input.ts";
import type { PackOptions } from "./build_context.ts";
import type { BuildFiles } from "./build_files.ts";
import { type AddedDockerfile, withDockerfile } from "./_context_extra.ts";

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

/** A context that holds nothing open. */
export function nothingHeld(): Pick<OpenContext, "failure" | "close"> {
  return { failure: () => undefined, close: () => Promise.resolve() };
}

/** The modification time that everything gets; `undefined` for the own ones. */
export function secondsOf({ mtime }: PackOptions): number | undefined {
  if (mtime === undefined || mtime === "keep") return undefined;
  return Math.floor(typeof mtime === "number" ? mtime : mtime.getTime() / 1000);
}

/** How a context is packed, and what is known of its Dockerfile. */
export interface Packing extends OpenContextOptions {
  readonly name: string | undefined;
  readonly content: Bytes | undefined;
}

/** Writes the archive of a context. */
export function packed(
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
export function held(
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
