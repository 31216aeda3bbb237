import process from "node:process";
import { namesProxy } from "../runtime/environment_proxies.ts";
import { detectRuntime } from "../runtime/detect.ts";

/** What Node 24 has in `node:http`. */
interface ProxiedHttp {
  setGlobalProxyFromEnv?(env: Readonly<Record<string, string | undefined>>): () => void;
}

/** Tells Node to do what it leaves to its users. */
const TOLD = "NODE_USE_ENV_PROXY";

/** What no program sends to a proxy: the same as in Go's ProxyFromEnvironment. */
const LOOPBACK = "localhost,127.0.0.1,[::1]";

function proxiedHTTP(): ProxiedHttp {
  return process.getBuiltinModule?.("node:http") ?? {};
}

/** Tells whether the environment names a proxy that is not used. */
function isProxyUnused(): boolean {
  return detectRuntime() === "node" && (process.env[TOLD] ?? "") === "" && namesProxy(process.env);
}

/** Says why the proxy that the environment names is not used; `undefined` when one is, or none named. */
export function whyProxyUnused(): string | undefined {
  if (!isProxyUnused()) return undefined;
  return proxiedHTTP().setGlobalProxyFromEnv === undefined
    ? "this version of Node does not use the proxy that the environment names, Node 24 does"
    : "Node does not use the proxy that the environment names: it takes those of http and https";
}

/**
 * Has Node use the proxies that the environment names, as Deno and Bun do by themselves, and as
 * users of docker and skopeo expect. Node 20 cannot, and none can those of SOCKS.
 */
export function useProxies(): void {
  if (!isProxyUnused()) return;
  const direct = process.env["no_proxy"] ?? process.env["NO_PROXY"] ?? "";
  try {
    const isDone = proxiedHTTP().setGlobalProxyFromEnv?.({
      http_proxy: proxyNamed("http_proxy"),
      https_proxy: proxyNamed("https_proxy"),
      no_proxy: direct === "" ? LOOPBACK : `${direct},${LOOPBACK}`,
    });
    if (isDone !== undefined) process.env[TOLD] = "1";
  } catch {
    // One of another kind: whoever cannot reach a registry is told.
  }
}

/** A proxy may be named without a scheme, as curl and Go take it. */
function proxyNamed(variable: string): string | undefined {
  const proxy = process.env[variable] ?? process.env[variable.toUpperCase()] ?? "";
  return proxy === "" || proxy.includes("://") ? proxy : `http://${proxy}`;
}
