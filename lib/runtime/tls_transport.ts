import { LadingError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { detectRuntime } from "./detect.ts";
import { usesEnvironmentProxies } from "./environment_proxies.ts";
import { hostTransport } from "./host_transport.ts";
import { httpsProxy } from "./_https_proxy.ts";
import { openTunnel } from "./_proxy_tunnel.ts";
import { type Detour, socketRequests } from "./_socket_requests.ts";

/** Options of {@linkcode tlsTransport}. */
export interface TLSTransportOptions {
  /** Certificates of authorities that are trusted besides the usual ones, in PEM. */
  readonly ca?: string | undefined;
  /** The certificate that this client shows, in PEM; needs `key`. */
  readonly cert?: string | undefined;
  /** The private key of the certificate, in PEM. */
  readonly key?: string | undefined;
  /** `false` takes any certificate of a server. What is pulled is proved by digests all the same. */
  readonly verify?: boolean | undefined;
}

/**
 * Makes a transport with certificates of its own, on Node, Deno and Bun. It goes through the proxies
 * that the environment names where `fetch` does so too. Requests that are not https go the usual way of
 * the runtime.
 *
 * @param options The certificates.
 * @returns The transport.
 * @throws {LadingError} (`UNSUPPORTED_TLS`) where the runtime lets nobody choose certificates, as
 * workers and browsers.
 *
 * @example A registry with a certificate of its own
 * ```ts
 * import { tlsTransport } from "@lading/lading/node";
 * import { Registry } from "@lading/lading/registry";
 *
 * const ca = "-----BEGIN CERTIFICATE-----\n…"; // await readFile("ca.pem", "utf8")
 * const registry = new Registry("registry.acme.dev:5000", { transport: tlsTransport({ ca }) });
 * console.log(registry.origin); // https://registry.acme.dev:5000
 * ```
 */
export function tlsTransport(options: TLSTransportOptions): Transport {
  const isProxied = usesEnvironmentProxies(detectRuntime());
  const send = socketRequests(options, isProxied ? throughProxy : undefined);
  if (send === undefined) {
    throw new LadingError(
      "UNSUPPORTED_TLS",
      "Cannot use certificates of your own: this runtime chooses them by itself",
    );
  }
  const usual = hostTransport();
  return (request) => request.url.startsWith("https:") ? send(request) : usual(request);
}

const throughProxy: Detour = async (net, url, signal) => {
  const proxy = httpsProxy(url);
  return proxy === undefined ? undefined : await openTunnel(net, proxy, url, signal);
};
