import type { Transport } from "../model/transport.ts";
import { fetchTransport } from "../registry/fetch_transport.ts";
import { detectRuntime } from "./detect.ts";
import { nodeRequests } from "./_node_requests.ts";

interface NodeProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execArgv: readonly string[];
}

/**
 * Makes the transport of this runtime: its `fetch`, with redirects shown and bodies undecoded where
 * the runtime can do that. On Node, requests go over its sockets, which is faster;
 * not where Node takes the proxies of its environment. Where a dispatcher was set for `fetch`, give
 * `fetch` as the transport.
 *
 * @returns The transport, with the traits of the runtime.
 */
export function hostTransport(): Transport {
  const runtime = detectRuntime();
  if (runtime === "browser") {
    const send = (request: Request): Promise<Response> => fetch(request);
    return Object.assign(send, { traits: { manualRedirect: false, streamingUpload: false } });
  }
  const send = runtime === "node" && !usesProxies() ? nodeRequests() : undefined;
  if (send === undefined) return fetchTransport;
  return (request) => {
    // Only fetch knows the length of a body that is in memory; in chunks, not every registry takes it.
    const isKnown = request.body === null || request.headers.has("content-length");
    return isKnown ? send(request) : fetchTransport(request);
  };
}

/** Tells whether `fetch` goes through the proxies of the environment (Node 24 and later). */
function usesProxies(): boolean {
  const { process } = globalThis as { readonly process?: NodeProcess };
  if (process?.env["NODE_USE_ENV_PROXY"] === "1") return true;
  const options = [...process?.execArgv ?? [], ...(process?.env["NODE_OPTIONS"] ?? "").split(" ")];
  return options.includes("--use-env-proxy");
}
