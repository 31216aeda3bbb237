import { concatBytes } from "../bytes/concat.ts";
import { StreamCursor } from "../bytes/stream_cursor.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { Transport } from "../model/transport.ts";
import { fetchTransport } from "../registry/fetch_transport.ts";
import { detectRuntime } from "./detect.ts";
import { goesDirectly, usesEnvironmentProxies } from "./environment_proxies.ts";
import { socketRequests } from "./_socket_requests.ts";

/** The most bytes of a body that are read to find its length. */
const SHORT_BODY_BYTES = 64 * 1024;

/**
 * Makes the transport of this runtime. On Node, Deno and Bun, requests go over sockets: that takes
 * less time than their `fetch`, sends a body with its length and no request a second time, and reads
 * at most 1 MiB ahead. They go through `fetch` elsewhere, where the environment names proxies (Deno
 * has to be allowed to read `HTTP_PROXY` and the like to know), and for bodies whose length is not
 * said. To what `NO_PROXY` names, by the rules of Go, and to loopback they go directly. Certificates
 * are those that the runtime trusts (`NODE_EXTRA_CA_CERTS`, `DENO_CERT`). Where a dispatcher was set
 * for `fetch`, give `fetch` as the transport.
 *
 * @returns The transport, with the traits of the runtime.
 */
export function hostTransport(): Transport {
  const runtime = detectRuntime();
  if (runtime === "browser") {
    const send = (request: Request): Promise<Response> => fetch(request);
    return Object.assign(send, { traits: { manualRedirect: false, streamingUpload: false } });
  }
  const send = runtime === "workerd" ? undefined : socketRequests();
  if (send === undefined) return fetchTransport;
  const isProxied = usesEnvironmentProxies(runtime);
  return async (request) => {
    if (isProxied && !goesDirectly(new URL(request.url))) return await fetchTransport(request);
    // Only fetch knows the length of a body that is in memory; in chunks, not every registry takes it.
    const isKnown = request.body === null || request.headers.has("content-length");
    if (isKnown) return await send(request);
    return isProxied ? await send(await withLength(request)) : await fetchTransport(request);
  };
}

/** Reads a body to its end when it is short, such as a form, and says its length. */
async function withLength(request: Request): Promise<Request> {
  const { method, headers, signal, redirect } = request;
  const cursor = new StreamCursor(request.body as ByteStream);
  const chunks: Bytes[] = [];
  let length = 0;
  let isWhole = false;
  while (!isWhole && length < SHORT_BODY_BYTES) {
    const chunk = await cursor.next(Infinity);
    isWhole = chunk === undefined;
    if (chunk !== undefined) chunks.push(chunk);
    length += chunk?.byteLength ?? 0;
  }
  const head = concatBytes(chunks);
  const init = { method, headers, signal, redirect };
  if (!isWhole) {
    const rest = { body: cursor.rest(head), duplex: "half" };
    return new Request(request.url, { ...init, ...rest });
  }
  const said = new Headers(headers);
  said.set("content-length", String(length));
  return new Request(request.url, { ...init, headers: said, body: head });
}
