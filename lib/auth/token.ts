import { untilAborted } from "../bytes/until_aborted.ts";
import type { Transport } from "../model/transport.ts";
import {
  AuthenticationError,
  AuthorizationError,
  type Diagnostic,
  isLadingError,
  RateLimitError,
  RegistryError,
} from "../model/errors.ts";
import { basicAuthorization, isHeaderToken } from "./authorization.ts";
import type {
  AnonymousCredentials,
  BasicCredentials,
  IdentityTokenCredentials,
} from "./credentials.ts";
import { checkRealm, type RealmPolicy } from "./realm.ts";
import { mergeScopes } from "./scope.ts";
import { describeDiagnostics, discard, readDiagnostics, readReply } from "./_reply.ts";
import { isJSONObject } from "../model/json_object.ts";
import { reasonOf, redactError, redactURL } from "../model/redact.ts";
import { retryAfter as retryAfterIn } from "../model/retry_after.ts";
import { secretsOf } from "./_redact.ts";

/** Tokens without `expires_in`, or with a shorter one, are good for this long (token spec). */
export const MIN_TOKEN_LIFETIME_SECONDS = 60;

/** A token server answers in milliseconds; one that does not would hold up every transfer. */
export const TOKEN_TIMEOUT_MS = 15_000;

/** As other clients allow it; each hop is checked like a realm. */
const MAX_REDIRECTS = 10;

/** The name of the program where the protocol demands one. */
const CLIENT_ID = "lading";

/** What a token is asked for. */
export interface TokenRequest {
  /** The token server, checked by {@linkcode checkRealm}; its own query is kept. */
  readonly realm: URL;
  /** The `service` of the challenge. */
  readonly service?: string | undefined;
  /** What the token shall allow; merged, and nothing else is asked for. */
  readonly scopes: readonly string[];
  /** Who asks. */
  readonly credentials: AnonymousCredentials | BasicCredentials | IdentityTokenCredentials;
  /** The registry, for messages. */
  readonly registry: string;
  /** Where redirects of the token server may lead. */
  readonly policy: RealmPolicy;
  /** Names the program to the token server; default `lading` where the protocol demands a name. */
  readonly clientID?: string | undefined;
  /** Sends passwords by OAuth2 `POST` first, and by `GET` where the server does not know that. */
  readonly oauth2?: boolean | undefined;
  /** Asks for an identity token besides, so that the password need not be kept. */
  readonly offline?: boolean | undefined;
  /** How long all of it may take; default 15 seconds. */
  readonly timeoutMs?: number | undefined;
  /** Ends the exchange; the reason is thrown unchanged. */
  readonly signal?: AbortSignal | undefined;
}

/** A token that a token server gave. It is opaque: nobody looks inside. */
export interface Token {
  /** The text for `Authorization: Bearer`. */
  readonly value: string;
  /** How long it is good, in seconds after its arrival; never below 60. */
  readonly expiresIn: number;
  /** The identity token to use from now on, where the server gave one. */
  readonly refreshToken?: string | undefined;
}

type Method = "GET" | "POST";

/** A request of the token protocol, before it is known how it travels. */
interface Prepared {
  readonly url: URL;
  readonly init: RequestInit;
}

function prepareGet(request: TokenRequest): Prepared {
  const { realm, service, scopes, credentials, offline = false } = request;
  // The token protocol wants a name of those who keep tokens.
  const clientID = request.clientID ?? (offline ? CLIENT_ID : undefined);
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.append("service", service);
  for (const scope of mergeScopes(scopes)) url.searchParams.append("scope", scope);
  if (clientID !== undefined) url.searchParams.append("client_id", clientID);
  if (offline) url.searchParams.append("offline_token", "true");
  const headers = new Headers({ accept: "application/json" });
  if (credentials.kind === "basic") {
    url.searchParams.append("account", credentials.username);
    headers.set("authorization", basicAuthorization(credentials));
  }
  return { url, init: { headers } };
}

