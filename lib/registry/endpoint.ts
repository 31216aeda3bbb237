import { InvalidReferenceError } from "../model/errors.ts";
import { DEFAULT_REGISTRY, isRegistryHost } from "../model/reference.ts";

/** Which registries are spoken to over http: all, none, or those on loopback. */
export type PlainHTTP = boolean | "loopback";

/** Where Docker Hub answers; `docker.io` itself is a web site. */
const HUB_HOST = "registry-1.docker.io";

/** Names that mean Docker Hub. */
const HUB_NAMES: ReadonlySet<string> = new Set([DEFAULT_REGISTRY, "index.docker.io", HUB_HOST]);

/** A registry: its name in references, and where it is. */
export interface Endpoint {
  /** The name in references and for credentials: `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly name: string;
  /** The origin, such as `https://registry-1.docker.io`. */
  readonly origin: string;
  /** The host of the origin without its port. */
  readonly hostname: string;
}

/**
 * Tells whether a host is the machine itself by its own text: `localhost`, 127.0.0.0/8 or `[::1]`.
 * Names are not looked up; `127.0.0.1.example.com` is none of them.
 *
 * @param hostname The `hostname` of a `URL`.
 * @returns Whether it is loopback.
 */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Finds out how to reach a registry. http is used for loopback only, or on request; https never
 * falls back to it.
 *
 * @param host The host as references name it, with an optional port.
 * @param plainHTTP Which registries are spoken to over http; default `"loopback"`.
 * @returns The registry.
 * @throws {InvalidReferenceError} when the text is no host.
 */
export function endpointOf(host: string, plainHTTP: PlainHTTP = "loopback"): Endpoint {
  const url = isRegistryHost(host) && URL.canParse(`https://${host}`)
    ? new URL(`https://${host}`)
    : undefined;
  if (url === undefined || url.pathname !== "/" || url.username !== "") {
    throw new InvalidReferenceError(
      `Cannot use ${JSON.stringify(host.slice(0, 256))} as a registry: give a host with an ` +
        "optional port, such as ghcr.io or localhost:5000",
      { input: host },
    );
  }
  const isHub = HUB_NAMES.has(host);
  const isPlain = plainHTTP === "loopback" ? isLoopbackHost(url.hostname) : plainHTTP;
  const origin = new URL(`${isPlain ? "http" : "https"}://${isHub ? HUB_HOST : host}`);
  return {
    name: isHub ? DEFAULT_REGISTRY : host,
    origin: origin.origin,
    hostname: origin.hostname,
  };
}
