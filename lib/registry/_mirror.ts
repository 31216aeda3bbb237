import { RecentMap } from "../bytes/recent_map.ts";
import { watched } from "../bytes/watched.ts";
import { digestContent } from "../hash/digest_content.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  AuthenticationError,
  AuthorizationError,
  isLadingError,
  NotFoundError,
  RegistryError,
} from "../model/errors.ts";
import { reasonOf, redactError } from "../model/redact.ts";
import { type Answer, discard } from "./_answer.ts";
import { pullScopes, quotedBlob, type RepositoryContext } from "./_context.ts";
import { isWebPage } from "./_digest_header.ts";
import { manifestName } from "./_manifest_name.ts";
import { answerError } from "./errors.ts";
import { getManifest, headManifest } from "./manifests.ts";
import type { Client } from "./request.ts";

/** How long a mirror that failed is left alone, and what it does not have is not asked for again. */
const REST_MS = 60_000;

/** How many things that a mirror does not have are remembered. */
const MAX_MISSING = 1000;

/** The headers of a request for a blob that a mirror is to know. */
const BLOB_HEADERS = ["range", "if-range"] as const;

/** Content of a repository that a request is about. */
export interface Wanted {
  /** The repository in its registry: `library/alpine`. */
  readonly repository: string;
  readonly kind: "manifests" | "blobs";
  /** A tag, or a digest. */
  readonly reference: string;
}

/** What a mirror is made of. */
export interface MirrorSetup {
  /** Speaks with the mirror; it repeats nothing. */
  readonly client: Client;
  /** Gives the name that a repository has in the mirror; `undefined` where it can have none. */
  nameOf(repository: string): string | undefined;
  /** The registry that it is a mirror of: `docker.io`. */
  readonly upstream: string;
}

/** A mirror: it may have what a registry has, and nobody depends on it. */
export class MirrorClient {
  readonly #setup: MirrorSetup;
  readonly #client: Client;
  /** What it does not have or does not give out, and until when that is believed. */
  readonly #missing = new RecentMap<string, number>(MAX_MISSING);
  #restsUntil = 0;

  constructor(setup: MirrorSetup) {
    this.#setup = setup;
    this.#client = setup.client;
  }

  /**
   * Asks the mirror in the place of the registry.
   *
   * @param request The request to the registry.
   * @param wanted What it is for.
   * @param signal Ends the attempt, and the body of the answer: with the request, or before.
   * @returns Its answer; `undefined` when it has none that is good.
   */
  async answer(
    request: Request,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Response | undefined> {
    const { clock, endpoint } = this.#client;
    const name = this.#setup.nameOf(wanted.repository);
    const { repository, kind, reference } = wanted;
    const content = `${repository} ${kind} ${reference}`;
    const isMissing = [repository, content].some((key) =>
      clock.now() < (this.#missing.get(key) ?? 0)
    );
    if (name === undefined || isMissing || clock.now() < this.#restsUntil) return undefined;
    const context = {
      client: this.#client,
      hash: digestContent,
      name,
      fullName: `${endpoint.name}/${name}`,
    };
    try {
      return kind === "manifests"
        ? await this.#manifest(context, request, reference, signal)
        : await this.#blob(context, request, reference, signal);
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      const until = clock.now() + REST_MS;
      if (error instanceof NotFoundError) this.#missing.set(content, until);
      else if (isRefusal(error)) this.#missing.set(repository, until);
      else this.#rest(error);
      return undefined;
    }
  }

  async #manifest(
    context: RepositoryContext,
    request: Request,
    reference: string,
    signal: AbortSignal,
  ): Promise<Response | undefined> {
    const name = manifestName(reference);
    if (request.method === "HEAD") {
      const found = await headManifest(context, name, { signal });
      return found && new Response(null, { headers: manifestHeaders(found) });
    }
    const accept = request.headers.get("accept")?.split(",").map((type) => type.trim());
    const { raw, descriptor } = await getManifest(context, name, { accept, signal });
    return new Response(raw, { headers: manifestHeaders(descriptor) });
  }

  async #blob(
    context: RepositoryContext,
    request: Request,
    digest: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const action = `pull ${quotedBlob(context, digest)}`;
    const { headers: given } = request;
    const isHead = request.method === "HEAD";
    const answer = await this.#client.send({
      action,
      method: isHead ? "HEAD" : "GET",
      url: this.#client.url(`/v2/${context.name}/blobs/${digest}`),
      scopes: pullScopes(context),
      lane: "download",
      headers: Object.fromEntries(
        BLOB_HEADERS.map((name) => [name, given.get(name) ?? ""]).filter(([, value]) => value),
      ),
      signal,
    });
    if (answer.status !== 200 && answer.status !== 206) {
      throw await answerError(answer, action, this.#client.clock);
    }
    if (isWebPage(answer.headers)) {
      discard(answer);
      throw new Error("it answers with a web page");
    }
    const { status, headers } = answer;
    if (isHead) discard(answer);
    return new Response(isHead ? null : this.#watch(answer, signal), { status, headers });
  }

  /** Takes note of a body that breaks off: what is missing is better asked of somebody else. */
  #watch(answer: Answer, signal: AbortSignal): ByteStream {
    return watched(answer.body, {
      moved() {},
      error: (error) => {
        if (!signal.aborted) this.#rest(error);
      },
    });
  }

  #rest(error: unknown): void {
    const { clock, endpoint } = this.#client;
    const wanted = error instanceof RegistryError ? error.retryAfter : undefined;
    this.#restsUntil = clock.now() + Math.max(REST_MS, wanted ?? 0);
    const reason = isLadingError(error) ? error.message : reasonOf(redactError(error));
    this.#client.emit({
      type: "fallback",
      registry: endpoint.name,
      reason: `the mirror of ${this.#setup.upstream} is left alone for a while: ${reason}`,
    });
  }
}

/** Whether a mirror does not let anybody, or these credentials, into a repository. */
function isRefusal(error: unknown): boolean {
  return error instanceof AuthenticationError || error instanceof AuthorizationError;
}

function manifestHeaders({ mediaType, digest, size }: Descriptor): Record<string, string> {
  return {
    "content-type": mediaType,
    "content-length": String(size),
    "docker-content-digest": digest,
  };
}
