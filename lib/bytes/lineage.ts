import type { StreamHasherFactory } from "../hash/hasher.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";

/** What a stream is proved to be, and by whom. */
interface Proof {
  readonly digest: string;
  readonly size: number;
  readonly hasher: StreamHasherFactory | undefined;
  /** Has it hashed by somebody else; tells whether it was not too late. */
  hashWith(factory: StreamHasherFactory): boolean;
}

/**
 * What is known of streams that lading has made itself. Nobody else can put bytes into them, so
 * what is noted of one holds as long as it is read directly; a stream that somebody wraps in one of
 * his own has no lineage.
 */
interface Lineage {
  /** It ends only after it carried this content, whole: hashing it again would prove nothing. */
  readonly proof?: Proof;
  /** Nobody else holds its chunks: who reads it may free their memory. */
  readonly ownsChunks?: boolean;
  /** It ends with this signal. */
  readonly signal?: AbortSignal;
}

const LINEAGES = new WeakMap<ByteStream, Lineage>();

/** Notes that a stream hands on exactly what another one gives, without keeping it, or errors. */
export function passLineage(from: ByteStream, to: ByteStream): ByteStream {
  const lineage = LINEAGES.get(from);
  if (lineage !== undefined) LINEAGES.set(to, lineage);
  return to;
}

/** Notes that a stream errors unless it carries this content. */
export function noteProof(
  stream: ByteStream,
  { digest, size }: Descriptor,
  hasher: StreamHasherFactory | undefined,
  hashWith: (factory: StreamHasherFactory) => boolean,
): void {
  LINEAGES.set(stream, { ...LINEAGES.get(stream), proof: { digest, size, hasher, hashWith } });
}

/**
 * Has a stream that proves itself hashed by somebody else. What it proves stays the same.
 *
 * @param stream A stream that nothing was read of.
 * @param factory Makes the hasher, when the first bytes come.
 * @returns Whether it will be: the stream proves itself, by no hasher that was chosen for it.
 */
export function hashWith(stream: ByteStream, factory: StreamHasherFactory): boolean {
  return LINEAGES.get(stream)?.proof?.hashWith(factory) ?? false;
}

/** Tells whether a stream errors by itself unless it carries this content. */
export function hasProof(
  stream: ByteStream,
  { digest, size }: Descriptor,
  hasher: StreamHasherFactory | undefined,
): boolean {
  const proof = LINEAGES.get(stream)?.proof;
  return proof !== undefined && proof.digest === digest && proof.size === size &&
    proof.hasher === hasher;
}

/** Notes that a stream ends with a signal. */
export function noteSignal(stream: ByteStream, signal: AbortSignal): void {
  LINEAGES.set(stream, { ...LINEAGES.get(stream), signal });
}

/** Tells whether a stream ends with a signal already. */
export function hasSignal(stream: ByteStream, signal: AbortSignal): boolean {
  return LINEAGES.get(stream)?.signal === signal;
}

/**
 * Notes that nobody but the reader of a stream holds the memory of its chunks.
 *
 * @param stream The stream, fresh from a socket.
 */
export function noteOwnedChunks(stream: ByteStream): void {
  LINEAGES.set(stream, { ...LINEAGES.get(stream), ownsChunks: true });
}

/**
 * Tells whether the chunks of a stream may be freed with {@linkcode freeChunk} once they were used.
 *
 * @param stream The stream.
 * @returns Whether nobody else holds them.
 */
export function ownsChunks(stream: ByteStream): boolean {
  return LINEAGES.get(stream)?.ownsChunks === true;
}

/**
 * Frees the memory of a chunk at once. Garbage collectors see the small object and not the memory
 * behind it, and let a fast download pile up more than a hundred megabytes.
 *
 * @param chunk A chunk of a stream that owns its chunks; it is empty afterwards.
 */
export function freeChunk(chunk: Bytes): void {
  const { buffer } = chunk;
  // Part of a larger buffer: the rest may be another chunk.
  if (chunk.byteLength !== buffer.byteLength) return;
  const { transfer } = buffer as { readonly transfer?: (length: number) => void };
  if (typeof transfer === "function") transfer.call(buffer, 0);
  else nowhere().postMessage(undefined, [buffer]);
}

let deadEnd: MessagePort | undefined;

/** Gives a port with a closed other end: Node 20 has no transfer, but drops what is sent there. */
function nowhere(): MessagePort {
  if (deadEnd !== undefined) return deadEnd;
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return deadEnd = port1;
}
