import { LadingError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";
import { detectRuntime } from "./detect.ts";
import { readVariable } from "./_helper_process.ts";

/** What no program sends to a proxy: the same as in Go's ProxyFromEnvironment. */
const LOOPBACK_REGEXP = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * Finds the proxy that the environment names for a server of https.
 *
 * @param url Where a request goes.
 * @returns The proxy; `undefined` when requests go there directly.
 * @throws {LadingError} (`UNSUPPORTED_PROXY`) when it is none that tunnels are asked of over http.
 */
export function httpsProxy(url: URL): URL | undefined {
  const read = (name: string): string | undefined =>
    readVariable(name) ?? readVariable(name.toUpperCase());
  // Deno has its requests follow this one too.
  const named = read("https_proxy") ?? (detectRuntime() === "deno" ? read("all_proxy") : undefined);
  if (named === undefined || isDirect(url, read("no_proxy") ?? "")) return undefined;
  const text = named.includes("://") ? named : `http://${named}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === "http:") return proxy;
  throw new LadingError(
    "UNSUPPORTED_PROXY",
    `Cannot reach ${url.host} with certificates of your own through the proxy ` +
      `${redactURL(text)}: it has to be one of http`,
  );
}

/** Tells whether `no_proxy` names a server: `*`, or hosts and domains, with or without a port. */
function isDirect({ hostname, port }: URL, list: string): boolean {
  if (LOOPBACK_REGEXP.test(hostname)) return true;
  return list.split(",").some((item) => {
    const [, name = "", onPort] = /^\s*(.*?)(?::(\d+))?\s*$/.exec(item.toLowerCase()) ?? [];
    if (name === "*") return true;
    if (name === "" || onPort !== undefined && onPort !== (port || "443")) return false;
    const domain = name.replace(/^\*?\./, "");
    return hostname === name || hostname === domain || hostname.endsWith(`.${domain}`);
  });
}
