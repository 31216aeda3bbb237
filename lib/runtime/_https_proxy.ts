import { LadingError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import { proxyFor } from "./environment_proxies.ts";

/**
 * Finds the proxy that the environment names for a server of https.
 *
 * @param url Where a request goes.
 * @returns The proxy; `undefined` when requests go there directly.
 * @throws {LadingError} (`UNSUPPORTED_PROXY`) when it is none that tunnels are asked of over http.
 */
export function httpsProxy(url: URL): URL | undefined {
  const text = proxyFor(url);
  if (text === undefined) return undefined;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === "http:") return proxy;
  throw new LadingError(
    "UNSUPPORTED_PROXY",
    `Cannot reach ${url.host} with certificates of your own through the proxy ` +
      `${redactURL(text)}: it has to be one of http`,
  );
}
