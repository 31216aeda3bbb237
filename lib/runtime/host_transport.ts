import type { Transport } from "../model/transport.ts";
import { fetchTransport } from "../registry/fetch_transport.ts";
import { detectRuntime } from "./detect.ts";
import { nodeDownload } from "./_node_download.ts";

/**
 * Makes the transport of this runtime: its `fetch`, with redirects shown and bodies undecoded where
 * the runtime can do that. On Node, requests without a body go over `node:http`, which is faster;
 * where a dispatcher was set for `fetch`, give `fetch` as the transport instead.
 *
 * @returns The transport, with the traits of the runtime.
 */
export function hostTransport(): Transport {
  const runtime = detectRuntime();
  if (runtime === "browser") {
    const send = (request: Request): Promise<Response> => fetch(request);
    return Object.assign(send, { traits: { manualRedirect: false, streamingUpload: false } });
  }
  const download = runtime === "node" ? nodeDownload() : undefined;
  if (download === undefined) return fetchTransport;
  return (request) => {
    const isDownload = request.method === "GET" || request.method === "HEAD";
    return isDownload ? download(request) : fetchTransport(request);
  };
}
