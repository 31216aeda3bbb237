import type { CredentialProvider } from "../auth/credentials.ts";
import { createAuthenticator, sendAnonymously } from "../auth/with_auth.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { TokenCache } from "../auth/token_cache.ts";
import { streamOf } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { isLadingError, RegistryError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { type Answer, discard } from "./_answer.ts";
import { Attempt } from "./_attempt.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { failureOf } from "./errors.ts";
import type { RegistryEvent } from "./events.ts";
import { HostWaits } from "./_hosts.ts";
import type { Gate, Lane, Permit } from "./lanes.ts";
import { retryAfter } from "../model/retry_after.ts";
import { reasonOf, redactError, redactURL } from "../model/redact.ts";
import {
  checkLocation,
  FOREIGN_HEADERS,
  isRedirect,
  locationError,
  MAX_REDIRECTS,
  type RedirectPolicy,
} from "./redirect.ts";
import { atLeast, backoff, isFinalFailure, isRetryableStatus, type RetryPolicy } from "./retry.ts";
import { guarded, SilenceError, type Timeouts, withHeaderTimeout } from "./timeouts.ts";
import { WarningFilter } from "./warnings.ts";

/** What a request sends along, made anew for each time it is sent. */
export interface RequestBody {
  /** Whether it can be made more than once. */
  readonly isReplayable: boolean;
  /**
   * Makes the body.
   *
   * @param attempt Is aborted when the source of the body fails, before the body itself does.
   */
  open(attempt: Attempt): {
    readonly body: Bytes | Blob | ByteStream;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

/** One request to a registry, with all that has to be known to send it well. */
export interface Call {
  /** What is attempted, for messages: `pull "docker.io/library/alpine:9"`. */
  readonly action: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  /** The scopes it needs. */
  readonly scopes: readonly string[];
  readonly lane: Lane;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  /** How the body of the answer is read; by default as it comes. */
  readonly read?: (body: ByteStream) => ByteStream;
  /** Sends it without credentials, also when the registry asks for them. */
  readonly isBare?: boolean;
  /** `false` leaves repetitions to the caller. */
  readonly isRepeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What a client is made of. */
export interface ClientSetup {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly credentials: CredentialProvider;
  readonly tokens: TokenCache | undefined;
  readonly allowedRealms: readonly string[] | undefined;
  /** What every request to the registry has; to others only what is no secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly policy: RetryPolicy;
  readonly timeouts: Timeouts;
  readonly redirects: RedirectPolicy;
  readonly lanes: Gate;
  readonly clock: Clock;
  emit(event: RegistryEvent): void;
}

/** Where a request has led. */
interface Arrival {
  readonly response: Response;
  readonly url: URL;
  readonly isForeign: boolean;
}

/**
 * Sends requests to one registry: with credentials that go there only, following redirects that are
 * safe, repeating what failed for a moment, at a bounded number at a time.
 */
export class Client {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly policy: RetryPolicy;
  readonly redirects: RedirectPolicy;
  readonly traits: NonNullable<Transport["traits"]>;
  readonly #setup: ClientSetup;
  readonly #transport: Transport;
  readonly #authenticator: Authenticator;
  readonly #waits: HostWaits;
  /** Whether requests have headers that must not leave the registry's origin. */
  readonly #hasOwnHeaders: boolean;
  readonly #warnings = new WarningFilter();

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.endpoint = setup.endpoint;
    this.clock = setup.clock;
    this.policy = setup.policy;
    this.redirects = setup.redirects;
    this.traits = setup.transport.traits ?? {};
    this.#transport = Object.assign(
      withHeaderTimeout(setup.transport, setup.clock, setup.timeouts.headersMs),
      { traits: this.traits },
    );
    this.#waits = new HostWaits(setup.clock);
    this.#hasOwnHeaders = [...new Headers(setup.headers).keys()]
      .some((name) => !FOREIGN_HEADERS.has(name));
    this.#authenticator = createAuthenticator({
      transport: this.#transport,
      origin: setup.endpoint.origin,
      registry: setup.endpoint.name,
      credentials: setup.credentials,
      tokens: setup.tokens,
      allowedRealms: setup.allowedRealms,
      now: () => setup.clock.now(),
    });
  }

  /** How uploads are watched. */
  get uploadWatch(): { readonly clock: Clock; readonly idleMs: number } {
    return { clock: this.clock, idleMs: this.#setup.timeouts.idleMs };
  }

  /** Reports something. */
  emit(event: RegistryEvent): void {
    this.#setup.emit(event);
  }

  /** Makes the URL of a path of the API; its parts have to be checked before. */
  url(path: string): URL {
    const url = new URL(path, this.endpoint.origin);
    const wanted = path.split("?")[0];
    // The URL parser folds ".." and drops line breaks; nothing that gets here may have any.
    if (url.origin !== this.endpoint.origin || url.pathname !== wanted) {
      throw new TypeError(`Cannot make a URL of ${JSON.stringify(path)}: it would be another path`);
    }
    return url;
  }

  /**
   * Sends a request until it has an answer that repeating would not change.
   *
   * @param call The request.
   * @returns The answer, whatever its status; its body has to be read or cancelled.
   * @throws {RegistryError} when there is no answer, or a redirect that is refused.
   */
  async send(call: Call): Promise<Answer> {
    const mayRepeat = call.isRepeatable !== false && call.body?.isReplayable !== false;
    const last = mayRepeat ? this.policy.retries + 1 : 1;
    for (let attempt = 1;; attempt++) {
      const delay = await this.#try(call, attempt, attempt < last);
      if (typeof delay !== "number") return delay;
      await sleep(this.clock, delay, call.signal);
    }
  }

  /**
   * Does something again whose answer broke off on the way, as often as requests are repeated.
   *
   * @param call What is asked for, for messages.
   * @param work Asks and reads the answer.
   * @returns What the work gave.
   * @throws {RegistryError} when it keeps breaking off.
   */
  async repeat<Result>(
    call: Pick<Call, "action" | "url" | "signal"> & { readonly method: string },
    work: () => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1;; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (call.signal?.aborted) throw call.signal.reason;
        if (isLadingError(error)) throw error;
        if (attempt > this.policy.retries) throw this.unreachable(call, error, attempt);
        const delay = backoff(this.policy, attempt - 1);
        this.#retrying(call, attempt, delay, reasonOf(redactError(error)));
        await sleep(this.clock, delay, call.signal);
      }
    }
  }

  /** Sends a request once: gives the answer, or how long to wait before the next time. */
  async #try(call: Call, attempt: number, mayRepeat: boolean): Promise<Answer | number> {
    try {
      const answer = await this.#attempt(call, attempt);
      const delay = mayRepeat ? await this.#delayAfter(answer, attempt) : undefined;
      if (delay === undefined) return answer;
      discard(answer);
      this.#retrying(call, attempt, delay, `${answer.url.host} answered ${answer.status}`);
      return delay;
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      const isTemporary = error instanceof RegistryError
        ? isRetryableStatus(error.status)
        : !isLadingError(error) && !isFinalFailure(error);
      const wanted = error instanceof RegistryError ? error.retryAfter : undefined;
      const delay = isTemporary && mayRepeat ? this.#delay(wanted, attempt) : undefined;
      if (delay !== undefined) {
        this.#retrying(call, attempt, delay, reasonOf(redactError(error)));
        return delay;
      }
      throw isLadingError(error) ? error : this.unreachable(call, error, attempt);
    }
  }

  #retrying(
    call: Pick<Call, "url"> & { readonly method: string },
    attempt: number,
    delayMs: number,
    reason: string,
  ): void {
    this.emit({
      type: "retry",
      registry: this.endpoint.name,
      method: call.method,
      url: redactURL(call.url),
      attempt,
      delayMs,
      reason,
    });
  }

  /** Makes the error of a request that found no answer, or one that broke off. */
  unreachable(
    call: Pick<Call, "action" | "url"> & { readonly method: string },
    error: unknown,
    attempts: number,
  ): RegistryError {
    const cause = redactError(error);
    const times = attempts > 1 ? ` after ${attempts} attempts` : "";
    const advice = this.traits.manualRedirect === false
      ? "; in a browser the registry has to allow the request by CORS headers"
      : "";
    return new RegistryError(
      `Cannot ${call.action}: no whole answer of ${call.url.host}${times}: ${
        reasonOf(cause)
      }${advice}`,
      { status: 0, method: call.method, url: redactURL(call.url), cause },
    );
  }

  /** How long to wait before an answer is asked for again; `undefined` when it is final. */
  async #delayAfter(answer: Answer, attempt: number): Promise<number | undefined> {
    const { status, headers } = answer;
    // A signed URL may have expired on the way: the registry makes a new one.
    if (status === 403 && answer.isForeign && attempt === 1) return 0;
    if (!isRetryableStatus(status)) return undefined;
    if (status === 429 && await this.#isQuota(answer)) return undefined;
    const wanted = retryAfter(headers, this.clock.now());
    const delay = this.#delay(wanted, attempt);
    if (wanted !== undefined && delay !== undefined) this.#waits.pause(answer.url.origin, delay);
    return delay;
  }

  /** How long to wait before the next time; `undefined` when a registry wants too much of it. */
  #delay(wanted: number | undefined, attempt: number): number | undefined {
    if (wanted === undefined) return backoff(this.policy, attempt - 1);
    return wanted > this.policy.maxRetryAfterMs ? undefined : atLeast(this.policy, wanted);
  }

  /** Docker Hub's pull quota is of hours: waiting seconds does not help. */
  async #isQuota(answer: Answer): Promise<boolean> {
    if (/^0(?:;|$)/.test(answer.headers.get("ratelimit-remaining")?.trim() ?? "")) return true;
    const { diagnostics } = await failureOf(answer, this.clock);
    return diagnostics.some(({ code, message }) =>
      code === "TOOMANYREQUESTS" && /pull rate limit/i.test(message)
    );
  }

  async #attempt(call: Call, attempts: number): Promise<Answer> {
    await this.#waits.wait(call.url.origin, call.signal);
    const permit = await this.#setup.lanes.acquire(call.lane, call.signal);
    const attempt = new Attempt(call.signal);
    try {
      const { response, url, isForeign } = await this.#follow(call, attempt);
      attempt.answered();
      if (!isForeign) this.#warn(response.headers.get("warning"));
      const { status, headers } = response;
      const body = this.#watch(response, attempt, permit, call.read);
      return { method: call.method, url, isForeign, status, headers, body, attempts };
    } catch (error) {
      permit.release();
      attempt.abort(error);
      throw error;
    }
  }

  /** Holds the place in the lane until the body is over. */
  #watch(
    response: Response,
    attempt: Attempt,
    permit: Permit,
    read: Call["read"],
  ): ByteStream {
    const body = response.body as ByteStream | null;
    if (body === null) {
      permit.release();
      attempt.close();
      return streamOf(new Uint8Array());
    }
    permit.reading(false);
    return guarded(read?.(body) ?? body, {
      clock: this.clock,
      idleMs: this.#setup.timeouts.idleMs,
      signal: attempt.signal,
      reading: (isReading) => permit.reading(isReading),
      ended(error) {
        permit.release();
        if (error instanceof SilenceError) attempt.abort(error);
        else attempt.close();
      },
    });
  }

  #warn(header: string | null): void {
    for (const text of this.#warnings.fresh(header)) {
      this.emit({ type: "warning", registry: this.endpoint.name, text });
    }
  }

  async #follow(call: Call, attempt: Attempt): Promise<Arrival> {
    const { action, method } = call;
    const seen = new Set<string>();
    let { url } = call;
    let isForeign = url.origin !== this.endpoint.origin;
    for (let hops = 0;; hops++) {
      seen.add(url.href);
      if (hops > 0) await this.#waits.wait(url.origin, attempt.signal);
      const response = await this.#hop(call, url, isForeign, attempt);
      if (!isRedirect(response.status)) return this.#arrived(response, url, isForeign);
      response.body?.cancel().catch(() => {});
      const from = { action, method, status: response.status, url };
      if (hops === MAX_REDIRECTS) {
        throw locationError(from, `it is one redirect more than ${MAX_REDIRECTS}`);
      }
      checkMethod(call, from);
      url = checkLocation(response.headers.get("location"), from, this.redirects);
      if (seen.has(url.href)) throw locationError(from, "the redirects go in a circle");
      // Once away, credentials stay at home: whoever was asked in between chose the rest of the way.
      isForeign ||= url.origin !== this.endpoint.origin;
    }
  }

  /** Where a request that the runtime has redirected by itself has come to. */
  #arrived(response: Response, url: URL, isForeign: boolean): Arrival {
    if (!response.redirected || !URL.canParse(response.url)) return { response, url, isForeign };
    const final = new URL(response.url);
    return { response, url: final, isForeign: isForeign || final.origin !== this.endpoint.origin };
  }

  async #hop(call: Call, url: URL, isForeign: boolean, attempt: Attempt): Promise<Response> {
    const isHidden = this.traits.manualRedirect === false && !this.#hasOwnHeaders;
    const response = await this.#dispatch(call, url, isForeign, attempt, isHidden);
    // Browsers hide where a redirect leads. They take credentials along no further than the origin,
    // other headers everywhere: whoever is led away has to do without them from the start.
    return response.type === "opaqueredirect"
      ? await this.#dispatch(call, url, isForeign, attempt, true)
      : response;
  }

  async #dispatch(
    call: Call,
    url: URL,
    isForeign: boolean,
    attempt: Attempt,
    isFollowed: boolean,
  ): Promise<Response> {
    let isMade = false;
    const make = (): Request => {
      if (isMade && call.body?.isReplayable === false) throw this.#spent(call);
      isMade = true;
      return this.#request(call, url, isForeign, attempt, isFollowed);
    };
    const { signal } = attempt;
    if (call.isBare || isForeign && call.body !== undefined) return await this.#transport(make());
    if (isForeign) {
      // ggcr#2360: a storage host may demand a token of its own; it gets one for nobody.
      const { allowedRealms } = this.#setup;
      return await sendAnonymously(this.#transport, make, { allowedRealms, signal });
    }
    // The request that opened the upload has just proved the scopes: no need to ask before a stream.
    return await this.#authenticator.send(make, { scopes: call.scopes, signal });
  }

  #spent(call: Call): RegistryError {
    return new RegistryError(
      `Cannot ${call.action}: ${call.url.host} wants other credentials, but the stream can be read ` +
        "only once; give bytes or a function that opens it",
      { status: 401, method: call.method, url: redactURL(call.url) },
    );
  }

  #request(
    call: Call,
    url: URL,
    isForeign: boolean,
    attempt: Attempt,
    isFollowed: boolean,
  ): Request {
    const sent = call.body?.open(attempt);
    const headers = new Headers({
      ...this.#setup.headers,
      "accept-encoding": "identity",
      ...call.headers,
      ...sent?.headers,
    });
    if (isForeign || isFollowed) {
      for (const name of [...headers.keys()]) {
        if (!FOREIGN_HEADERS.has(name)) headers.delete(name);
      }
    }
    const init: RequestInit & { duplex?: "half" } = {
      method: call.method,
      headers,
      redirect: isFollowed ? "follow" : "manual",
      signal: attempt.signal,
    };
    if (sent !== undefined) {
      init.body = sent.body;
      if (sent.body instanceof ReadableStream) init.duplex = "half";
    }
    const request = new Request(url, init);
    // Node collects one that is only waited for, and its signal with it.
    attempt.onEnd(() => request);
    return request;
  }
}

/** goharbor/harbor-helm#1833: a PUT that became a GET looked like a success. */
function checkMethod(call: Call, from: Parameters<typeof locationError>[0]): void {
  const { method, body } = call;
  const keepsMethod = from.status === 307 || from.status === 308;
  if (!keepsMethod && method !== "GET" && method !== "HEAD") {
    throw locationError(
      from,
      `a ${method} would become a GET; the registry may want another scheme or host`,
    );
  }
  if (body?.isReplayable === false) {
    throw locationError(from, "the stream that was sent can be read only once");
  }
}
