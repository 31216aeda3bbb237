import { type Answer, discard } from "./_answer.ts";
import { pushScopes, type RepositoryContext } from "./_context.ts";
import { checkLocation } from "./redirect.ts";
import type { Call, RequestBody } from "./request.ts";
import { uploadError } from "./_upload_error.ts";

/** How long giving an upload back may take: it ends by itself after a while. */
export const CANCEL_MS = 5000;

/** What a registry says about the chunks it takes. */
export interface ChunkLimits {
  /** Every chunk but the last has at least as many bytes (`OCI-Chunk-Min-Length`). */
  readonly min: number;
  /** No chunk has more bytes (`OCI-Chunk-Max-Length`, which serverless-registry sends). */
  readonly max: number;
}

/** What is sent to a session. */
export interface Sent {
  readonly method: "PATCH" | "PUT";
  readonly body?: RequestBody | undefined;
  /** The first and the last byte of the body within the blob. */
  readonly range?: readonly [number, number] | undefined;
  /** Ends the upload. */
  readonly digest?: string | undefined;
}

/** A positive whole number of a header. */
function limitIn(headers: Headers, name: string): number | undefined {
  const text = headers.get(name)?.trim() ?? "";
  return /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

/**
 * Reads how many bytes a session has, of its `Range`. `0-0` means none or one, and
 * serverless-registry writes `0--1` for none; `undefined` when the header says nothing.
 */
export function bytesIn(headers: Headers): number | undefined {
  const match = /^(?:bytes[ =])?0-(-1|\d{1,15})$/.exec(headers.get("range")?.trim() ?? "");
  return match === null ? undefined : Number(match[1]) + 1;
}

/**
 * An upload session at a registry (distribution-spec, pushing blobs). Its location carries state:
 * the newest one counts, and each answer may bring one.
 */
export class UploadSession {
  readonly #context: RepositoryContext;
  readonly #action: string;
  readonly limits: ChunkLimits;
  #location: URL;

  constructor(context: RepositoryContext, action: string, location: URL, limits: ChunkLimits) {
    this.#context = context;
    this.#action = action;
    this.#location = location;
    this.limits = limits;
  }

  /**
   * Opens a session.
   *
   * @throws {NotFoundError} when there is no such repository.
   * @throws {UploadError} when the registry opens none.
   */
  static async open(
    context: RepositoryContext,
    action: string,
    signal: AbortSignal | undefined,
  ): Promise<UploadSession> {
    const { client, name } = context;
    const answer = await client.send({
      action,
      method: "POST",
      url: client.url(`/v2/${name}/blobs/uploads/`),
      scopes: pushScopes(context),
      lane: "metadata",
      signal,
    });
    if (answer.status !== 202) {
      throw await uploadError(answer, { action, clock: client.clock, offset: 0 });
    }
    discard(answer);
    return UploadSession.of(context, action, answer);
  }

  /** Takes over the session that an answer has opened. */
  static of(context: RepositoryContext, action: string, answer: Answer): UploadSession {
    const { headers, method, status, url } = answer;
    const { redirects } = context.client;
    const from = { action, method, status, url };
    return new UploadSession(
      context,
      action,
      checkLocation(headers.get("location"), from, redirects),
      {
        min: limitIn(headers, "oci-chunk-min-length") ?? 0,
        max: limitIn(headers, "oci-chunk-max-length") ?? Infinity,
      },
    );
  }

  /** Where the next request goes. */
  get location(): URL {
    return this.#location;
  }

  /** Sends content, or the end. What failed is not repeated: nobody knows what has arrived. */
  async send(sent: Sent, signal: AbortSignal | undefined): Promise<Answer> {
    const url = new URL(this.#location);
    if (sent.digest !== undefined) {
      const digest = `digest=${encodeURIComponent(sent.digest)}`;
      // The query is the registry's state: nothing in it may change.
      url.search = url.search === "" ? `?${digest}` : `${url.search}&${digest}`;
    }
    const answer = await this.#context.client.send({
      ...this.#call(sent.method, url, signal),
      lane: "upload",
      headers: {
        "content-type": "application/octet-stream",
        // Without a unit and a total: ACR refuses them (dotnet/sdk-container-builds#258).
        ...(sent.range === undefined ? {} : { "content-range": sent.range.join("-") }),
      },
      body: sent.body,
      isRepeatable: false,
    });
    const isOpen = sent.method === "PATCH" && isGood(answer) || answer.status === 416;
    if (isOpen) this.#follow(answer);
    return answer;
  }

  /**
   * Asks how many bytes the registry has.
   *
   * @returns Their number; `undefined` when it does not know the session, or does not say.
   */
  async received(signal: AbortSignal | undefined): Promise<number | undefined> {
    const answer = await this.#context.client.send(this.#call("GET", this.#location, signal));
    discard(answer);
    if (!isGood(answer)) return undefined;
    this.#follow(answer);
    return bytesIn(answer.headers);
  }

  /**
   * Gives the session back; the registry may ask for rights for that, or not know how. It takes 5
   * seconds at most and never fails: who has an error to tell does not wait for it.
   */
  async cancel(): Promise<void> {
    const { clock } = this.#context.client;
    const controller = new AbortController();
    const stop = clock.setTimer(CANCEL_MS, () => controller.abort());
    try {
      const call = this.#call("DELETE", this.#location, controller.signal);
      discard(await this.#context.client.send({ ...call, isRepeatable: false }));
    } catch {
      // It ends by itself after a while.
    } finally {
      stop();
    }
  }

  #call(method: Call["method"], url: URL, signal: AbortSignal | undefined): Call {
    const scopes = pushScopes(this.#context);
    return { action: this.#action, method, url, scopes, lane: "metadata", signal };
  }

  #follow({ method, status, url, headers }: Answer): void {
    const location = headers.get("location");
    if (location === null) return;
    const from = { action: this.#action, method, status, url };
    this.#location = checkLocation(location, from, this.#context.client.redirects);
  }
}

/** Tells whether a registry took what was sent: ECR answers 201 to PATCH, proxies 204. */
export function isGood({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}
