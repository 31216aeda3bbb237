// Images that are validated, and what is found wrong with them.
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { type ProblemCode, validate } from "../../lib/ops/mod.ts";
import { putImage, type PutImageOptions, type Short, tarOf } from "../image/images.ts";
import { type Watched, watched } from "./content.ts";

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

export const zip = async (tar: Bytes): Promise<Bytes> =>
  await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 26 });

/** Stores an image of two layers and tags it "app". */
export async function sample(
  options: PutImageOptions = {},
  upper: readonly Short[] = ["c=3", ".wh.a"],
): Promise<{ store: MemoryStore; image: Descriptor; layers: readonly Descriptor[] }> {
  const store = memoryStore();
  const tars = [await tarOf(["a=1", "b/"]), await tarOf(upper)];
  const image = await putImage(store, tars, { compress: zip, ...options });
  await store.tag(image, "app");
  const raw = await readAll(await store.fetch(image), { maxBytes: 1 << 20 });
  const { layers } = JSON.parse(new TextDecoder().decode(raw)) as { layers: Descriptor[] };
  return { store, image, layers };
}

/** Validates the image "app", and gives the codes of its problems, each of which names its content. */
export async function problems(
  store: Parameters<typeof validate>[0],
  options: Parameters<typeof validate>[2] = {},
): Promise<ProblemCode[]> {
  const report = await validate(store, "app", options);
  assert.equal(report.ok, report.problems.length === 0);
  for (const { message, descriptor } of report.problems) {
    assert.ok(message.includes(descriptor.digest), message);
  }
  return report.problems.map(({ code }) => code);
}

/** Replaces the bytes of one content. */
export function replacing(
  store: MemoryStore,
  { digest }: Descriptor,
  content: Uint8Array,
): Watched {
  return watched(store, {
    fetch: (stream, descriptor): ByteStream =>
      descriptor.digest === digest ? streamOf(new Uint8Array(content)) : stream,
  });
}

/** Reads content of a store. */
export async function contentOf(store: MemoryStore, descriptor: Descriptor): Promise<Bytes> {
  return (await readAll(await store.fetch(descriptor), { maxBytes: 1 << 26 })).slice();
}