function preparePost(request: TokenRequest): Prepared {
  const { realm, service, scopes, credentials, clientID = CLIENT_ID, offline } = request;
  const form = new URLSearchParams({ client_id: clientID });
  if (service !== undefined) form.append("service", service);
  if (scopes.length > 0) form.append("scope", mergeScopes(scopes).join(" "));
  if (credentials.kind === "identity-token") {
    form.append("grant_type", "refresh_token");
    form.append("refresh_token", credentials.token);
  } else if (credentials.kind === "basic") {
    form.append("grant_type", "password");
    form.append("username", credentials.username);
    form.append("password", credentials.password);
  }
  if (offline === true) form.append("access_type", "offline");
  const headers = new Headers({
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  });
  return { url: realm, init: { method: "POST", headers, body: form.toString() } };
}

/** Where a redirect of the token server leads, when the request may go there. */
function redirected(request: TokenRequest, method: Method, response: Response, from: URL): URL {
  const location = response.headers.get("location") ?? "";
  if (method === "POST" && response.status !== 307 && response.status !== 308) {
    throw failure(request, method, `it redirects with ${response.status}, which drops the form`);
  }
  if (!URL.canParse(location, from)) throw failure(request, method, "it redirects to no URL");
  const { url, refused } = checkRealm(new URL(location, from).href, request.policy);
  if (url === undefined) throw failure(request, method, `it redirects, and ${refused}`);
  if (url.origin !== request.realm.origin && request.credentials.kind !== "anonymous") {
    const reason = `it redirects to ${url.origin}, where credentials are not taken along`;
    throw failure(request, method, reason);
  }
  return url;
}

/** Sends a token request and follows redirects that neither leave the rules nor carry secrets away. */
async function exchange(
  transport: Transport,
  request: TokenRequest,
  method: Method,
  signal: AbortSignal,
): Promise<Response> {
  const { url: first, init } = method === "GET" ? prepareGet(request) : preparePost(request);
  // Browsers hide redirects. There a GET is followed, which drops credentials at another origin.
  const isHidden = transport.traits?.manualRedirect === false;
  const redirect = !isHidden ? "manual" : method === "GET" ? "follow" : "error";
  let url = first;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const sent = new Request(url, { ...init, signal, redirect });
    const response = await untilAborted(transport(sent), sent, signal);
    if (response.status < 300 || response.status > 399) return response;
    await discard(response);
    url = redirected(request, method, response, url);
  }
  throw failure(request, method, "it redirects too often");
}

function messageOf({ registry, realm }: TokenRequest, reason: string): string {
  return `Cannot get a token for ${registry} from ${realm.host}: ${reason}`;
}

function failure(request: TokenRequest, method: Method, reason: string, cause?: unknown): Error {
  const url = redactURL(request.realm);
  return new AuthenticationError(messageOf(request, reason), { status: 0, method, url, cause });
}

/** The error for an answer that holds no token. */
async function refusal(request: TokenRequest, method: Method, response: Response): Promise<Error> {
  const { credentials, realm } = request;
  const diagnostics: readonly Diagnostic[] = await readDiagnostics(
    response,
    secretsOf(credentials),
  );
  const { status } = response;
  const options = { status, method, url: redactURL(realm), diagnostics };
  const said = `the token server answered ${status}${describeDiagnostics(diagnostics)}`;
  const message = messageOf(request, said);
  const isAnonymous = credentials.kind === "anonymous";
  // RFC 6749 §5.2: a refresh token that is not good is answered with 400 invalid_grant.
  const isGrantRefused = status === 400 && diagnostics[0]?.code === "invalid_grant";
  if (status === 401 || isGrantRefused || status === 403 && isAnonymous) {
    return isAnonymous
      ? new AuthenticationError(message, { ...options, credentialsFor: request.registry })
      : new AuthenticationError(`${message}; check the user name and password`, options);
  }
  if (status === 403) return new AuthorizationError(message, options);
  const retryAfter = retryAfterIn(response.headers, Date.now());
  if (status === 429) return new RateLimitError(message, { ...options, retryAfter });
  return new RegistryError(message, { ...options, retryAfter });
}

