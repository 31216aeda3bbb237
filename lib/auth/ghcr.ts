import type { AccessTokenSource } from "./access_token.ts";
import { ANONYMOUS, type BasicCredentials, type CredentialProvider } from "./credentials.ts";
import { ExpiringCache } from "./_expiring_cache.ts";
import { registryKey } from "./registry_key.ts";

/** The registries of github.com: the present one and its forerunner. */
const HOSTS: readonly string[] = ["ghcr.io", "docker.pkg.github.com"];

/** Options of {@linkcode githubCredentials}. */
export interface GitHubCredentialsOptions {
  /**
   * A token that may read or write packages (`GITHUB_TOKEN` of a workflow, a personal access token),
   * or what gets one.
   */
  readonly token: string | AccessTokenSource;
  /** The user name; GitHub takes any, default `x-access-token`. */
  readonly username?: string | undefined;
  /**
   * The registries that get the token; default those of github.com. Name the host of an own server,
   * such as `containers.github.acme.dev`, together with a token of that server.
   */
  readonly hosts?: readonly string[] | undefined;
  /** Tells the time in milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Gives the credentials of GitHub's registry: a token as a password. A token that was got is kept
 * until shortly before its end; requests at the same time share one. Other registries get anonymous
 * credentials.
 *
 * @param options The token.
 * @returns The provider.
 *
 * @example With the token of a workflow
 * ```ts
 * import { githubCredentials } from "@lading/lading/auth";
 *
 * const provider = githubCredentials({ token: "ghp_…", username: "acme" });
 * console.log((await provider({ registry: "ghcr.io" })).kind); // basic
 * console.log((await provider({ registry: "ghcr.io.attacker.dev" })).kind); // anonymous
 * ```
 */
export function githubCredentials(options: GitHubCredentialsOptions): CredentialProvider {
  const { token: source, username = "x-access-token", hosts = HOSTS } = options;
  const keys = new Set(hosts.map(registryKey));
  const cache = new ExpiringCache<BasicCredentials>(options.now);
  return async ({ registry, signal }) => {
    if (!keys.has(registryKey(registry))) return ANONYMOUS;
    if (typeof source === "string") return { kind: "basic", username, password: source };
    return await cache.get("", async (ours) => {
      const { token, expiresInSeconds = 0 } = await source(ours);
      const value = { kind: "basic", username, password: token } as const;
      return { value, lifetimeMs: expiresInSeconds * 1000 };
    }, signal);
  };
}
