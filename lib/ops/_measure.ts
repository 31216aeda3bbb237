import { iterate } from "../bytes/iterate.ts";
import { openSource } from "../bytes/source.ts";
import { withSignal } from "../bytes/signal.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { HashAlgorithm } from "../hash/hasher.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { formatDigest } from "../model/digest.ts";

/** Content that can be opened again: bytes, or a function. */
export type Reopened = Bytes | (() => ByteStream | Promise<ByteStream>);

/** Reads content once, to know its digest and size. */
export async function measure(
  content: Reopened,
  algorithm: HashAlgorithm,
  signal: AbortSignal | undefined,
): Promise<{ readonly digest: string; readonly size: number }> {
  const hasher = createHasher(algorithm);
  let size = 0;
  const stream = await openSource(content);
  for await (const chunk of iterate(signal === undefined ? stream : withSignal(stream, signal))) {
    hasher.update(chunk);
    size += chunk.byteLength;
  }
  return { digest: formatDigest(algorithm, hasher.digest()), size };
}
