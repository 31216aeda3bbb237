import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { parseImageManifest } from "../model/parse_manifest.ts";
import { familiarName, type Reference } from "../model/reference.ts";
import { type DockerArchive, dockerArchive } from "../store/docker_archive.ts";
import { readTar } from "../tar/reader.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import {
  type FakeImage,
  type FakeImages,
  nameText,
  type NewLayer,
  plainLayer,
} from "./_fake_engine_images.ts";
import { parseName, parseNameOrID, shownName } from "./_fake_engine_names.ts";
import { noSuchImage, Refusal } from "./_fake_engine_refusal.ts";
import { failure, layerMessage, type Messages, shortID } from "./_fake_engine_reply.ts";

/** An archive is read whole: images for tests fit into memory many times. */
export const MAX_ARCHIVE_BYTES: number = 2 * 1024 * 1024 * 1024;

/** An image with the names that it is saved under. */
interface Saved {
  readonly image: FakeImage;
  readonly names: Reference[];
}

/** Saves images as `docker save` of Docker 20.10 does. */
export async function saveImages(
  images: FakeImages,
  names: readonly string[],
): Promise<ByteStream> {
  const saved = new Map<string, Saved>();
  for (const name of names) await choose(images, name, saved);
  return writeTar(archiveOf(images, [...saved.values()]));
}

async function choose(images: FakeImages, name: string, saved: Map<string, Saved>): Promise<void> {
  const add = (image: FakeImage, reference?: Reference): void => {
    const known = saved.get(image.id) ?? { image, names: [] };
    if (reference !== undefined) known.names.push(reference);
    saved.set(image.id, known);
  };
  const reference = parseNameOrID(name, 500);
  if (reference === undefined) return add(await images.find(name, 500, name));
  const { tag, digest } = reference;
  const isNameOnly = tag === undefined && digest === undefined;
  const all = [...(await images.all()).values()];
  const wanted = shownName(reference);
  const isWanted = (one: Reference): boolean =>
    isNameOnly ? familiarName(one) === familiarName(reference) : shownName(one) === wanted;
  let isFound = false;
  for (const image of all) {
    for (const one of image.names) {
      if (!isWanted(one.reference)) continue;
      isFound = true;
      add(image, one.stored === undefined ? undefined : one.reference);
    }
  }
  if (isFound) return;
  if (!isNameOnly) {
    const isID = familiarName(reference) === "sha256";
    if (!isID) throw new Refusal(404, "reference does not exist");
  }
  const prefix = name.startsWith("sha256:") ? name : `sha256:${name}`;
  const [only, other] = all.filter(({ id }) => id.startsWith(prefix));
  if (only === undefined || other !== undefined) throw noSuchImage(name);
  add(only);
}

