import {
  DigestMismatchError,
  InvalidDigestError,
  isLadingError,
  LimitExceededError,
  SizeMismatchError,
} from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import type { Transport } from "../model/transport.ts";
import { answering } from "./_answering.ts";
import { ContentGuard } from "./_content_guard.ts";
import type { Context } from "./_context.ts";
import { handle } from "./_handle.ts";
import { Mutex } from "./_mutex.ts";
import { Refusal } from "./_refusal.ts";
import { RepositoryNames } from "./_repository_names.ts";
import { Shelves } from "./_shelves.ts";
import { UploadSessions } from "./_upload_sessions.ts";
import { memoryUploads } from "./memory_uploads.ts";
import type { RegistryTarget } from "./target.ts";
import type { UploadStore } from "./upload_store.ts";

/** How long an upload may rest by default: a client that comes back later starts again. */
export const UPLOAD_TIMEOUT_MS: number = 60 * 60 * 1000;

/** How many uploads may be under way by default: clients send five at a time. */
export const MAX_UPLOADS = 1000;

/** Options of {@linkcode registryHandler}. */
export interface RegistryHandlerOptions {
  /** Refuses everything but GET and HEAD with 405; `false` by default. */
  readonly readOnly?: boolean | undefined;
  /** Whether manifests, tags and blobs can be deleted; `true` by default. */
  readonly allowDelete?: boolean | undefined;
  /**
   * The repository under which bare tags of the target (`3.20`) and its unnamed roots are served,
   * and whose tags are written bare. By default bare tags are not served.
   */
  readonly defaultRepository?: string | undefined;
  /** The largest manifest that is taken, at most and by default `MAX_MANIFEST_BYTES` (4 MiB). */
  readonly maxManifestBytes?: number | undefined;
  /**
   * Whether manifests are taken whose blobs or children the repository does not hold; `false` by
   * default. The specification leaves the choice to the registry.
   */
  readonly allowSparse?: boolean | undefined;
  /**
   * Whether a mount without `from` finds the blob in any repository; `true` by default. Switch it
   * off where a middleware gives repositories to different users.
   */
  readonly allowAnonymousMount?: boolean | undefined;
  /**
   * The smallest chunk that clients are asked for (`OCI-Chunk-Min-Length`), in bytes; 0, which asks
   * for nothing, by default. Smaller chunks are taken too.
   */
  readonly minChunkBytes?: number | undefined;
  /**
   * Where uploads wait until they are complete; by default in the target where it keeps uploads, as a
   * bucket store does, else `memoryUploads()`.
   */
  readonly uploads?: UploadStore | undefined;
  /**
   * The most uploads under way at a time; {@linkcode MAX_UPLOADS} by default. Then 429. Uploads that
   * the target keeps are not counted.
   */
  readonly maxUploads?: number | undefined;
  /**
   * How long an upload may rest before it is dropped; {@linkcode UPLOAD_TIMEOUT_MS} by default. The
   * target knows its own time for uploads that it keeps.
   */
  readonly uploadTimeoutMs?: number | undefined;
  /** Is told the errors that clients see as 500 only. It must not throw. */
  readonly onError?: ((error: unknown, request: Request) => void) | undefined;
}

