import type { CallOptions } from "../model/content.ts";
import { encodeRegistryAuth, type EngineCredentials, findCredentials } from "./auth_header.ts";
import type { EngineClient } from "./engine_client.ts";

/** Whose credentials a request takes along. */
export interface RegistryAuth extends CallOptions {
  /** The registry, and the repository where the request is about one. */
  readonly at: { readonly registry: string; readonly repository?: string | undefined };
  /** Those of the call; they go before those of the machine. */
  readonly credentials: EngineCredentials | undefined;
}

/** Finds the credentials for a registry, and writes them as the header; none for anonymous ones. */
export async function registryAuth(
  { credentials: provider }: EngineClient,
  { at: { registry, repository }, credentials: given, signal }: RegistryAuth,
): Promise<Readonly<Record<string, string>>> {
  const found = await findCredentials({ given, provider, registry, repository, signal });
  if (found.kind === "anonymous") return {};
  return { "x-registry-auth": encodeRegistryAuth(found, registry) };
}
