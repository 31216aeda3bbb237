import type { Transport } from "../model/transport.ts";
import { registryHandler, type RegistryHandlerOptions } from "../server/handler.ts";
import { type MemoryStore, memoryStore } from "../store/memory_store.ts";
import { answerAsFetch } from "./_answer_as_fetch.ts";

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
    const response = await answerAsFetch(request, handler);
    requests.push({
      method: request.method,
      path: url.pathname + url.search,
      status: response.status,
    });
    return response;
  };
  return { host, store, transport, requests };
}
