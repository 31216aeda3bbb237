import type { Transport } from "../model/transport.ts";
import { fetchTransport } from "../registry/fetch_transport.ts";
import { detectRuntime } from "./detect.ts";
import { usesEnvironmentProxies } from "./environment_proxies.ts";
import { socketRequests } from "./_socket_requests.ts";

/**
 * Makes the transport of this runtime. On Node, Deno and Bun, requests go over sockets: that takes
 * less time than their `fetch`, sends a body with its length and no request a second time, and reads
 * at most 1 MiB ahead. They go through `fetch` elsewhere, where the environment names proxies (Deno
 * has to be allowed to read `HTTP_PROXY` and the like to know), and for bodies whose length is not
 * said. Certificates are those that the runtime trusts (`NODE_EXTRA_CA_CERTS`, `DENO_CERT`). Where a
 * dispatcher was set for `fetch`, give `fetch` as the transport.
 *
 * @returns The transport, with the traits of the runtime.
 */
export function hostTransport(): Transport {
  const runtime = detectRuntime();
  if (runtime === "browser") {
    const send = (request: Request): Promise<Response> => fetch(request);
    return Object.assign(send, { traits: { manualRedirect: false, streamingUpload: false } });
  }
  const hasSockets = runtime !== "workerd" && !usesEnvironmentProxies(runtime);
  const send = hasSockets ? socketRequests() : undefined;
  if (send === undefined) return fetchTransport;
  return (request) => {
    // Only fetch knows the length of a body that is in memory; in chunks, not every registry takes it.
    const isKnown = request.body === null || request.headers.has("content-length");
    return isKnown ? send(request) : fetchTransport(request);
  };
}
