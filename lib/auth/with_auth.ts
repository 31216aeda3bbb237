import type { Transport } from "../model/transport.ts";
import { RegistryError } from "../model/errors.ts";
import { ANONYMOUS } from "./credentials.ts";
import { RegistryAuthenticator } from "./_authenticator.ts";
import { redactURL } from "../model/redact.ts";
import type {
  AuthenticatedSendOptions,
  Authenticator,
  AuthenticatorOptions,
} from "./authenticator.ts";

/**
 * Makes the authenticator of one registry. It remembers which scheme the registry wants, so that
 * only the first request is refused.
 *
 * @param options The registry and its credentials.
 * @returns The authenticator; concurrent requests share it.
 * @throws {TypeError} when the origin is none.
 *
 * @example A registry that wants a token
 * ```ts
 * import { createAuthenticator } from "@lading/lading/auth";
 *
 * const bearer = 'Bearer realm="https://auth.example/token",service="r.example"';
 * const authenticator = createAuthenticator({
 *   origin: "https://r.example",
 *   registry: "r.example",
 *   transport: (request) => {
 *     if (request.url.startsWith("https://auth.example/")) {
 *       return Promise.resolve(Response.json({ token: "t" }));
 *     }
 *     const isKnown = request.headers.get("authorization") === "Bearer t";
 *     const headers = { "www-authenticate": bearer };
 *     return Promise.resolve(isKnown ? new Response("ok") : new Response("", { status: 401, headers }));
 *   },
 * });
 * const response = await authenticator.send(
 *   () => new Request("https://r.example/v2/app/tags/list"),
 *   { scopes: ["repository:app:pull"] },
 * );
 * console.log(response.status); // 200
 * ```
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  if (!URL.canParse(options.origin) || new URL(options.origin).origin === "null") {
    throw new TypeError(`Cannot authenticate to ${JSON.stringify(options.registry)}: no origin`);
  }
  return new RegistryAuthenticator(options);
}

/** Options of {@linkcode withAuth}. */
export type WithAuthOptions = Omit<AuthenticatorOptions, "transport">;

/** A transport that authenticates; the scopes may be given with the request. */
export interface AuthenticatedTransport extends Transport {
  /** Sends the request and gives the answer once its header is there. */
  (request: Request, options?: AuthenticatedSendOptions): Promise<Response>;
}

/**
 * Wraps a transport so that its requests to one registry are authenticated. A request with a body is
 * sent once: what the registry wants is found out before. Use {@linkcode createAuthenticator} to
 * repeat requests with bodies.
 *
 * @param transport The transport.
 * @param options The registry and its credentials.
 * @returns The wrapped transport, with the same traits.
 */
export function withAuth(transport: Transport, options: WithAuthOptions): AuthenticatedTransport {
  const authenticator = createAuthenticator({ ...options, transport });
  const send = (request: Request, how: AuthenticatedSendOptions = {}): Promise<Response> => {
    const hasBody = request.body !== null;
    const make = () => hasBody ? new Request(request) : request.clone();
    const signal = how.signal ?? request.signal;
    return authenticator.send(make, { ...how, replayable: !hasBody, signal });
  };
  return transport.traits === undefined ? send : Object.assign(send, { traits: transport.traits });
}

/** Options of {@linkcode sendAnonymously}. */
export interface AnonymousSendOptions {
  /** Origins of token servers that are trusted even if they are private addresses or http. */
  readonly allowedRealms?: readonly string[] | undefined;
  /** Ends the search for a token; the requests themselves carry their own signal. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request to a host that a registry redirected to. When that host answers 401 with a Bearer
 * challenge of its own, an anonymous token is fetched for it. No credentials of the registry are
 * involved, and nothing is remembered (ggcr#2360).
 *
 * @param transport Sends the requests.
 * @param make Makes the request, anew for each try.
 * @param options What else matters.
 * @returns The answer, of any status but 401.
 * @throws {AuthenticationError} when the host lets nobody in anonymously.
 * @throws {RegistryError} when the request carries an `Authorization` header.
 */
export async function sendAnonymously(
  transport: Transport,
  make: () => Request,
  options: AnonymousSendOptions = {},
): Promise<Response> {
  let first: Request | undefined = make();
  const { url, method, headers } = first;
  if (headers.has("authorization")) {
    const message = `Cannot send ${method} ${
      redactURL(url)
    }: credentials of another host are in it`;
    throw new RegistryError(message, { status: 0, method, url: redactURL(url) });
  }
  const { origin, host } = new URL(url);
  const { allowedRealms, signal } = options;
  const credentials = () => Promise.resolve(ANONYMOUS);
  const target = { transport, origin, registry: host, credentials, allowedRealms };
  const next = (): Request => {
    const request = first ?? make();
    first = undefined;
    return request;
  };
  return await new RegistryAuthenticator(target, false).send(next, { signal });
}
