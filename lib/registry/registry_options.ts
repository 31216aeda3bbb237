import type { CredentialProvider } from "../auth/credentials.ts";
import type { TokenCache } from "../auth/token_cache.ts";
import type { Transport } from "../model/transport.ts";
import type { Clock } from "./clock.ts";
import type { PlainHTTP } from "./endpoint.ts";
import type { RegistryEvent } from "./events.ts";
import type { RetryOptions } from "./retry.ts";
import type { TimeoutOptions } from "./timeouts.ts";

/** How to reach a registry. */
export interface RegistryOptions {
  /** Sends the requests; default `fetch`. */
  readonly transport?: Transport | undefined;
  /** Gives credentials; default none. They go to the registry and its token server only. */
  readonly credentials?: CredentialProvider | undefined;
  /** Keeps tokens; share one between registries that come and go. */
  readonly tokens?: TokenCache | undefined;
  /** Origins of token servers that are trusted even if they are private addresses or http. */
  readonly allowedRealms?: readonly string[] | undefined;
  /**
   * Which registries are spoken to over http; default `"loopback"`: `localhost`, 127.0.0.0/8 and
   * `[::1]`. https never falls back to http.
   */
  readonly plainHTTP?: PlainHTTP | undefined;
  /** What the client calls itself; default `lading/` and the version. */
  readonly userAgent?: string | undefined;
  /**
   * More headers for the registry, as `HttpHeaders` of the Docker configuration has them. They go to
   * its origin only, never along a redirect and not to the token server. In browsers, which do not
   * tell where a redirect leads, a request that is redirected is sent without them.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How failed requests are repeated. */
  readonly retry?: RetryOptions | undefined;
  /** How long the registry may be silent. */
  readonly timeouts?: TimeoutOptions | undefined;
  /**
   * How many downloads, and how many uploads, run at a time; default 4. Metadata goes first, and two
   * more requests for it may run besides.
   */
  readonly concurrency?: number | undefined;
  /**
   * Private addresses that redirects and upload locations may lead to, such as `10.0.0.9`, besides
   * the registry's own host. Names are not looked up, so they need not be listed.
   */
  readonly privateHosts?: readonly string[] | undefined;
  /**
   * Reads an `http:` location on the host of an https registry as `https:`, as proxies that end TLS
   * make it necessary; default `false`: such a location is refused.
   */
  readonly fixLocationScheme?: boolean | undefined;
  /** Is told warnings, repetitions and fallbacks. */
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
  /** Measures time; tests bring their own. */
  readonly clock?: Clock | undefined;
}
