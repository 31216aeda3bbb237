import { iterate } from "../bytes/iterate.ts";
import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import { broken, refusal } from "./_answer_error.ts";
import type { EngineAnswer, EngineCall } from "./engine_call.ts";
import type { EngineClient } from "./engine_client.ts";
import { decodeMessages } from "./message.ts";
import { imageName } from "./names.ts";
import { platformJSON } from "./query.ts";

/** Options of {@linkcode EngineImages.save}. */
export interface SaveOptions extends CallOptions {
  /**
   * Saves the image of this platform alone (API 1.48, Docker 28), or those of several (API 1.52,
   * Docker 29).
   */
  readonly platform?: Platform | string | readonly (Platform | string)[] | undefined;
  /** Cuts the archive into chunks of this many bytes; by default they are as they come. */
  readonly chunkSize?: number | undefined;
  /** How long the engine may be silent, in milliseconds; by default as long as it likes. */
  readonly idleTimeoutMs?: number | undefined;
}

/** The end of an archive: two blocks of zeros (POSIX.1-2017, pax). */
const END_BYTES = 1024;

/** How much of the end is kept: what engines write after a failure is shorter. */
const TAIL_BYTES = 4096;

/**
 * Saves images as one archive. The engine is asked when the stream is read. Engines send the status
 * before they begin, so the end is checked: without it the stream errors.
 */
export function saveImages(
  client: EngineClient,
  names: readonly string[],
  options: SaveOptions = {},
): ByteStream {
  const checked = Array.isArray(names) ? names.map((name: string) => imageName(name)) : [];
  if (checked.length === 0) throw new TypeError("Cannot save images: there is no name");
  const { chunkSize } = options;
  if (chunkSize !== undefined && (!Number.isSafeInteger(chunkSize) || chunkSize < 1)) {
    throw new RangeError(`Cannot cut an archive into chunks of ${chunkSize} bytes`);
  }
  const platforms = [options.platform ?? []].flat().flatMap((one) => platformJSON(one) ?? []);
  const call: EngineCall = {
    action: `save image ${checked.map(({ shown }) => shown).join(", ")}`,
    method: "GET",
    path: "/images/get",
    query: { names: checked.map(({ path }) => path), platform: platforms },
    isAboutImage: true,
    idleTimeoutMs: options.idleTimeoutMs,
  };
  const archive = openWhenRead(options.signal, (signal) => {
    const opened = ({ body }: EngineAnswer): void => {
      if (chunkSize !== undefined || ownsChunks(body)) noteOwnedChunks(archive);
    };
    const chunks = archiveOf(client, { ...call, signal }, platforms.length, opened);
    return chunkSize === undefined ? chunks : cut(chunks, chunkSize);
  });
  return archive;
}

/** Makes a stream of chunks that come from a request; cancelling it ends the request at once. */
function openWhenRead(
  signal: AbortSignal | undefined,
  open: (signal: AbortSignal) => AsyncGenerator<Bytes, void, undefined>,
): ByteStream {
  // Node 20 loses signals that `AbortSignal.any()` made.
  const ended = new AbortController();
  const onAbort = (): void => ended.abort(signal?.reason);
  let chunks: AsyncGenerator<Bytes, void, undefined> | undefined;
  const begin = (): AsyncGenerator<Bytes, void, undefined> => {
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    return open(ended.signal);
  };
  return new ReadableStream<Bytes>({
    async pull(controller) {
      chunks ??= begin();
      try {
        for (;;) {
          const { done, value } = await chunks.next();
          if (done === true) break;
          if (value.byteLength > 0) return controller.enqueue(value);
        }
      } catch (error) {
        signal?.removeEventListener("abort", onAbort);
        throw error;
      }
      signal?.removeEventListener("abort", onAbort);
      controller.close();
    },
    async cancel(reason) {
      signal?.removeEventListener("abort", onAbort);
      ended.abort(reason);
      await chunks?.return().catch(() => {});
    },
  }, { highWaterMark: 0 });
}

async function* archiveOf(
  client: EngineClient,
  call: EngineCall,
  platforms: number,
  opened: (answer: EngineAnswer) => void,
): AsyncGenerator<Bytes, void, undefined> {
  const { action, signal } = call;
  if (platforms > 0) {
    const since = platforms === 1 ? "1.48" : "1.52";
    const name = platforms === 1 ? "choosing a platform" : "choosing several platforms";
    await client.require({ since, name }, action, { signal });
  }
  const answer = await client.send(call);
  opened(answer);
  const tail = new Tail();
  try {
    for await (const chunk of iterate(answer.body)) {
      tail.take(chunk);
      yield chunk;
    }
  } catch (error) {
    throw broken(call, answer, error);
  }
  if (tail.isEnd()) return;
  const error = await tail.error();
  throw error === undefined
    ? broken(call, answer, new SyntaxError("the archive has no end"))
    : refusal(call, answer, error);
}

/** The last bytes of an archive. */
class Tail {
  readonly #ring: Bytes = new Uint8Array(TAIL_BYTES);
  #length = 0;

  take(chunk: Bytes): void {
    const part = chunk.subarray(Math.max(0, chunk.length - TAIL_BYTES));
    const kept = Math.min(this.#length, TAIL_BYTES - part.length);
    this.#ring.copyWithin(0, this.#length - kept, this.#length);
    this.#ring.set(part, kept);
    this.#length = kept + part.length;
  }

  /** Whether the archive ends as archives do. */
  isEnd(): boolean {
    if (this.#length < END_BYTES) return false;
    return this.#ring.subarray(this.#length - END_BYTES, this.#length).every((byte) => byte === 0);
  }

  /** The error that the engine wrote behind what there was of the archive. */
  async error(): Promise<{ readonly message: string } | undefined> {
    const bytes = this.#ring.subarray(0, this.#length);
    // The message has no other message in it; what is before it is of the archive.
    for (let at = bytes.lastIndexOf(0) + 1; at < bytes.length; at++) {
      if (bytes[at] !== 0x7b) continue;
      try {
        for await (const message of decodeMessages(streamFrom([bytes.slice(at)]))) {
          if (message.error !== undefined) return message.error;
        }
      } catch {
        continue;
      }
    }
    return undefined;
  }
}

/** Cuts chunks anew, all of one size but the last. */
async function* cut(
  chunks: AsyncGenerator<Bytes, void, undefined>,
  size: number,
): AsyncGenerator<Bytes, void, undefined> {
  let piece = new Uint8Array(size);
  let length = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + size - length);
      piece.set(part, length);
      length += part.length;
      at += part.length;
      if (length < size) continue;
      yield piece;
      [piece, length] = [new Uint8Array(size), 0];
    }
  }
  if (length > 0) yield piece.subarray(0, length);
}
