import { concatBytes } from "../../bytes/concat.ts";
import { iterate } from "../../bytes/iterate.ts";
import { readAll } from "../../bytes/read_all.ts";
import { streamFrom } from "../../bytes/stream_from.ts";
import { through } from "../../bytes/through.ts";
import { createHasher } from "../../hash/create_hasher.ts";
import { digestBytes } from "../../hash/digest_bytes.ts";
import type { Hasher } from "../../hash/hasher.ts";
import type { Bytes, ByteStream } from "../../model/bytes.ts";
import { formatDigest } from "../../model/digest.ts";
import type { RequestBody } from "../request.ts";
import { bytesBody, patient, type UploadWatch } from "../upload_body.ts";

/** The largest layer that is held where a transport cannot send streams. */
const MAX_HELD_LAYER_BYTES = 256 * 1024 * 1024;

/** Opens a layer, as often as it has to be sent. */
export type OpenLayer = () => Promise<ByteStream>;

const LINE_FEED: Bytes = Uint8Array.of(10);

/**
 * A layer on its way to a registry of version 1, which wants the hash of the image's document, a line
 * feed and the layer, as they were sent.
 */
export interface LayerBody extends RequestBody {
  /** What was wrong with the source, if anything was. */
  readonly failure: { readonly error: unknown } | undefined;
  /** The checksum of what was sent last. */
  checksum(): string;
}

class StreamedLayer implements LayerBody {
  readonly isReplayable = true;
  readonly #document: Bytes;
  readonly #open: OpenLayer;
  readonly #watch: UploadWatch;
  #hasher: Hasher;
  #failure: { readonly error: unknown } | undefined;

  constructor(document: Bytes, open: OpenLayer, watch: UploadWatch) {
    this.#document = document;
    this.#open = open;
    this.#watch = watch;
    this.#hasher = this.#start();
  }

  checksum(): string {
    return formatDigest("sha256", this.#hasher.digest());
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  open(attempt: Parameters<RequestBody["open"]>[0]): { readonly body: ByteStream } {
    const hasher = this.#start();
    this.#hasher = hasher;
    this.#failure = undefined;
    const fail = (error: unknown): void => {
      if (attempt.signal.aborted) return;
      this.#failure = { error };
      // Before the stream fails: workerd would end the body as if it were whole.
      attempt.abort(error);
    };
    const body = through(streamFrom(opened(this.#open)), {
      chunk(chunk) {
        hasher.update(chunk);
        return chunk;
      },
      error: fail,
    });
    return { body: patient(body, this.#watch, attempt) };
  }

  #start(): Hasher {
    const hasher = createHasher("sha256");
    hasher.update(this.#document);
    hasher.update(LINE_FEED);
    return hasher;
  }
}

async function* opened(open: OpenLayer): AsyncGenerator<Bytes, void, undefined> {
  yield* iterate(await open());
}

/**
 * Makes the body of a layer; where the transport cannot send streams it is held in memory.
 *
 * @throws {LimitExceededError} when it would have to be held, and is larger than 256 MiB.
 */
export async function layerBody(
  document: Bytes,
  open: OpenLayer,
  options: {
    readonly isStreamed: boolean;
    readonly watch: UploadWatch;
    readonly signal: AbortSignal | undefined;
  },
): Promise<LayerBody> {
  const { isStreamed, watch, signal } = options;
  if (isStreamed) return new StreamedLayer(document, open, watch);
  const what = "the layer, which this transport cannot stream";
  const bytes = await readAll(await open(), { maxBytes: MAX_HELD_LAYER_BYTES, what, signal });
  return heldLayer(document, bytes, watch);
}

function heldLayer(document: Bytes, bytes: Bytes, watch: UploadWatch): LayerBody {
  return {
    ...bytesBody(bytes, watch),
    failure: undefined,
    checksum: () => digestBytes("sha256", concatBytes([document, LINE_FEED, bytes])),
  };
}
