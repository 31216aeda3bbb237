import type { Transport } from "../model/transport.ts";
import type { CredentialProvider } from "./credentials.ts";
import type { TokenCache } from "./token_cache.ts";

/** Options of {@linkcode createAuthenticator}. */
export interface AuthenticatorOptions {
  /** Sends requests to the registry and to its token server; it shows redirects where it can. */
  readonly transport: Transport;
  /** The origin of the registry, such as `https://registry-1.docker.io`. Secrets go nowhere else. */
  readonly origin: string;
  /** The registry as references name it, such as `docker.io`: the key of its credentials. */
  readonly registry: string;
  /** Finds credentials; default none. */
  readonly credentials?: CredentialProvider | undefined;
  /** Keeps the tokens; default a cache of its own. A shared one brings its own clock. */
  readonly tokens?: TokenCache | undefined;
  /** Names the program to the token server. */
  readonly clientID?: string | undefined;
  /** Tells the time in milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** `false` refuses a token server over http also for a registry at an `http:` origin. */
  readonly plainHTTP?: boolean | undefined;
  /** Origins of token servers that are trusted even if they are private addresses or http. */
  readonly allowedRealms?: readonly string[] | undefined;
  /** Sends passwords to the token server by OAuth2 `POST` first; default by `GET`. */
  readonly oauth2?: boolean | undefined;
}

/** How one request is authenticated. */
export interface AuthenticatedSendOptions {
  /**
   * What the operation needs: `repository:library/alpine:pull`. Without scopes those of the
   * challenge are taken.
   */
  readonly scopes?: readonly string[] | undefined;
  /**
   * `false` when the body can be read only once: `make` is called once, and what the registry wants
   * is found out before by a request to `/v2/`. Default `true`.
   */
  readonly replayable?: boolean | undefined;
  /** Ends the search for credentials and tokens; the requests themselves carry their own signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Sends requests to one registry and proves to it who asks. */
export interface Authenticator {
  /**
   * Sends a request. What is known goes along: a token that is still good, or Basic where the
   * registry wants that. On 401 the challenge is answered and the request is made and sent anew,
   * once per distinct challenge. A request to another origin is sent once, without secrets.
   *
   * @param make Makes the request, anew for each try, with its body.
   * @param options The scopes, and what else matters.
   * @returns The answer of the registry, of any status but 401.
   * @throws {AuthenticationError} when credentials are missing or refused. There is no falling back
   * to anonymous access.
   * @throws {AuthorizationError} when the token server refuses the scopes.
   * @throws {RegistryError} when the token server fails.
   */
  send(make: () => Request, options?: AuthenticatedSendOptions): Promise<Response>;
}
