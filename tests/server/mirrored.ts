import type { Transport } from "../../lib/model/transport.ts";
import { Registry } from "../../lib/registry/registry.ts";
import {
  type ProxyEvent,
  proxyHandler,
  type ProxyHandlerOptions,
  registryHandler,
  type RegistryTarget,
  type Upstream,
} from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { type FaultRule, faultyTransport } from "../../lib/testing/faulty_transport.ts";

/** A registry, a mirror of it, and what the mirror asked of the one and told of itself. */
export interface Mirrored {
  /** The registry, as those who push to it see it. */
  readonly origin: Transport;
  readonly mirror: Transport;
  readonly cache: RegistryTarget;
  /** What goes wrong between the mirror and the registry; it can be changed under way. */
  readonly rules: FaultRule[];
  readonly registry: Registry;
  readonly errors: unknown[];
  readonly events: ProxyEvent[];
  /** The requests since the last call. */
  asked(): string[];
  /** Waits for what goes on after the answers. */
  settled(): Promise<void>;
  /** Another mirror of the same registry over the same cache, which knows nothing yet. */
  again(options?: ProxyHandlerOptions): Transport;
}

export interface MirroredOptions {
  readonly cache?: RegistryTarget;
  readonly upstream?: (registry: Registry) => Upstream;
  readonly proxy?: ProxyHandlerOptions;
}

export function mirrored(options: MirroredOptions = {}): Mirrored {
  const { cache = memoryStore() } = options;
  const origin = registryHandler(memoryStore());
  const rules: FaultRule[] = [];
  const errors: unknown[] = [];
  const events: ProxyEvent[] = [];
  const works: Promise<unknown>[] = [];
  const transport = faultyTransport(origin, rules);
  const registry = new Registry("upstream.test", { transport, retry: { retries: 0 } });
  const upstream = options.upstream?.(registry) ?? ((name: string) => registry.repository(name));
  const again = (more: ProxyHandlerOptions = {}) =>
    proxyHandler(upstream, cache, {
      waitUntil: (work) => works.push(work),
      onEvent: (event) => events.push(event),
      onError: (error) => errors.push(error),
      ...options.proxy,
      ...more,
    });
  let seen = 0;
  return {
    origin,
    mirror: again(),
    cache,
    rules,
    registry,
    errors,
    events,
    again,
    asked() {
      const asked = transport.exchanges.slice(seen).map(({ method, url, headers }) => {
        const { pathname, search } = new URL(url);
        const range = headers.get("range");
        const part = range === null ? "" : ` ${range}`;
        return `${method} ${pathname.replace("/v2/", "")}${search}${part}`;
      });
      seen = transport.exchanges.length;
      return asked;
    },
    async settled() {
      while (works.length > 0) await works.shift();
    },
  };
}

/** What a mirror cannot reach. */
export const DOWN: FaultRule = { fault: { kind: "refuse" } };
