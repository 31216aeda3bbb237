import { iterate } from "../bytes/iterate.ts";
import { hasProof } from "../bytes/lineage.ts";
import { withSignal } from "../bytes/signal.ts";
import { verified } from "../bytes/verify.ts";
import type { ArchiveSummary } from "../compress/archive_task.ts";
import type { Compression } from "../compress/detect.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import { readArchive } from "../compress/read_archive.ts";
import { type KernelChoice, stagesOf } from "../compress/stages.ts";
import { entryPath } from "../image/layer_path.ts";
import { parseWhiteout } from "../image/whiteout.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { LimitExceededError } from "../model/errors.ts";
import { MAX_PATH_LENGTH } from "../tar/path.ts";
import { eachEntry } from "../tar/entry_feed.ts";
import { EntryReader } from "../tar/entry_reader.ts";
import type { TarEntry } from "../tar/reader.ts";
import type { ProblemCode } from "./problem.ts";

/** The most paths of one layer that are remembered, to find those that come twice, */
const MAX_PATHS = 2_000_000;
/** and the most characters of long ones, beyond what paths usually have. */
const MAX_EXTRA_CHARACTERS: number = 16 * 1024 * 1024;
const USUAL_CHARACTERS = 256;

/** What a check has found, and what it has seen. */
export interface LayerFindings {
  /** Takes a problem down. */
  report(code: ProblemCode, message: string, path?: string): void;
  /** Counts bytes as they are stored. */
  bytes(count: number): void;
  /** Counts an entry of an archive. */
  entry(): void;
}

/** How content is checked. */
export interface CheckOptions {
  readonly kernel: KernelChoice | undefined;
  readonly threads: LayerThreads | undefined;
  readonly signal: AbortSignal;
}

/**
 * Reads content to its end and proves size and digest. Nothing is kept.
 *
 * @throws what the source throws, and what `verified` makes of wrong bytes.
 */
export async function checkBytes(
  source: ContentSource,
  descriptor: Descriptor,
  findings: LayerFindings,
  options: CheckOptions,
): Promise<void> {
  for await (const chunk of iterate(await openProved(source, descriptor, options))) {
    findings.bytes(chunk.byteLength);
  }
}

async function openProved(
  source: ContentSource,
  descriptor: Descriptor,
  { kernel, signal }: CheckOptions,
): Promise<ByteStream> {
  const stream = withSignal(await source.fetch(descriptor, { signal }), signal);
  // What proves itself is not hashed again by somebody else.
  if (hasProof(stream, descriptor, undefined)) return stream;
  return verified(stream, descriptor, { hasher: stagesOf(kernel).hasher });
}

/**
 * Reads a layer once: size and digest of what is stored, compression, the digest of the
 * uncompressed archive and its entries. Memory grows with the paths, not with contents.
 *
 * @throws what makes it impossible to go on, such as an archive that is none.
 */
export async function checkLayer(
  source: ContentSource,
  layer: Descriptor,
  diffID: string,
  findings: LayerFindings,
  options: CheckOptions,
): Promise<void> {
  const algorithm = digestAlgorithm(diffID);
  const stored = await openProved(source, layer, options);
  const seen: { summary?: ArchiveSummary } = {};
  const archive = readArchive(stored, { ...options, algorithm, size: layer.size }, {
    stored: (bytes) => findings.bytes(bytes),
    end: (summary) => seen.summary = summary,
  });
  await checkEntries(new EntryReader(() => archive, {}), findings);
  const { digest: actual, compression: found } = seen.summary ?? {};
  if (actual !== diffID) {
    findings.report("DIFF_ID_MISMATCH", `uncompressed it is ${actual}, the config says ${diffID}`);
  }
  const said = compressionOf(layer.mediaType);
  if (said !== undefined && said !== found) {
    findings.report(
      "COMPRESSION_MISMATCH",
      `${layer.mediaType} says ${said}, but the bytes are ${found}`,
    );
  }
}

async function checkEntries(
  entries: EntryReader,
  findings: LayerFindings,
): Promise<void> {
  const paths = new Set<string>();
  let extra = 0;
  await eachEntry(entries, (entry) => {
    findings.entry();
    const path = checkPath(entry, findings);
    if (path === undefined) return;
    const { size } = paths;
    if (paths.add(path).size === size) {
      findings.report("DUPLICATE_PATH", `${JSON.stringify(path)} comes twice`, path);
      return;
    }
    extra += Math.max(0, path.length - USUAL_CHARACTERS);
    if (paths.size > MAX_PATHS) throw tooMuch(MAX_PATHS, "paths");
    if (extra > MAX_EXTRA_CHARACTERS) throw tooMuch(MAX_EXTRA_CHARACTERS, "characters of paths");
  });
}

function tooMuch(limit: number, unit: string): LimitExceededError {
  return new LimitExceededError(`Cannot check the layer: more than ${limit} ${unit}`, {
    limit,
    unit,
  });
}

function checkPath(
  entry: Pick<TarEntry, "path" | "pathBytes">,
  findings: LayerFindings,
): string | undefined {
  try {
    const path = entryPath(entry);
    parseWhiteout(path);
    return path;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The path may have a megabyte, and there may be many.
    const shown = new TextDecoder().decode(entry.pathBytes.subarray(0, MAX_PATH_LENGTH));
    findings.report("UNSAFE_PATH", message, shown);
    return undefined;
  }
}

function compressionOf(mediaType: string): Compression | undefined {
  if (/[.+]gzip$/.test(mediaType)) return "gzip";
  if (/[.+]zstd$/.test(mediaType)) return "zstd";
  return mediaType.endsWith(".tar") ? "none" : undefined;
}
