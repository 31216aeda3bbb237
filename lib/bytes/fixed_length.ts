import type { Bytes, ByteStream } from "../model/bytes.ts";
import { whenAborted } from "./_abort.ts";
import { chunksOf } from "./chunks.ts";
import { freeChunk, ownsChunks } from "./lineage.ts";

/** What workerd has. */
interface Host {
  readonly FixedLengthStream?: new (length: number) => {
    readonly readable: ByteStream;
    readonly writable: WritableStream<Bytes>;
  };
}

/**
 * Gives a stream a length where the runtime knows streams that have one. workerd says the length of
 * a body for these only, and stores no others in R2. Memory is one chunk: those that nobody else holds
 * are freed one by one, whereas a body without a length leaves them to the collector, up to 90 MiB of
 * them. A failure of the stream breaks the result off, with an error that tells the same. That nobody
 * reads any more shows when a chunk is written, and not before: where the source may be silent for
 * long, a signal ends it sooner.
 *
 * @param stream The stream; it is locked from now on, unless it is given back.
 * @param length How many bytes it has; with any other number, the result breaks off.
 * @param signal Cancels the stream, and breaks the result off.
 * @returns The same bytes; the stream itself where the runtime has no such streams.
 *
 * @example Hand a layer on from a Worker, proved
 * ```ts
 * import { registryHandler } from "@lading/lading/server";
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { Registry } from "@lading/lading/registry";
 * import { fixedLength } from "@lading/lading/workerd";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "acme/app:1");
 * const transport = registryHandler(store); // without it, the registry is asked
 *
 * const repository = new Registry("ghcr.io", { transport }).repository("acme/app");
 * const { parsed } = await repository.image("1");
 * if (parsed.kind === "image") {
 *   const [layer] = parsed.value.layers;
 *   if (layer !== undefined) {
 *     console.log(new Response(fixedLength(await repository.fetch(layer), layer.size)).status); // 200
 *   }
 * }
 * ```
 */
export function fixedLength(stream: ByteStream, length: number, signal?: AbortSignal): ByteStream {
  const { FixedLengthStream } = globalThis as Host;
  if (FixedLengthStream === undefined) return stream;
  const { readable, writable } = new FixedLengthStream(length);
  void pour(stream, writable, signal);
  return readable;
}

/** Writes a stream, chunk by chunk as they are taken. */
async function pour(
  stream: ByteStream,
  writable: WritableStream<Bytes>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const chunks = chunksOf(stream);
  const writer = writable.getWriter();
  const stop = (reason: unknown): void => {
    chunks.cancel(reason).catch(() => {});
    writer.abort(reason).catch(() => {});
  };
  const forget = whenAborted(signal, stop);
  try {
    for (let chunk; (chunk = await chunks.next()) !== undefined;) {
      if (chunk.byteLength > 0) await writer.write(chunk);
      // Known once the first chunk is there.
      if (ownsChunks(stream)) freeChunk(chunk);
    }
    await writer.close();
  } catch (error) {
    stop(error);
  } finally {
    forget();
  }
}
