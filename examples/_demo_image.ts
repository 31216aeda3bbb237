// Makes an image of two platforms from files of this repository.
import { readFile } from "node:fs/promises";
import { concatBytes, readAll } from "../lib/bytes/mod.ts";
import { GzipStream } from "../lib/compress/mod.ts";
import { digestBytes } from "../lib/hash/mod.ts";
import { type TarInput, writeTar } from "../lib/tar/mod.ts";
import type { Descriptor, Target } from "../mod.ts";

const OCI = "application/vnd.oci.image";
const FILES = ["README.md", "mod.ts", "wasm/kernel.wasm", "lib/tar/reader.ts"];
const MAX_LAYER_BYTES = 2 ** 24;

/**
 * Pushes an image index for linux/amd64 and linux/arm64.
 *
 * @param store Where it goes.
 * @param reference Its name there.
 */
export async function pushDemoImage(store: Target, reference: string): Promise<void> {
  async function push(mediaType: string, content: Uint8Array | object): Promise<Descriptor> {
    const bytes = content instanceof Uint8Array
      ? concatBytes([content])
      : new TextEncoder().encode(JSON.stringify(content));
    const descriptor = { mediaType, digest: digestBytes("sha256", bytes), size: bytes.length };
    await store.push(descriptor, bytes);
    return descriptor;
  }

  async function pushLayer(entries: TarInput[]) {
    const tar = await readAll(writeTar(entries), { maxBytes: MAX_LAYER_BYTES });
    const gzip = writeTar(entries).pipeThrough(new GzipStream());
    const bytes = await readAll(gzip, { maxBytes: MAX_LAYER_BYTES });
    const layer = await push(`${OCI}.layer.v1.tar+gzip`, bytes);
    return { layer, diffID: digestBytes("sha256", tar) };
  }

  const shared = await pushLayer(
    await Promise.all(FILES.map(async (path) => ({
      path: `usr/share/lading/${path}`,
      body: new Uint8Array(await readFile(new URL(`../${path}`, import.meta.url))),
    }))),
  );
  const manifests: Descriptor[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const text = new TextEncoder().encode(`ID=demo\nARCHITECTURE=${architecture}\n`);
    const own = await pushLayer([{ path: "etc/os-release", body: text }]);
    const rootfs = { type: "layers", diff_ids: [shared.diffID, own.diffID] };
    const config = await push(`${OCI}.config.v1+json`, { architecture, os: "linux", rootfs });
    const layers = [shared.layer, own.layer];
    const mediaType = `${OCI}.manifest.v1+json`;
    const manifest = await push(mediaType, { schemaVersion: 2, mediaType, config, layers });
    manifests.push({ ...manifest, platform: { os: "linux", architecture } });
  }
  const mediaType = `${OCI}.index.v1+json`;
  await store.tag(await push(mediaType, { schemaVersion: 2, mediaType, manifests }), reference);
}
