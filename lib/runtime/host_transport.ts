import type { Transport } from "../model/transport.ts";
import { detectRuntime } from "./detect.ts";
import { nodeDownload } from "./_node_download.ts";

/** Switches that keep a runtime from decoding `Content-Encoding`: digests are over raw bytes. */
const RAW_BODY: Readonly<Record<string, object>> = {
  bun: { decompress: false },
  workerd: { encodeResponseBody: "manual" },
};

/**
 * Makes the transport of this runtime: its `fetch`, with redirects shown and bodies undecoded where
 * the runtime can do that. On Node, requests without a body go over `node:http`, which is faster.
 *
 * @returns The transport, with the traits of the runtime.
 */
export function hostTransport(): Transport {
  const runtime = detectRuntime();
  const init = RAW_BODY[runtime];
  const send = (request: Request): Promise<Response> => fetch(request, init);
  if (runtime === "browser") {
    return Object.assign(send, { traits: { manualRedirect: false, streamingUpload: false } });
  }
  const download = runtime === "node" ? nodeDownload() : undefined;
  if (download === undefined) return send;
  return (request) => {
    const isDownload = request.method === "GET" || request.method === "HEAD";
    return isDownload ? download(request) : send(request);
  };
}