/** Reads a lifetime: a number or, from some servers, its digits. */
function lifetimeOf(value: unknown): number {
  const seconds = Number(value);
  return Math.max(MIN_TOKEN_LIFETIME_SECONDS, Number.isFinite(seconds) ? seconds : 0);
}

async function tokenOf(
  request: TokenRequest,
  method: Method,
  response: Response,
  signal: AbortSignal,
): Promise<Token> {
  let reply: unknown;
  try {
    reply = JSON.parse(await readReply(response, "the token reply", signal));
  } catch (error) {
    if (signal.aborted) throw error;
    // The words of JSON.parse would quote the reply.
    const cause = isLadingError(error) ? error : undefined;
    throw failure(request, method, "the reply is too long, cut short or no JSON", cause);
  }
  const fields = isJSONObject(reply) ? reply : {};
  // Both names are in use. Where both are given they are equivalent (token spec).
  const value = fields["token"] || fields["access_token"];
  if (typeof value !== "string" || !isHeaderToken(value)) {
    throw failure(request, method, "the reply holds no token");
  }
  const refreshToken = fields["refresh_token"];
  const isRefresh = typeof refreshToken === "string" && refreshToken !== "";
  return {
    value,
    expiresIn: lifetimeOf(fields["expires_in"]),
    ...(isRefresh ? { refreshToken } : {}),
  };
}

/**
 * Gets a token from a token server: by `GET` with Basic or nothing, by OAuth2 `POST` for an identity
 * token. A server that knows only one of them (404, 405) is asked the other way where the
 * credentials allow it. The request carries nothing but the Basic header or the refresh token; no
 * old bearer goes along. Credentials are not taken to another origin by a redirect. The reply is
 * read up to 64 KiB, and all takes at most 15 seconds.
 *
 * @param transport Sends the request.
 * @param request What is asked for.
 * @returns The token. It may allow less than was asked for; the registry will tell.
 * @throws {AuthenticationError} when the server refuses the credentials, or gives no token.
 * @throws {AuthorizationError} when it knows the credentials but refuses the scopes (403).
 * @throws {RateLimitError} when it asks for fewer requests (429).
 * @throws {RegistryError} when it fails, or does not answer.
 */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const { credentials, oauth2 = false, timeoutMs = TOKEN_TIMEOUT_MS } = request;
  request.signal?.throwIfAborted();
  const isBasic = credentials.kind === "basic";
  const methods: readonly Method[] = credentials.kind === "identity-token"
    ? ["POST"]
    : !isBasic
    ? ["GET"]
    : oauth2
    ? ["POST", "GET"]
    : ["GET", "POST"];
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const signal = AbortSignal.any([deadline.signal, ...request.signal ? [request.signal] : []]);
  let method: Method = "GET";
  try {
    for (let i = 0;; i++) {
      method = methods[i] ?? "GET";
      const response = await exchange(transport, request, method, signal);
      if (response.ok) return await tokenOf(request, method, response, signal);
      // 404 and 405: another protocol. JFrog answers 401 to the POST of a password.
      const isUnknown = response.status === 404 || response.status === 405 ||
        method === "POST" && response.status === 401;
      if (!isUnknown || i + 1 === methods.length) throw await refusal(request, method, response);
      await discard(response);
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    if (isLadingError(error)) throw error;
    const cause = redactError(error);
    const reason = deadline.signal.aborted
      ? `no answer within ${timeoutMs / 1000} seconds`
      : `no answer: ${reasonOf(cause)}`;
    const url = redactURL(request.realm);
    throw new RegistryError(messageOf(request, reason), { status: 0, method, url, cause });
  } finally {
    clearTimeout(timer);
  }
}
