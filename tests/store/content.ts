import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { ContentSource, Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import { type FileSystem, memoryFileSystem } from "../../lib/store/mod.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Describes bytes. */
export function describe(bytes: Bytes, mediaType = "application/octet-stream"): Descriptor {
  return { mediaType, digest: digestBytes("sha256", bytes), size: bytes.byteLength };
}

/** Bytes that only depend on a seed. */
export function noise(length: number, seed: number): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 + 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 374761393;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A stream of pieces, which counts its cancels. */
export function pieces(
  bytes: Bytes,
  size: number,
): { stream: ByteStream; cancelled: () => number } {
  let cancels = 0;
  function* chunks(): Generator<Bytes> {
    let ended = false;
    try {
      for (let at = 0; at < bytes.byteLength; at += size) yield bytes.slice(at, at + size);
      ended = true;
    } finally {
      if (!ended) cancels++;
    }
  }
  return { stream: streamFrom(chunks()), cancelled: () => cancels };
}

/** Reads content whole. */
export async function fetched(source: ContentSource, descriptor: Descriptor): Promise<Bytes> {
  return await readAll(await source.fetch(descriptor), { maxBytes: 2 ** 30 });
}

/** Stores a manifest with a config and one layer, and gives its descriptor. */
export async function pushImage(
  target: Target,
  seed: number,
  subject?: Descriptor,
): Promise<Descriptor> {
  const config = utf8(JSON.stringify({ architecture: "amd64", os: "linux", seed }));
  const layer = noise(3000 + seed, seed);
  const described = [
    describe(config, "application/vnd.oci.image.config.v1+json"),
    describe(layer, "application/vnd.oci.image.layer.v1.tar"),
  ] as const;
  await target.push(described[0], config);
  await target.push(described[1], layer);
  const raw = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: described[0],
    layers: [described[1]],
    ...(subject === undefined ? {} : { subject, artifactType: "application/x.note" }),
  }));
  const manifest = describe(raw, OCI_MANIFEST);
  await target.push(manifest, raw);
  return manifest;
}

/** Writes a file and the directories above it. */
export async function writeFile(fs: FileSystem, path: string, bytes: Bytes): Promise<void> {
  const above = path.replace(/\/?[^/]*$/, "");
  if (above !== "") await fs.makeDirectory(above, { recursive: true });
  const writer = await fs.create(path);
  await writer.write(bytes);
  await writer.close();
}

/** Lists all files below a directory. */
export async function filesBelow(fs: FileSystem, directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, type } of await fs.readDirectory(directory)) {
    const path = directory === "" ? name : `${directory}/${name}`;
    if (type === "directory") found.push(...await filesBelow(fs, path));
    else found.push(path);
  }
  return found.sort();
}

export async function readFile(fs: FileSystem, path: string): Promise<Bytes> {
  const file = await fs.open(path);
  try {
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}

/** Copies a folder of the corpus into memory; its files stand below `layout`. */
export async function corpusInMemory(folder: string): Promise<FileSystem> {
  const fs = memoryFileSystem();
  for (const path of await corpusList(folder)) {
    await writeFile(fs, `layout${path.slice(folder.length)}`, await corpusBytes(path));
  }
  return fs;
}

/** Makes a manifest that refers to another one. */
export function referrer(
  subject: Descriptor,
  padding = 0,
): { readonly raw: Bytes; readonly descriptor: Descriptor } {
  const raw = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describe(utf8("{}")),
    layers: [],
    subject,
    annotations: { padding: " ".repeat(padding) },
  }));
  return { raw, descriptor: describe(raw, OCI_MANIFEST) };
}
