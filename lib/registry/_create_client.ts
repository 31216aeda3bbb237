import { ANONYMOUS } from "../auth/credentials.ts";
import { systemClock } from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { fetchTransport } from "./fetch_transport.ts";
import type { Gate } from "./lanes.ts";
import type { RegistryOptions } from "./registry_options.ts";
import { Client } from "./request.ts";
import { retryPolicy } from "./retry.ts";
import { timeoutsOf } from "./timeouts.ts";
import { USER_AGENT } from "./user_agent.ts";

/** Makes the client of a registry: the options with nothing left out. */
export function createClient(endpoint: Endpoint, options: RegistryOptions, lanes: Gate): Client {
  return new Client({
    endpoint,
    transport: options.transport ?? fetchTransport,
    credentials: options.credentials ?? (() => Promise.resolve(ANONYMOUS)),
    tokens: options.tokens,
    allowedRealms: options.allowedRealms,
    headers: { "user-agent": options.userAgent ?? USER_AGENT, ...options.headers },
    policy: retryPolicy(options.retry),
    timeouts: timeoutsOf(options.timeouts),
    redirects: {
      endpoint,
      privateHosts: options.privateHosts ?? [],
      fixLocationScheme: options.fixLocationScheme ?? false,
    },
    lanes,
    clock: options.clock ?? systemClock,
    emit: (event) => options.onEvent?.(event),
  });
}
