import { SingleFlight } from "../bytes/single_flight.ts";
import { withSignal } from "../bytes/signal.ts";
import { watched } from "../bytes/watched.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import { embeddedContent } from "../hash/embedded.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ContentStore } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { BlobHashing } from "./_blob_hashing.ts";
import { mountableFrom, type MountRoute } from "./_mountable_from.ts";
import { blame } from "./_side.ts";

/** What is under way into each target: copies at the same time share it. */
const FLIGHTS = new WeakMap<ContentStore, SingleFlight<string, void>>();

/** Where a blob goes from and to. */
export interface BlobWay extends MountRoute {
  /** Whether the target has it; by default it is asked. */
  readonly isThere?: Promise<boolean> | undefined;
  /** Threads to hash in. */
  readonly threads?: LayerThreads | undefined;
  /** Is told when all bytes have come from the source: the target may take its time yet. */
  readonly read?: (() => void) | undefined;
}

/** What one blob took. */
export interface BlobOutcome {
  /** `exists`: the target had it, or another copy has brought it. */
  readonly status: "done" | "exists" | "mounted";
  /** The bytes that came from the source, more than the blob has when it had to be sent again. */
  readonly bytesFetched: number;
}

/**
 * Copies one blob unless the target has it. Blobs that several copies want to bring into the same
 * target object at the same time are moved once. The target proves what it stores.
 *
 * @param way Where the blob is, and where it goes.
 * @param blob What it is.
 * @param moved Gets the number of bytes moved so far; it starts again when the target asks again.
 * @param signal Ends the copy.
 * @returns What it took.
 */
export async function copyBlob(
  way: BlobWay,
  blob: Descriptor,
  moved: (bytes: number) => void,
  signal: AbortSignal,
): Promise<BlobOutcome> {
  const { target, isThere = target.exists(blob, { signal, isNamedNext: true }) } = way;
  const existed = await isThere.catch((error) => {
    throw blame("target", error, blob, signal);
  });
  if (existed) return { status: "exists", bytesFetched: 0 };
  let bytesFetched = 0;
  let status: BlobOutcome["status"] = "exists";
  const count = (bytes: number, current: number) => {
    bytesFetched += bytes;
    moved(current);
  };
  const bring = async (shared: AbortSignal): Promise<void> => {
    status = "done";
    const options = { signal: shared, isPushedNext: true };
    const from = await mountableFrom(way, blob, shared);
    const isMounted = from !== undefined &&
      await target.mount?.(blob, from, options).catch((error) => {
        throw blame("target", error, blob, shared);
      });
    if (isMounted === true) status = "mounted";
    else await move(way, blob, count, shared);
  };
  const flights = flightsInto(target);
  for (;;) {
    try {
      await flights.run(blob.digest, bring, signal);
      return { status, bytesFetched };
    } catch (error) {
      // Another copy has failed, perhaps for reasons of its own source: this one tries itself.
      const isMine = status !== "exists";
      if (isMine || signal.aborted) throw error;
    }
  }
}

function flightsInto(target: ContentStore): SingleFlight<string, void> {
  const flights = FLIGHTS.get(target) ?? new SingleFlight<string, void>();
  FLIGHTS.set(target, flights);
  return flights;
}

async function move(
  { source, target, threads, read }: BlobWay,
  blob: Descriptor,
  count: (bytes: number, current: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const hashing = new BlobHashing(threads);
  let sourceError: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    sourceError = { error };
  };
  const embedded = embeddedContent(blob);
  // Asked for while the target makes ready: that is a round trip less.
  let early = embedded === undefined ? source.fetch(blob, { signal }) : undefined;
  early?.catch(() => {});
  // A function, so that a target that has to send again can open the content anew.
  const open = async (): Promise<ByteStream> => {
    let current = 0;
    sourceError = undefined;
    const opening = early ?? source.fetch(blob, { signal });
    early = undefined;
    const stream = await opening.catch((error) => {
      fail(error);
      throw error;
    });
    await hashing.begin(stream, blob);
    return watched(withSignal(stream, signal), {
      moved: (bytes) => count(bytes, current += bytes),
      end: () => read?.(),
      error: fail,
    });
  };
  try {
    await target.push(blob, embedded ?? open, { signal });
  } catch (error) {
    const side = sourceError !== undefined && causes(error, sourceError.error)
      ? "source"
      : "target";
    throw blame(side, error, blob, signal);
  } finally {
    hashing.end();
    early?.then((stream) => stream.cancel()).catch(() => {});
  }
}

/** Tells whether an error is another one, or was made from it. */
function causes(error: unknown, origin: unknown): boolean {
  return error === origin || error instanceof Error && error.cause === origin;
}
