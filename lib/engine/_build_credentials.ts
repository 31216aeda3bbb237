import type { Credentials } from "../auth/credentials.ts";
import { hostOfKey, registryKey } from "../auth/registry_key.ts";
import type { Bytes } from "../model/bytes.ts";
import { reasonOf, redactError } from "../model/redact.ts";
import { encodeRegistryConfig, type EngineCredentials, findCredentials } from "./auth_header.ts";
import { registriesOf } from "./_build_registries.ts";
import type { BuildEvent } from "./build_events.ts";
import type { BuildOptions } from "./build_options.ts";
import type { EngineClient } from "./engine_client.ts";

/** What tells which credentials a build needs. */
export interface BuildCredentials {
  readonly options: BuildOptions;
  /** The Dockerfile, where it is known. */
  readonly content: Bytes | undefined;
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly signal: AbortSignal;
  emit(event: BuildEvent): void;
}

/**
 * Writes the credentials that a build needs as the header `X-Registry-Config`. Each registry is asked
 * for once, all at the same time; one that fails is told, and is no reason not to build.
 *
 * @returns The header; `undefined` when there are no credentials.
 */
export async function registryConfig(
  client: EngineClient,
  { options, content, buildArgs, signal, emit }: BuildCredentials,
): Promise<string | undefined> {
  const { credentials: given = {}, registries } = options;
  const wanted = new Map<string, EngineCredentials | undefined>();
  const named = registries ?? (content === undefined ? [] : registriesOf(content, buildArgs));
  for (const registry of named) wanted.set(nameOf(registry), undefined);
  for (const [key, own] of Object.entries(given)) wanted.set(nameOf(key), own);
  const found = await Promise.all([...wanted].map(async ([registry, own]) => {
    try {
      const { credentials: provider } = client;
      const credentials = await findCredentials({ given: own, provider, registry, signal });
      return [registry, credentials] as const;
    } catch (error) {
      signal.throwIfAborted();
      const why = reasonOf(redactError(error));
      emit({ type: "status", text: `There are no credentials for ${registry}: ${why}` });
      return [registry, { kind: "anonymous" } as Credentials] as const;
    }
  }));
  return encodeRegistryConfig(new Map(found));
}

/** One name for all of Docker Hub's; the others as they are in names of images. */
function nameOf(key: string): string {
  const host = hostOfKey(key);
  return registryKey(host) === "docker.io" ? "docker.io" : host;
}
