import { concatBytes } from "../bytes/concat.ts";
import { freeChunk, ownsChunks } from "../bytes/lineage.ts";
import type { Bytes } from "../model/bytes.ts";

/** The longest piece that is copied together with the frame of its chunk: that is one write, not three. */
const COPIED_BYTES = 16 * 1024;

const CRLF: Bytes = new Uint8Array([0x0d, 0x0a]);

/** Where the bytes of a request go. */
export interface BodySink {
  /** Writes bytes; `false` when a wait for room is due. */
  write(bytes: Uint8Array | string, written?: () => void): boolean;
  /** Waits until there is room, or nobody takes bytes any more. */
  room(): Promise<void>;
  /** Whether nobody takes bytes any more: the answer is there, or the connection is not. */
  readonly isClosed: boolean;
  /** Calls back when nobody takes bytes any more. */
  onClose(callback: () => void): void;
}

/**
 * Sends the body of a request, as fast as it is taken. With a length it has to be as long as that,
 * without one it is sent in chunks (RFC 9112 §7.1).
 *
 * @param body The body; cancelled when it is not read to its end.
 * @param length The length that the head of the request announced.
 * @param sink Where it goes.
 * @returns Whether all of it was sent.
 * @throws What the body throws; `RangeError` when it has another length.
 */
export async function sendBody(
  body: ReadableStream<Bytes>,
  length: number | undefined,
  sink: BodySink,
): Promise<boolean> {
  const reader = body.getReader();
  const letGo = (): void => void reader.cancel().catch(() => {});
  // Also while the source is waited for.
  sink.onClose(letGo);
  let read = 0;
  let isWhole = false;
  // With a length, the last piece waits until the body has ended: what fails then is not taken for
  // whole.
  let last: Bytes | undefined;
  try {
    while (!isWhole) {
      const { done, value } = await reader.read();
      await socketsWereRead();
      if (sink.isClosed) return false;
      read += value?.byteLength ?? 0;
      const isWrong = length !== undefined && (read > length || done && read < length);
      if (isWrong) throw new RangeError(`the body has ${read} bytes, and ${length} were announced`);
      const next = length === undefined ? value : last;
      if (next !== undefined && !writePiece(sink, next, length === undefined, ownsChunks(body))) {
        await sink.room();
      }
      if (sink.isClosed) return false;
      last = value;
      isWhole = done;
    }
    if (length === undefined) sink.write("0\r\n\r\n");
    return true;
  } finally {
    if (!isWhole) letGo();
  }
}

/**
 * Waits until the sockets have been looked at: an answer that has come is read before a write finds
 * out that nobody listens any more.
 */
async function socketsWereRead(): Promise<void> {
  // Who was called by a socket is called once more before the others are looked at.
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function writePiece(sink: BodySink, piece: Bytes, isChunked: boolean, isOwner: boolean): boolean {
  // An empty chunk would be the last one.
  if (piece.byteLength === 0) return true;
  const written = isOwner ? (): void => freeChunk(piece) : undefined;
  if (!isChunked) return sink.write(piece, written);
  const size = `${piece.byteLength.toString(16)}\r\n`;
  if (piece.byteLength <= COPIED_BYTES) {
    return sink.write(concatBytes([new TextEncoder().encode(size), piece, CRLF]));
  }
  sink.write(size);
  sink.write(piece, written);
  return sink.write(CRLF);
}
