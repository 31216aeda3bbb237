import { encodeHex } from "../model/hex.ts";
import type { Token } from "./token.ts";
import { ownerOf, TokenCache, type TokenCacheOptions, type TokenKey } from "./token_cache.ts";

/** A token as it is kept outside of the process, in a file for instance. */
export interface StoredToken {
  /** A hash of the registry, the token server, the service and who asked. */
  readonly owner: string;
  /** What it was given for. */
  readonly scopes: readonly string[];
  /** The text for `Authorization: Bearer`. */
  readonly value: string;
  /** When it ends, in milliseconds since 1970. */
  readonly endsAt: number;
}

/**
 * The tokens of a cache as plain JSON. It is as secret as a password: whoever has it may do what the
 * tokens allow, and try passwords against its hashes.
 */
export interface TokenCacheState {
  /** The form of the state. */
  readonly version: 1;
  /** The tokens. */
  readonly tokens: readonly StoredToken[];
}

/** The farthest that a stored token may reach: clocks that were wrong shall not keep it for ever. */
const MAX_STORED_MS = 24 * 60 * 60 * 1000;

/** As many as a cache keeps by default. */
const MAX_STORED_TOKENS = 256;

/**
 * A cache of tokens that outlives the process: its state is written down wherever the caller likes,
 * and another process goes on with it. Names, passwords and identity tokens are not in the state.
 *
 * @example Keep tokens from one process to the next
 * ```ts
 * import { Registry } from "@lading/lading/registry";
 * import { StoredTokenCache } from "@lading/lading/auth";
 *
 * const file = new Map<string, string>(); // any place that nobody else can read
 * const tokens = new StoredTokenCache(JSON.parse(file.get("tokens") ?? "null"));
 * const registry = new Registry("ghcr.io", { tokens });
 * // … and in the end
 * file.set("tokens", JSON.stringify(await tokens.state()));
 * console.log(registry.name, file.size); // ghcr.io 1
 * ```
 */
export class StoredTokenCache extends TokenCache {
  readonly #now: () => number;
  /** What was stored, and what has come since, by the token. */
  readonly #tokens = new Map<string, StoredToken>();

  /**
   * Makes a cache with the tokens of a state.
   *
   * @param state The state, as it was read from JSON; what is no token is ignored, and `null` is none.
   * @param options The clock and the size.
   */
  constructor(state?: TokenCacheState | null, options: TokenCacheOptions = {}) {
    super(options);
    this.#now = options.now ?? Date.now;
    const tokens: unknown = state?.version === 1 ? state.tokens : [];
    if (!Array.isArray(tokens)) return;
    for (const token of tokens.filter(isStoredToken).slice(-MAX_STORED_TOKENS)) {
      this.#tokens.set(token.value, token);
    }
  }

  /**
   * Gives a kept token, one of the state, or gets a new one.
   *
   * @param key What it is for.
   * @param fetchNew Gets a new token.
   * @param signal Takes this caller out.
   * @returns The token.
   */
  override async obtain(
    key: TokenKey,
    fetchNew: (signal: AbortSignal) => Promise<Token>,
    signal?: AbortSignal,
  ): Promise<Token> {
    signal?.throwIfAborted();
    const owner = await hashOf(key);
    if (this.get(key) === undefined) this.#recall(key, owner);
    const token = await super.obtain(key, fetchNew, signal);
    if (!this.#tokens.has(token.value)) {
      const { value, expiresIn } = token;
      const endsAt = this.#now() + expiresIn * 1000;
      this.#tokens.set(value, { owner, scopes: key.scopes, value, endsAt });
      this.#forgetOld();
    }
    return token;
  }

  /** A process that runs for months would gather all the tokens that it ever had. */
  #forgetOld(): void {
    const now = this.#now();
    for (const { value, endsAt } of this.#tokens.values()) {
      const isOver = !isGood(endsAt - now) || this.#tokens.size > MAX_STORED_TOKENS;
      if (isOver) this.#tokens.delete(value);
    }
  }

  /**
   * Forgets a token that a registry refused.
   *
   * @param key For what it was given.
   * @param token The token.
   */
  override drop(key: TokenKey, token: Token): void {
    super.drop(key, token);
    this.#tokens.delete(token.value);
  }

  /** Forgets all tokens, for instance when somebody logs out. */
  override clear(): void {
    super.clear();
    this.#tokens.clear();
  }

  /**
   * Writes down the tokens that are good yet.
   *
   * @returns The state, as plain JSON; to be kept as secret as a password.
   */
  state(): TokenCacheState {
    this.#forgetOld();
    return { version: 1, tokens: [...this.#tokens.values()] };
  }

  /** Takes what was stored for an owner into the cache. */
  #recall(key: TokenKey, owner: string): void {
    for (const { scopes, value, endsAt, owner: whose } of this.#tokens.values()) {
      const ms = endsAt - this.#now();
      if (whose === owner && isGood(ms)) {
        this.keep({ ...key, scopes }, { value, expiresIn: ms / 1000 });
      }
    }
  }
}

function isGood(ms: number): boolean {
  return ms > 0 && ms <= MAX_STORED_MS;
}

/** Hides who asked: the identity may have a password. */
async function hashOf(key: TokenKey): Promise<string> {
  const owner = new TextEncoder().encode(ownerOf(key));
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", owner)));
}

function isStoredToken(token: Partial<StoredToken> | null): token is StoredToken {
  return typeof token?.owner === "string" && typeof token.value === "string" &&
    typeof token.endsAt === "number" && Array.isArray(token.scopes) &&
    token.scopes.every((scope: unknown) => typeof scope === "string") &&
    // RFC 6750 §2.1; anything else could be another header.
    /^[A-Za-z0-9._~+/-]+=*$/.test(token.value);
}
