import { SingleFlight } from "../bytes/single_flight.ts";
import { coversScopes, scopeKey } from "./scope.ts";
import type { Token } from "./token.ts";
import { RecentMap } from "../bytes/recent_map.ts";

/** What a token was given for. A token is used for nothing else. */
export interface TokenKey {
  /** The origin of the registry. */
  readonly registry: string;
  /** The URL of the token server. */
  readonly realm: string;
  /** The `service` of the challenge, or "". */
  readonly service: string;
  /** Who asked, as `identityOf` writes it. */
  readonly identity: string;
  /** What was asked for. */
  readonly scopes: readonly string[];
}

/** Options of {@linkcode TokenCache}. */
export interface TokenCacheOptions {
  /** Tells the time in milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Tokens that are kept; the oldest are forgotten. Default 256, at most some megabytes. */
  readonly maxTokens?: number | undefined;
  /**
   * Is told the identity tokens that token servers give for a password, or instead of an older one;
   * they are asked for then (`offline_token`). Default: they are not.
   */
  readonly onIdentityToken?: ((token: string) => void) | undefined;
}

/** Renewed this long before the end, so that a request that is on its way still arrives in time. */
const RENEWAL_MARGIN_MS = 5_000;

interface Held {
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly token: Token;
  readonly renewAt: number;
}

/** Whom a token belongs to: everything but the scopes. */
export function ownerOf(key: TokenKey): string {
  return JSON.stringify([key.registry, key.realm, key.service, key.identity]);
}

function idOf(key: TokenKey): string {
  return `${ownerOf(key)} ${scopeKey(key.scopes)}`;
}

/**
 * Keeps tokens until shortly before they expire, by the local clock. Equal requests at the same time
 * share one exchange. A token for more scopes serves for fewer of the same owner; tokens never pass
 * between registries, token servers, services or identities. One cache may serve many registries.
 */
export class TokenCache {
  readonly #now: () => number;
  readonly #tokens: RecentMap<string, Held>;
  readonly #flights = new SingleFlight<string, Token>();
  readonly #onIdentityToken: ((token: string) => void) | undefined;

  /**
   * Makes an empty cache.
   *
   * @param options The clock and the size.
   */
  constructor(options: TokenCacheOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#tokens = new RecentMap(options.maxTokens ?? 256);
    this.#onIdentityToken = options.onIdentityToken;
  }

  /** Tells whether identity tokens are to be asked for. */
  get wantsIdentityTokens(): boolean {
    return this.#onIdentityToken !== undefined;
  }

  /** Tells how many tokens are kept, expired ones that nobody asked for included. */
  get size(): number {
    return this.#tokens.size;
  }

  /**
   * Gives a token that is good for some time yet.
   *
   * @param key What it is for.
   * @returns The token for these scopes, else one for more; `undefined` when there is none.
   */
  get(key: TokenKey): Token | undefined {
    const exact = this.#tokens.get(idOf(key));
    if (exact !== undefined && this.#isGood(exact)) return exact.token;
    const owner = ownerOf(key);
    for (const held of this.#tokens.values()) {
      if (held.owner !== owner || !this.#isGood(held)) continue;
      if (coversScopes(held.scopes, key.scopes)) return held.token;
    }
    return undefined;
  }

  /**
   * Gives a kept token, or gets one. Callers who want the same at the same time share one exchange;
   * it is aborted when the last of them has left.
   *
   * @param key What it is for.
   * @param fetchNew Gets a new token.
   * @param signal Takes this caller out.
   * @returns The token.
   */
  async obtain(
    key: TokenKey,
    fetchNew: (signal: AbortSignal) => Promise<Token>,
    signal?: AbortSignal,
  ): Promise<Token> {
    signal?.throwIfAborted();
    const id = idOf(key);
    const held = this.get(key);
    if (held !== undefined) return held;
    return await this.#flights.run(id, async (ours) => {
      const token = await fetchNew(ours);
      this.keep(key, token);
      if (token.refreshToken !== undefined) this.#onIdentityToken?.(token.refreshToken);
      return token;
    }, signal);
  }

  /**
   * Keeps a token that has just arrived.
   *
   * @param key What it is for.
   * @param token The token.
   */
  keep(key: TokenKey, token: Token): void {
    const lifetime = token.expiresIn * 1000;
    const renewAt = this.#now() + lifetime - Math.min(RENEWAL_MARGIN_MS, lifetime / 10);
    this.#tokens.set(idOf(key), { owner: ownerOf(key), scopes: key.scopes, token, renewAt });
  }

  /**
   * Forgets a token that a registry refused. Another token that has taken its place stays.
   *
   * @param key For what it was given.
   * @param token The token.
   */
  drop(key: TokenKey, token: Token): void {
    const owner = ownerOf(key);
    for (const held of [...this.#tokens.values()]) {
      if (held.owner === owner && held.token.value === token.value) {
        this.#tokens.delete(idOf({ ...key, scopes: held.scopes }));
      }
    }
  }

  /** Forgets all tokens, for instance when somebody logs out. */
  clear(): void {
    this.#tokens.clear();
  }

  #isGood(held: Held): boolean {
    return this.#now() < held.renewAt;
  }
}
