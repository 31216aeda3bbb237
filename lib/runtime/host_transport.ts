import type { Transport } from "../model/transport.ts";
import { detectRuntime } from "./detect.ts";

/** Switches that keep a runtime from decoding `Content-Encoding`: digests are over raw bytes. */
const RAW_BODY: Readonly<Record<string, object>> = {
  bun: { decompress: false },
  workerd: { encodeResponseBody: "manual" },
};

/**
 * Makes the transport of this runtime: its `fetch`, with redirects shown and bodies undecoded where
 * the runtime can do that.
 *
 * @returns The transport, with the traits of the runtime.
 */
export function hostTransport(): Transport {
  const runtime = detectRuntime();
  const init = RAW_BODY[runtime];
  const send = (request: Request): Promise<Response> => fetch(request, init);
  if (runtime !== "browser") return send;
  return Object.assign(send, { traits: { manualRedirect: false, streamingUpload: false } });
}