async function* archiveOf(
  images: FakeImages,
  saved: readonly Saved[],
): AsyncGenerator<TarInput, void, undefined> {
  const manifest: unknown[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  const written = new Set<string>();
  for (const { image, names } of saved) {
    const folders = foldersOf(image);
    for (const [i, layer] of image.layers.entries()) {
      const folder = folders[i] ?? "";
      if (written.has(folder)) continue;
      written.add(folder);
      yield { path: folder, type: "directory" };
      yield { path: `${folder}/VERSION`, body: utf8("1.0") };
      const parent = folders[i - 1];
      const json = { id: folder, ...(parent === undefined ? {} : { parent }), os: image.config.os };
      yield { path: `${folder}/json`, body: utf8(JSON.stringify(json)) };
      yield { path: `${folder}/layer.tar`, body: await images.tarOf(layer) };
    }
    const config = `${image.id.slice("sha256:".length)}.json`;
    if (!written.has(config)) yield { path: config, body: image.rawConfig };
    written.add(config);
    for (const reference of names) {
      const top = folders.at(-1);
      if (top === undefined || reference.tag === undefined) continue;
      (repositories[familiarName(reference)] ??= {})[reference.tag] = top;
    }
    manifest.push({
      Config: config,
      RepoTags: names.length === 0 ? null : names.map(shownName),
      Layers: folders.map((folder) => `${folder}/layer.tar`),
    });
  }
  const shown = manifest.length === 0 ? null : manifest;
  yield { path: "manifest.json", body: utf8(`${JSON.stringify(shown)}\n`) };
  if (Object.keys(repositories).length > 0) {
    yield { path: "repositories", body: utf8(`${JSON.stringify(repositories)}\n`) };
  }
}

/** The folder of each layer: an ID of the time when layers were images. */
function foldersOf({ layers }: FakeImage): string[] {
  let parent = "";
  return layers.map(({ chainID }) => {
    parent = shortHash(`${chainID} ${parent}`);
    return parent;
  });
}

function shortHash(text: string): string {
  return digestBytes("sha256", utf8(text)).slice("sha256:".length);
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Loads the images of an archive, as `docker load` of Docker 20.10 does. */
export async function* loadImages(
  images: FakeImages,
  body: ByteStream,
  { isQuiet, now }: { readonly isQuiet: boolean; readonly now: Date },
): Messages {
  const bytes = await readAll(body, { maxBytes: MAX_ARCHIVE_BYTES, what: "the archive" });
  let listed: string | undefined;
  let folder: string | undefined;
  try {
    // An empty archive is an archive of nothing.
    const content = bytes.length === 0 ? [] : readTar(decompress(streamOf(bytes)));
    for await (const entry of content) {
      const path = entry.path.replace(/^(?:\.\/)+/, "");
      if (path === "manifest.json") listed = await entry.text();
      else if (path.includes("/")) folder ??= path.slice(0, path.indexOf("/"));
    }
  } catch {
    return yield failure("Error processing tar file(exit status 1): unexpected EOF");
  }
  if (listed === undefined) {
    // Engines take it for an archive of before Docker 1.10, where each folder is a layer.
    const file = folder === undefined ? "repositories" : `${folder}/json`;
    const path = `/var/lib/docker/tmp/docker-import-000000000/${file}`;
    return yield failure(`open ${path}: no such file or directory`);
  }
  if (/^\s*(?:null|\[\s*\])\s*$/.test(listed)) return;
  const archive = dockerArchive(bytes);
  try {
    yield* loadAll(images, archive, { isQuiet, now });
  } catch (error) {
    yield failure(error instanceof Error ? error.message : String(error));
  } finally {
    await archive.close();
  }
}

async function* loadAll(
  images: FakeImages,
  archive: DockerArchive,
  { isQuiet, now }: { readonly isQuiet: boolean; readonly now: Date },
): Messages {
  for await (const { descriptor, reference } of archive.roots()) {
    const raw = await readAll(await archive.fetch(descriptor), {
      maxBytes: MAX_MANIFEST_BYTES,
      what: "the manifest",
    });
    const { config, layers } = parseImageManifest(raw, descriptor.mediaType).value;
    const before = await images.all();
    const known = new Set(
      [...before.values()].flatMap((image) => image.layers)
        .map(({ diffID }) => diffID),
    );
    const rawConfig = await readAll(await archive.fetch(config), {
      maxBytes: MAX_CONFIG_BYTES,
      what: "the config",
    });
    const diffIDs = parseImageConfig(rawConfig).value.rootfs.diff_ids;
    const loaded: NewLayer[] = [];
    for (const [i, layer] of layers.entries()) {
      const tar = await readAll(decompress(await archive.fetch(layer)), {
        maxBytes: MAX_ARCHIVE_BYTES,
        what: layer.digest,
      });
      const diffID = digestBytes("sha256", tar);
      if (diffID !== diffIDs[i]) {
        throw new Error(`invalid diffID for layer ${i}: expected "${diffIDs[i]}", got "${diffID}"`);
      }
      loaded.push(plainLayer(tar));
      const total = tar.length;
      if (isQuiet || known.has(diffID)) continue;
      yield layerMessage(shortID(diffID), "Loading layer", { current: total, total });
    }
    const id = before.has(config.digest) ? config.digest : await images.add(rawConfig, loaded);
    if (reference === undefined) {
      yield { stream: `Loaded image ID: ${id}\n` };
      continue;
    }
    const name = parseName(reference, 500);
    const shown = shownName(name);
    for (const image of before.values()) {
      if (image.id === id || !image.names.some((one) => nameText(one) === shown)) continue;
      const words =
        `The image ${shown} already exists, renaming the old one with ID ${image.id} to`;
      yield { stream: `${words} empty string\n` };
    }
    await images.tag(id, name, now);
    yield { stream: `Loaded image: ${shown}\n` };
  }
}
