import { streamFrom } from "../../lib/bytes/stream_from.ts";
import { verified } from "../../lib/bytes/verify.ts";
import { type KernelChoice, stagesOf } from "../../lib/compress/stages.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import { extract } from "../../lib/image/extract.ts";
import { type Layer, openLayer } from "../../lib/image/layer.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Source } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { formatDigest } from "../../lib/model/digest.ts";
import {
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/media_types.ts";
import { validate } from "../../lib/ops/validate.ts";
import type { FileSystem, UnnamedFile } from "../../lib/store/file_system.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { type BenchLayer, chunks, type Entrant, entrant } from "./_bench.ts";
import { Headers } from "./_headers.ts";

/**
 * What the kernel and the host's hash come to without streams, promises and objects.
 *
 * @param keep Gets what was inflated, a view each.
 */
async function kernelAlone(
  { bytes }: BenchLayer,
  keep: (view: Bytes) => void = () => {},
): Promise<string> {
  const { kernel, hasher } = stagesOf();
  const [stored, plain] = [hasher("sha256"), hasher("sha256")];
  const headers = new Headers();
  const inflater = kernel.inflater();
  // Only the hash of a Worker without node:crypto has to be waited for.
  const drain = async (): Promise<void> => {
    for (let view = inflater.read(); view !== undefined; view = inflater.read()) {
      const taken = plain.update(view);
      headers.take(view);
      keep(view);
      if (taken instanceof Promise) await taken;
    }
  };
  for (const chunk of chunks(bytes)) {
    const taken = stored.update(chunk);
    inflater.push(chunk);
    if (taken instanceof Promise) await taken;
    await drain();
  }
  inflater.end();
  await drain();
  inflater.close();
  const digests = await Promise.all([stored.digest(), plain.digest()]);
  return digests.map((digest) => formatDigest("sha256", digest)).join();
}

/** The same with all that was inflated in memory at the end, as memory that extract() wrote to. */
async function kernelAloneKeeping(layer: BenchLayer): Promise<string> {
  const kept: Bytes[] = [];
  const digests = await kernelAlone(layer, (view) => void kept.push(view.slice()));
  const size = kept.reduce((sum, { length }) => sum + length, 0);
  if (size !== layer.plainSize) throw new Error(`the layer has ${size} bytes`);
  return digests;
}

/** An image of one layer in a store that proves what it gives, as registries and layouts do. */
class OneLayer {
  readonly layer: Descriptor;
  readonly #root: Descriptor;
  readonly #contents: Map<string, Bytes>;
  readonly #diffID: string;

  constructor({ bytes, digest, diffID, size }: BenchLayer) {
    this.#diffID = diffID;
    this.layer = { mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest, size };
    this.#contents = new Map([[digest, bytes]]);
    const config = this.#add(MEDIA_TYPE_OCI_CONFIG, {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [diffID] },
    });
    this.#root = this.#add(MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config,
      layers: [this.layer],
    });
  }

  source(kernel?: KernelChoice): Source {
    // Real sources take the default.
    const hasher = kernel === undefined ? undefined : stagesOf(kernel).hasher;
    return {
      resolve: () => Promise.resolve(this.#root),
      exists: ({ digest }) => Promise.resolve(this.#contents.has(digest)),
      fetch: (target) => {
        const bytes = this.#contents.get(target.digest) ?? new Uint8Array(0);
        return Promise.resolve(verified(streamFrom(chunks(bytes)), target, { hasher }));
      },
    };
  }

  view(kernel?: KernelChoice): Layer {
    return openLayer(this.source(kernel), this.layer, this.#diffID);
  }

  #add(mediaType: string, value: unknown): Descriptor {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const digest = digestBytes("sha256", bytes);
    this.#contents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

/** Hands all bytes of all files to a caller, without copying them. */
async function lendAll(layer: Layer, kernel?: KernelChoice): Promise<void> {
  let sum = 0;
  for await (const entry of layer.entries({ kernel })) {
    if (entry.type === "file") await entry.lend((piece) => void (sum += piece.length));
  }
}

/** A file that drops what is written to it. */
class DroppedFile implements UnnamedFile {
  readonly #file: UnnamedFile;

  constructor(file: UnnamedFile) {
    this.#file = file;
  }

  write(): void {}

  place(directory: string, name: string): void {
    this.#file.place(directory, name);
  }
}

/** Has files in memory with their names and attributes, and drops what is written to them. */
function filesWithoutContent(): FileSystem {
  const files = memoryFileSystem();
  const create = files.createUnnamed?.bind(files);
  if (create === undefined) throw new Error("files in memory need a name");
  files.createUnnamed = (attributes) => new DroppedFile(create(attributes));
  return files;
}

/** The public API, and the kernel without it; every one proves both digests, or fails. */
export function publicPasses(layer: BenchLayer): Entrant[] {
  const image = new OneLayer(layer);
  const ways: Record<string, () => Promise<void>> = {
    async "entries()"() {
      for await (const _ of image.view().entries());
    },
    "entries(), lend() of each file": () => lendAll(image.view()),
    async "entries(), body of each file"() {
      for await (const entry of image.view().entries()) {
        if (entry.type !== "file") continue;
        const reader = entry.body.getReader();
        while (!(await reader.read()).done);
      }
    },
    async "validate()"() {
      const { ok } = await validate(image.source(), "image");
      if (!ok) throw new Error("the image has problems");
    },
    async "extract() to memory"() {
      await extract(image.view(), memoryFileSystem(), "/rootfs");
    },
    async "extract(), content dropped"() {
      await extract(image.view(), filesWithoutContent(), "/rootfs");
    },
  };
  const digests = `${layer.digest},${layer.diffID}`;
  return [
    entrant("the kernel alone", digests, () => kernelAlone(layer)),
    entrant("the kernel alone, its output kept", digests, () => kernelAloneKeeping(layer)),
    ...entrantsOf(ways),
  ];
}

/** What lading has beside other stacks; every one proves both digests, or fails. */
export function ownPasses(layer: BenchLayer): Entrant[] {
  const image = new OneLayer(layer);
  const wasm = () => lendAll(image.view("wasm"), "wasm");
  return entrantsOf({
    "entries(), lend() of each file": () => lendAll(image.view()),
    "entries(), lend() of each file, all WebAssembly": wasm,
    async "four layers at once, lend() of each file, all WebAssembly"() {
      await Promise.all([wasm(), wasm(), wasm(), wasm()]);
    },
  });
}

function entrantsOf(ways: Record<string, () => Promise<void>>): Entrant[] {
  return Object.entries(ways).map(([name, run]) => ({ name, run }));
}
