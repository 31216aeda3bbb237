import { iterate } from "../bytes/iterate.ts";
import { streamUntilAborted } from "../bytes/stream_until_aborted.ts";
import { verified } from "../bytes/verify.ts";
import { withSignal } from "../bytes/signal.ts";
import { embeddedContent } from "../hash/embedded.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { ContentSource, Root } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { parseDigest } from "../model/digest.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import {
  archiveIndex,
  archiveManifest,
  blobPath,
  type DocumentOptions,
} from "./_archive_documents.ts";
import { collectGraph } from "./_archive_graph.ts";
import { layoutHeader } from "./_layout_index.ts";

/** What an archive is made of. */
export interface ArchiveContents extends DocumentOptions {
  readonly roots: readonly Root[];
  /** What no root leads to, and is kept all the same; what a root leads to may be among it. */
  readonly others: readonly Descriptor[];
}

/**
 * Writes an archive that is an OCI layout and a docker archive over the same blobs. The documents
 * come first: whoever reads it as a stream knows what follows.
 */
export function archiveTar(source: ContentSource, contents: ArchiveContents): ByteStream {
  return withSignal(writeTar(entriesOf(source, contents)), contents.signal);
}

async function* entriesOf(
  source: ContentSource,
  options: ArchiveContents,
): AsyncGenerator<TarInput> {
  const { roots, others, signal } = options;
  signal?.throwIfAborted();
  const graph = await collectGraph(source, roots.map(({ descriptor }) => descriptor), options);
  const manifest = await archiveManifest(source, graph, roots, options);
  yield { path: "oci-layout", body: layoutHeader() };
  yield { path: "index.json", body: archiveIndex(roots, options.place) };
  if (manifest !== undefined) yield { path: "manifest.json", body: manifest };
  yield { path: "blobs", type: "directory" };
  const contents = new Map(graph.contents);
  for (const other of [...others].sort(byDigest)) {
    if (!contents.has(other.digest)) contents.set(other.digest, other);
  }
  const algorithms = new Set([...contents.keys()].map((digest) => parseDigest(digest).algorithm));
  for (const name of [...algorithms].sort()) yield { path: `blobs/${name}`, type: "directory" };
  for (const descriptor of contents.values()) {
    const { digest, size } = descriptor;
    const held = graph.manifests.get(digest)?.raw ?? embeddedContent(descriptor);
    yield {
      path: blobPath(digest),
      size,
      body: held ??
        streamUntilAborted(
          (signal) => contentOf(source, descriptor, { ...options, signal }),
          signal,
        ),
    };
  }
}

/** Opens content when it is read: until then there is nothing that a cancel would have to free. */
async function* contentOf(
  source: ContentSource,
  descriptor: Descriptor,
  { signal, hasher }: ArchiveContents,
): AsyncGenerator<Bytes, void, undefined> {
  const content = withSignal(await source.fetch(descriptor, { signal }), signal);
  yield* iterate(verified(content, descriptor, { hasher }));
}

function byDigest(a: Descriptor, b: Descriptor): number {
  return a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0;
}
