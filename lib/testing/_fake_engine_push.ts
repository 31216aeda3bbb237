import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { gzip } from "../compress/gzip.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageManifest } from "../model/manifest.ts";
import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
} from "../model/media_types.ts";
import { familiarName, familiarReference, type Reference } from "../model/reference.ts";
import { type Access, openRepository, orRefused } from "./_fake_engine_access.ts";
import {
  type FakeImage,
  type FakeImages,
  type FakeLayer,
  MAX_LAYER_BYTES,
} from "./_fake_engine_images.ts";
import { parseName, withTag } from "./_fake_engine_names.ts";
import { layerMessage, type Messages, shortID } from "./_fake_engine_reply.ts";

/** Pushes an image, or all tags of a repository. */
export async function* pushImage(
  images: FakeImages,
  name: string,
  query: URLSearchParams,
  access: Access,
): Messages {
  const tag = query.get("tag") ?? "";
  const given = parseName(name, 500);
  const reference = tag === "" ? given : withTag(given, tag, 500);
  const repository = familiarName(reference);
  yield { status: `The push refers to repository [${shownRepository(reference)}]` };
  const all = [...(await images.all()).values()].flatMap((image) =>
    image.names.filter((one) =>
      one.stored !== undefined && familiarName(one.reference) === repository
    ).map((one) => ({ image, tag: one.reference.tag ?? "" }))
  );
  if (all.length === 0) {
    throw new Error(`An image does not exist locally with the tag: ${shownRepository(reference)}`);
  }
  const chosen = all.filter((one) => reference.tag === undefined || one.tag === reference.tag);
  if (chosen.length === 0) {
    throw new Error(`tag does not exist: ${shownRepository(reference)}:${reference.tag}`);
  }
  for (const one of chosen) {
    yield* pushOne(images, one.image, { ...reference, tag: one.tag }, access);
  }
}

/** A repository as engines name it where they push to: that of Docker Hub in full. */
function shownRepository({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

async function* pushOne(
  images: FakeImages,
  image: FakeImage,
  reference: Reference & { readonly tag: string },
  access: Access,
): Messages {
  const { signal } = access;
  const repository = await openRepository(reference, access);
  const what = `manifest for ${familiarReference(reference)}`;
  const top = [...image.layers].reverse();
  for (const { diffID } of top) yield layerMessage(shortID(diffID), "Preparing");
  const layers: Descriptor[] = [];
  for (const layer of top) {
    const { descriptor, bytes } = await compressed(images, layer);
    layers.unshift(descriptor);
    const id = shortID(layer.diffID);
    const isThere = await orRefused(what, access, () => repository.exists(descriptor, { signal }));
    if (isThere) {
      yield layerMessage(id, "Layer already exists");
      continue;
    }
    const { size: total } = descriptor;
    await orRefused(what, access, () => repository.push(descriptor, bytes, { signal }));
    yield layerMessage(id, "Pushing", { current: total, total });
    yield layerMessage(id, "Pushed");
  }
  const rawConfig = image.rawConfig;
  const config = {
    mediaType: MEDIA_TYPE_DOCKER_CONFIG,
    digest: image.id,
    size: rawConfig.byteLength,
  };
  await orRefused(what, access, () => repository.push(config, rawConfig, { signal }));
  const mediaType = MEDIA_TYPE_DOCKER_MANIFEST;
  const manifest: ImageManifest = { schemaVersion: 2, mediaType, config, layers };
  const raw = new TextEncoder().encode(JSON.stringify(manifest, undefined, 3));
  const size = raw.byteLength;
  const digest = digestBytes("sha256", raw);
  await orRefused(what, access, async () => {
    await repository.push({ mediaType, digest, size }, raw, { signal });
    await repository.tag({ mediaType, digest, size }, reference.tag, { signal });
  });
  images.noteDigest(image.id, reference, digest);
  yield { status: `${reference.tag}: digest: ${digest} size: ${size}` };
  yield { progressDetail: {}, aux: { Tag: reference.tag, Digest: digest, Size: size } };
}

/** A layer as engines push it: compressed, as it came where it came compressed. */
async function compressed(
  images: FakeImages,
  layer: FakeLayer,
): Promise<{ readonly descriptor: Descriptor; readonly bytes: Bytes }> {
  const mediaType = MEDIA_TYPE_DOCKER_LAYER_GZIP;
  const limits = { maxBytes: MAX_LAYER_BYTES, what: layer.diffID };
  if (/gzip$/.test(layer.descriptor.mediaType)) {
    const bytes = await readAll(await images.store.fetch(layer.descriptor), limits);
    return { descriptor: { ...layer.descriptor, mediaType }, bytes };
  }
  const bytes = await readAll(gzip(streamOf(await images.tarOf(layer))), limits);
  const digest = digestBytes("sha256", bytes);
  return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
}
