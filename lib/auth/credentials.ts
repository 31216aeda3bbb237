import { registryKey } from "./registry_key.ts";

/** No credentials: what everybody may do. */
export interface AnonymousCredentials {
  /** Tells the kinds apart. */
  readonly kind: "anonymous";
}

/** A user name and a password, or a token that is used like a password. */
export interface BasicCredentials {
  /** Tells the kinds apart. */
  readonly kind: "basic";
  /** The user name; it cannot hold a colon. */
  readonly username: string;
  /** The password, or a token that is used like one. */
  readonly password: string;
}

/** A long-lived token that the token server exchanges for short ones (OAuth2 refresh token). */
export interface IdentityTokenCredentials {
  /** Tells the kinds apart. */
  readonly kind: "identity-token";
  /** The refresh token. */
  readonly token: string;
}

/** A token that goes to the registry as it is. */
export interface RegistryTokenCredentials {
  /** Tells the kinds apart. */
  readonly kind: "registry-token";
  /** The bearer token. */
  readonly token: string;
}

/** What proves to a registry who asks. */
export type Credentials =
  | AnonymousCredentials
  | BasicCredentials
  | IdentityTokenCredentials
  | RegistryTokenCredentials;

/** An identity token, and whose it is where that is known. */
export interface NamedIdentityTokenCredentials extends IdentityTokenCredentials {
  /** The user name that the token was given to. */
  readonly username?: string | undefined;
}

/** What a configuration file or a credential helper can keep. */
export type StorableCredentials = BasicCredentials | NamedIdentityTokenCredentials;

/** For what credentials are needed. */
export interface CredentialRequest {
  /** The registry as references name it: `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly registry: string;
  /** The repository, where the request is about one. */
  readonly repository?: string | undefined;
  /** Ends the search; nobody waits for its result any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds credentials. It is asked when a registry demands them, again for every new token, and again
 * when they are refused, so it may give short-lived ones. An error of it ends the request: there is
 * no falling back to anonymous access.
 */
export type CredentialProvider = (request: CredentialRequest) => Promise<Credentials>;

/** The credentials of everybody. */
export const ANONYMOUS: AnonymousCredentials = Object.freeze({ kind: "anonymous" });

/**
 * Tells whether two credentials are the same.
 *
 * @param a Credentials.
 * @param b Credentials.
 * @returns Whether kind and secrets are equal.
 */
export function sameCredentials(a: Credentials, b: Credentials): boolean {
  return identityOf(a) === identityOf(b);
}

/**
 * Makes a text that is equal for equal credentials. It holds the secrets: it is for keys in memory.
 *
 * @param credentials Credentials.
 * @returns The text.
 */
export function identityOf(credentials: Credentials): string {
  switch (credentials.kind) {
    case "anonymous":
      return "";
    case "basic":
      return JSON.stringify([credentials.kind, credentials.username, credentials.password]);
    case "identity-token":
    case "registry-token":
      return JSON.stringify([credentials.kind, credentials.token]);
  }
}

/**
 * Gives the same credentials to one registry, and none to any other.
 *
 * @param registry The registry as references name it, such as `ghcr.io`; every name of Docker Hub
 * stands for all of them.
 * @param credentials Its credentials.
 * @returns The provider.
 */
export function staticCredentials(registry: string, credentials: Credentials): CredentialProvider {
  const key = registryKey(registry);
  return (request) =>
    Promise.resolve(registryKey(request.registry) === key ? credentials : ANONYMOUS);
}

/**
 * Asks providers in turn until one knows credentials. An error of one ends the search.
 *
 * @param providers Providers, the most specific first.
 * @returns The provider; it gives anonymous credentials when none of them knows better.
 */
export function firstCredentials(...providers: readonly CredentialProvider[]): CredentialProvider {
  return async (request) => {
    for (const provider of providers) {
      request.signal?.throwIfAborted();
      const credentials = await provider(request);
      if (credentials.kind !== "anonymous") return credentials;
    }
    return ANONYMOUS;
  };
}
