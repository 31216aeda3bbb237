import type { MemoryStore } from "../../lib/store/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { readAll, through } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteSource, ByteStream } from "../../lib/model/bytes.ts";
import type { CallOptions, FetchOptions, Source, Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";

export type Store = MemoryStore;

/** Stores content under any media type. */
export async function put(
  store: Store,
  mediaType: string,
  content: Uint8Array | string | object,
  extra: object = {},
): Promise<Descriptor> {
  const bytes = content instanceof Uint8Array
    ? new Uint8Array(content)
    : new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
  const descriptor = {
    mediaType,
    digest: digestBytes("sha256", bytes),
    size: bytes.length,
    ...extra,
  };
  await store.push(descriptor, bytes);
  return descriptor;
}

/** Stores an image whose layers are any bytes. */
export async function putImage(
  store: Store,
  layers: readonly (Uint8Array | string | Descriptor)[],
  options: {
    readonly reference?: string;
    readonly architecture?: string;
    readonly extra?: object;
  } = {},
): Promise<Descriptor> {
  const descriptors: Descriptor[] = [];
  for (const layer of layers) {
    const isDescriptor = typeof layer === "object" && !(layer instanceof Uint8Array);
    descriptors.push(isDescriptor ? layer : await put(store, MEDIA_TYPE_OCI_LAYER, layer));
  }
  const architecture = options.architecture ?? "amd64";
  const config = await put(store, MEDIA_TYPE_OCI_CONFIG, {
    architecture,
    os: "linux",
    rootfs: { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) },
  });
  const manifest = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config,
    layers: descriptors,
    ...options.extra,
  }, { platform: { os: "linux", architecture } });
  if (options.reference !== undefined) await store.tag(manifest, options.reference);
  return manifest;
}

/** Stores an index. */
export async function putIndex(
  store: Store,
  manifests: readonly Descriptor[],
  reference?: string,
): Promise<Descriptor> {
  const index = await put(store, MEDIA_TYPE_OCI_INDEX, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_INDEX,
    manifests,
  });
  if (reference !== undefined) await store.tag(index, reference);
  return index;
}

/** Reads content as it is stored. */
export async function get(store: Source, descriptor: Descriptor): Promise<Bytes> {
  return await readAll(await store.fetch(descriptor), { maxBytes: 1 << 28 });
}

/** What a {@linkcode watched} place was asked for. */
export interface Watched extends Target {
  /** The digests that were fetched, in order. */
  readonly fetched: string[];
  /** The bytes that were handed out. */
  bytesRead: number;
  /** The streams that are open, and the most that ever were. */
  open: number;
  mostOpen: number;
  /** The reasons with which streams were cancelled. */
  readonly cancels: unknown[];
  /** What was pushed and tagged, in order. */
  readonly written: string[];
}

/** What can be changed about a place. */
export interface Changes {
  /** Changes the stream of content; gets the number of the fetch. */
  readonly fetch?: (stream: ByteStream, descriptor: Descriptor) => ByteStream;
  /** Runs before content is stored. */
  readonly push?: (descriptor: Descriptor) => Promise<void>;
  /** Runs before a name is given. */
  readonly tag?: () => Promise<void>;
}

/** Wraps a place and records what is done to it. */
export function watched(place: Target, changes: Changes = {}): Watched {
  const self: Watched = {
    fetched: [],
    bytesRead: 0,
    open: 0,
    mostOpen: 0,
    cancels: [],
    written: [],
    exists: (target, options) => place.exists(target, options),
    resolve: (reference, options) => place.resolve(reference, options),
    async fetch(target: Descriptor, options?: FetchOptions) {
      self.fetched.push(target.digest);
      self.mostOpen = Math.max(self.mostOpen, ++self.open);
      const counted = through(await place.fetch(target, options), {
        chunk(chunk) {
          self.bytesRead += chunk.length;
          return chunk;
        },
      });
      const changed = changes.fetch?.(counted, target) ?? counted;
      return tracked(changed, () => self.open--, (reason) => self.cancels.push(reason));
    },
    async push(expected: Descriptor, content: ByteSource, options?: CallOptions) {
      await changes.push?.(expected);
      await place.push(expected, content, options);
      self.written.push(expected.digest);
    },
    async tag(target: Descriptor, reference: string, options?: CallOptions) {
      await changes.tag?.();
      await place.tag(target, reference, options);
      self.written.push(reference);
    },
  };
  return self;
}

/** Calls back when a stream has ended in any way, and when it was cancelled. */
function tracked(
  stream: ByteStream,
  close: () => void,
  cancelled: (reason: unknown) => void,
): ByteStream {
  let isOpen = true;
  const ended = () => {
    if (isOpen) close();
    isOpen = false;
  };
  const reader = stream.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await reader.read().catch((error) => {
        ended();
        throw error;
      });
      if (!done) return controller.enqueue(value);
      if (!isOpen) return;
      ended();
      controller.close();
    },
    async cancel(reason) {
      ended();
      cancelled(reason);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
