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

/** Tells whether the environment names a proxy that is not used. */
export function isProxyUnused(): boolean {
  return detectRuntime() === "node" && (process.env[TOLD] ?? "") === "" && namesProxy(process.env);
}

/**
 * Has Node use the proxies that the environment names, as Deno and Bun do by themselves, and as
 * users of docker and skopeo expect. Node 20 cannot.
 */
export function useProxies(): void {
  if (!isProxyUnused()) return;
  const http = process.getBuiltinModule?.("node:http") as ProxiedHttp | undefined;
  if (http?.setGlobalProxyFromEnv === undefined) return;
  const { no_proxy, NO_PROXY, ...env } = process.env;
  const direct = no_proxy ?? NO_PROXY ?? "";
  http.setGlobalProxyFromEnv({
    ...env,
    no_proxy: direct === "" ? LOOPBACK : `${direct},${LOOPBACK}`,
  });
  process.env[TOLD] = "1";
}
