import type { CredentialProvider, Credentials } from "../auth/credentials.ts";
import { serverAddress } from "../auth/registry_key.ts";
import { encodeBase64 } from "../model/base64.ts";

/** Credentials for one call: themselves, or what finds them. */
export type EngineCredentials = Credentials | CredentialProvider;

/** What engines know of credentials (moby, api/types/registry). */
function authConfig(credentials: Credentials, registry: string): Record<string, string> {
  const serveraddress = serverAddress(registry);
  switch (credentials.kind) {
    case "anonymous":
      return {};
    case "basic": {
      const { username, password } = credentials;
      return { username, password, serveraddress };
    }
    case "identity-token":
      return { identitytoken: credentials.token, serveraddress };
    case "registry-token":
      return { registrytoken: credentials.token, serveraddress };
  }
}

/** Base64 in the URL-safe alphabet, padded: engines drop every other spelling without a word. */
function encodeHeader(value: unknown): string {
  const base64 = encodeBase64(new TextEncoder().encode(JSON.stringify(value)));
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * Writes credentials for the header `X-Registry-Auth`.
 *
 * @param credentials The credentials.
 * @param registry The registry that they are for.
 * @returns The header; `e30=`, an empty object, for anonymous ones.
 */
export function encodeRegistryAuth(credentials: Credentials, registry: string): string {
  return encodeHeader(authConfig(credentials, registry));
}

/**
 * Writes credentials for the header `X-Registry-Config`, which builds read.
 *
 * @param credentials Credentials by the registries that they are for.
 * @returns The header; `undefined` when there are none but anonymous ones.
 */
export function encodeRegistryConfig(
  credentials: ReadonlyMap<string, Credentials>,
): string | undefined {
  const entries = [...credentials].filter(([, { kind }]) => kind !== "anonymous")
    .map(([registry, found]) => [serverAddress(registry), authConfig(found, registry)] as const);
  return entries.length === 0 ? undefined : encodeHeader(Object.fromEntries(entries));
}

/** For what credentials are looked for. */
export interface CredentialSearch {
  /** Those of the call; they go first. */
  readonly given: EngineCredentials | undefined;
  /** Finds those of the machine. */
  readonly provider: CredentialProvider;
  readonly registry: string;
  readonly repository?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Finds the credentials for a call. */
export async function findCredentials(search: CredentialSearch): Promise<Credentials> {
  const { given, provider, registry, repository, signal } = search;
  if (given !== undefined && typeof given !== "function") return given;
  return await (given ?? provider)({ registry, repository, signal });
}
