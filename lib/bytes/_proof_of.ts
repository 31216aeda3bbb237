import type { HasherFactory } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";

/** What a stream is proved to be, and by whom. */
interface ProofOf {
  readonly digest: string;
  readonly size: number;
  readonly hasher: HasherFactory | undefined;
}

/**
 * Streams made here that end only after they carried some content, whole: hashing them again would
 * prove nothing new. Only this room makes entries, and nobody else can put bytes into its streams.
 */
const PROOFS = new WeakMap<ByteStream, ProofOf>();

/** Notes that a stream errors unless it carries this content. */
export function noteProof(
  stream: ByteStream,
  { digest, size }: Descriptor,
  hasher: HasherFactory | undefined,
): void {
  PROOFS.set(stream, { digest, size, hasher });
}

/** Notes that a stream hands on exactly what another one gives, or errors. */
export function passProof(from: ByteStream, to: ByteStream): ByteStream {
  const proof = PROOFS.get(from);
  if (proof !== undefined) PROOFS.set(to, proof);
  return to;
}

/** Tells whether a stream errors by itself unless it carries this content. */
export function hasProof(
  stream: ByteStream,
  { digest, size }: Descriptor,
  hasher: HasherFactory | undefined,
): boolean {
  const proof = PROOFS.get(stream);
  return proof !== undefined && proof.digest === digest && proof.size === size &&
    proof.hasher === hasher;
}
