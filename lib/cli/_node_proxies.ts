import process from "node:process";
import { detectRuntime } from "../runtime/detect.ts";
import {
  namedProxies,
  noteProxies,
  type Proxies,
  usesEnvironmentProxies,
} from "../runtime/environment_proxies.ts";
import { decodedUser } from "../runtime/proxy_user.ts";

/** What Node 24 has in `node:http`. */
interface ProxiedHttp {
  setGlobalProxyFromEnv?(env: Readonly<Record<string, string | undefined>>): () => void;
}

function proxiedHTTP(): ProxiedHttp {
  return process.getBuiltinModule?.("node:http") ?? {};
}

/** Says why the proxy that the environment names is not used; `undefined` when one is, or none named. */
export function whyProxyUnused(): string | undefined {
  const isNode = detectRuntime() === "node";
  if (!isNode || usesEnvironmentProxies("node") || !namesAny(namedProxies(true))) return undefined;
  return proxiedHTTP().setGlobalProxyFromEnv === undefined
    ? "this version of Node does not use the proxy that the environment names, Node 24 does"
    : "Node does not use the proxy that the environment names: it takes those of http and https";
}

/**
 * Has Node use the proxies that the environment names, as Deno and Bun do by themselves, and as
 * users of docker and skopeo expect. Node 20 cannot, and none can those of SOCKS. What goes to no
 * proxy is no matter of Node's: the transport sends it on its own.
 */
export function useProxies(): void {
  const isLeftToUs = ["", "1"].includes(process.env["NODE_USE_ENV_PROXY"] ?? "");
  if (detectRuntime() !== "node" || !isLeftToUs) return;
  const named = namedProxies(false);
  const both = namedProxies(true);
  const proxies = {
    http: named.http ?? ofHTTP(both.http),
    https: named.https ?? ofHTTP(both.https),
  };
  if (!namesAny(proxies)) return;
  try {
    const isDone = proxiedHTTP().setGlobalProxyFromEnv?.({
      http_proxy: sound(proxies.http),
      https_proxy: sound(proxies.https),
    });
    if (isDone !== undefined) noteProxies(proxies);
  } catch {
    // One of another kind: whoever cannot reach a registry is told.
  }
}

function namesAny({ http, https }: Proxies): boolean {
  return http !== undefined || https !== undefined;
}

/** One for all is often one of SOCKS, for other programs. */
function ofHTTP(proxy: string | undefined): string | undefined {
  return /^https?:/i.test(proxy ?? "") ? proxy : undefined;
}

/** Node refuses percent signs that escape nothing in names and passwords. */
function sound(proxy: string | undefined): string | undefined {
  if (proxy === undefined || !URL.canParse(proxy)) return proxy;
  const url = new URL(proxy);
  const { username, password } = decodedUser(url);
  url.username = encodeURIComponent(username);
  url.password = encodeURIComponent(password);
  return url.href;
}