/**
 * Makes a registry of a target: a function from `Request` to `Response` that speaks the OCI
 * distribution-spec 1.1, with Docker's catalog. It has the shape of a {@linkcode Transport}, of
 * `fetch`, and of what `Deno.serve`, `Bun.serve` and a Worker's `fetch` take.
 *
 * Guarantees: it never rejects, and an unknown failure is a 500 without internals. Content is
 * stored only after its digest is proved, so a broken or aborted request leaves nothing behind but
 * an upload that can go on. A repository gives out what was pushed to it or mounted into it, and
 * what its tags reach, whatever else the target holds. Blobs of a known length stream into the
 * target without a copy; other uploads wait in `options.uploads`. Memory is one chunk for each blob
 * that moves, one manifest for each request about one, and some hundred bytes for each blob and
 * manifest that is known. Requests may come at the same time. Several handlers over one target are
 * safe for pushing and pulling; one must not delete what another one pushes. Over a target that keeps
 * uploads and what repositories hold, as a bucket store does, the handler remembers nothing: there
 * may be a new one for each request.
 *
 * Limits: references of the target are `repository:tag`. Which repository holds a blob, most targets
 * cannot say: the handler notes what is pushed and mounted, and finds the rest from the tags. So
 * after a restart, a blob that no manifest names, and a manifest that was pushed by digest and is
 * neither in an index nor about another manifest, are 404 until they are pushed again, and a mount
 * alone is forgotten. Deleting a manifest leaves its blobs. Manifests of Docker's schema 1 are
 * served, without their layers, and not taken. There is no authentication: put it before the
 * handler, as a function that answers 401.
 *
 * @param target Where content and tags live.
 * @param options What is allowed, and the limits.
 * @returns The registry.
 * @throws {TypeError} when the default repository is no repository name.
 * @throws {RangeError} when a limit is none.
 *
 * @example Push and pull without a socket
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { registryHandler } from "@lading/lading/server";
 *
 * const registry = registryHandler(memoryStore());
 * const answer = await registry(new Request("http://registry.test/v2/"));
 * console.log(answer.status); // 200
 * ```
 */
export function registryHandler(
  target: RegistryTarget,
  options: RegistryHandlerOptions = {},
): Transport {
  const context = contextOf(target, options);
  return answering((call) => handle(context, call, options.readOnly ?? false), (error, call) => {
    const isReading = call.method === "GET" || call.method === "HEAD";
    const refusal = isReading ? failureOf(error) : refusalOf(error);
    if (refusal.status >= 500) options.onError?.(error, call.request);
    return refusal;
  });
}

function contextOf(target: RegistryTarget, options: RegistryHandlerOptions): Context {
  const names = new RepositoryNames(options.defaultRepository);
  const { maxUploads = MAX_UPLOADS, uploadTimeoutMs = UPLOAD_TIMEOUT_MS } = options;
  const { maxManifestBytes = MAX_MANIFEST_BYTES, minChunkBytes = 0 } = options;
  for (const limit of [maxUploads, uploadTimeoutMs, maxManifestBytes, minChunkBytes]) {
    if (!(limit >= 0)) throw new RangeError(`Cannot serve a registry: ${limit} is no limit`);
  }
  if (maxManifestBytes > MAX_MANIFEST_BYTES) {
    throw new RangeError(
      `Cannot serve a registry: manifests have at most ${MAX_MANIFEST_BYTES} bytes`,
    );
  }
  return {
    target,
    names,
    shelves: new Shelves(target, names),
    sessions: new UploadSessions(options.uploads ?? memoryUploads(), {
      maxUploads,
      uploadTimeoutMs,
    }, options.uploads === undefined ? target.uploads : undefined),
    guard: new ContentGuard(),
    changes: new Mutex(),
    maxManifestBytes,
    allowSparse: options.allowSparse ?? false,
    allowAnonymousMount: options.allowAnonymousMount ?? true,
    allowDelete: options.allowDelete ?? true,
    minChunkBytes,
  };
}

/** What a request that only reads did not do wrong is a failure. It is told to nobody. */
function failureOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(500, "UNKNOWN", "the registry failed; its log says why");
}

/** Says what is wrong with what a client sent in the words of the specification. */
function refusalOf(error: unknown): Refusal {
  if (isLadingError(error)) {
    if (error instanceof DigestMismatchError) {
      const { expected, actual } = error;
      return new Refusal(400, "DIGEST_INVALID", "the content has another digest", {
        detail: { expected, actual },
      });
    }
    if (error instanceof SizeMismatchError) {
      return new Refusal(400, "SIZE_INVALID", "the content has another size than announced");
    }
    if (error instanceof InvalidDigestError) {
      return new Refusal(400, "DIGEST_INVALID", "the digest is none");
    }
    if (error instanceof LimitExceededError) {
      return new Refusal(413, "SIZE_INVALID", "the content is larger than this registry takes");
    }
  }
  return failureOf(error);
}
