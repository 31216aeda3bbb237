import { withSignal } from "../bytes/signal.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { Transport } from "../model/transport.ts";
import { registryHandler, type RegistryHandlerOptions } from "../server/handler.ts";
import { type MemoryStore, memoryStore } from "../store/memory_store.ts";

/** Options of {@linkcode memoryRegistry}. */
export interface MemoryRegistryOptions extends RegistryHandlerOptions {
  /** The host, with its port if it has one; `registry.test` by default. */
  readonly host?: string | undefined;
  /** What the registry is made of; an empty memory store by default. */
  readonly store?: MemoryStore | undefined;
}

/** A request that a memory registry has answered. */
export interface MemoryRegistryRequest {
  /** The method. */
  readonly method: string;
  /** Path and query: `/v2/demo/tags/list?n=2`. */
  readonly path: string;
  /** The status of the answer. */
  readonly status: number;
}

/** A registry without a socket. */
export interface MemoryRegistry {
  /** The host that references have to name: `registry.test`. */
  readonly host: string;
  /** What the registry holds; it can be looked into and changed under way. */
  readonly store: MemoryStore;
  /** Sends requests to the registry, as `fetch` would over a network. */
  readonly transport: Transport;
  /** The requests so far, in the order of their answers. */
  readonly requests: readonly MemoryRegistryRequest[];
}

/**
 * Makes a registry for tests: the whole distribution-spec (`registryHandler()`) over a memory
 * store, and a transport that leads to it. The transport is like `fetch`: it rejects for any other
 * host, and an aborted signal rejects the request, or errors the body of its answer.
 *
 * @param options The host, the store, and what the registry allows.
 * @returns The registry.
 *
 * @example Push to a registry that is nowhere
 * ```ts
 * import { memoryRegistry } from "@lading/lading/testing";
 *
 * const { transport, requests } = memoryRegistry();
 * const answer = await transport(new Request("https://registry.test/v2/"));
 * console.log(answer.status, requests[0]?.path); // 200 /v2/
 * ```
 */
export function memoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  const { host = "registry.test", store = memoryStore(), ...rest } = options;
  const handler = registryHandler(store, rest);
  const requests: MemoryRegistryRequest[] = [];
  const transport: Transport = async (request) => {
    const url = new URL(request.url);
    if (url.host !== host) {
      throw new TypeError(`Cannot fetch from ${url.host}: there is only ${host}`);
    }
    const { signal } = request;
    signal.throwIfAborted();
    waiting.add(request);
    const response = await orAborted(handler(request), signal).finally(() =>
      waiting.delete(request)
    );
    requests.push({
      method: request.method,
      path: url.pathname + url.search,
      status: response.status,
    });
    if (response.body === null) return response;
    const body = withSignal(response.body as ByteStream, signal);
    answered.set(body, request);
    return new Response(body, response);
  };
  return { host, store, transport, requests };
}

// Node forgets to tell a request's signal of an abort once the Request itself is collected, so
// requests are kept as long as somebody waits for their answer or holds its body.
const waiting = new Set<Request>();
const answered = new WeakMap<ByteStream, Request>();

/** Waits for an answer, or rejects when the signal aborts; then the late answer is given up. */
async function orAborted(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const listener = () => reject(signal.reason);
    signal.addEventListener("abort", listener, { once: true });
    stop = () => signal.removeEventListener("abort", listener);
  });
  try {
    return await Promise.race([answer, aborted]);
  } catch (error) {
    answer.then((response) => response.body?.cancel()).catch(() => {});
    throw error;
  } finally {
    stop();
  }
}
