import type { CredentialProvider } from "../auth/credentials.ts";
import type { TokenCache } from "../auth/token_cache.ts";
import type { Transport } from "../model/transport.ts";
import type { RegistryEvent } from "../registry/events.ts";
import type { RegistryOptions } from "../registry/registry_options.ts";
import { hostCredentials } from "./docker_credentials.ts";
import { hostTransport } from "./host_transport.ts";

/** How registries are reached; what is not given is that of this runtime. */
export interface HostRegistryOptions {
  /** Sends the requests; default the runtime's own way. */
  readonly transport?: Transport | undefined;
  /** Gives credentials; default the Docker configuration where there is a file system. */
  readonly credentials?: CredentialProvider | undefined;
  /** Keeps tokens; default each registry its own for itself. */
  readonly tokens?: TokenCache | undefined;
  /** Speaks http with every registry, or https with those on loopback too; default neither. */
  readonly plainHTTP?: boolean | undefined;
  /** Origins of token servers that are trusted even if they are private addresses or http. */
  readonly allowedRealms?: readonly string[] | undefined;
  /** Is told warnings, repetitions and fallbacks of registries. */
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
}

/** Makes the options of a client of a registry. */
export function registryOptions(options: HostRegistryOptions): RegistryOptions {
  return {
    transport: options.transport ?? hostTransport(),
    credentials: options.credentials ?? hostCredentials(),
    tokens: options.tokens,
    ...(options.plainHTTP === undefined ? {} : { plainHTTP: options.plainHTTP }),
    allowedRealms: options.allowedRealms,
    onEvent: options.onEvent,
  };
}
