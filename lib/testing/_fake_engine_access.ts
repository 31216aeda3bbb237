import { ANONYMOUS, type Credentials } from "../auth/credentials.ts";
import { hostOfKey, registryKey } from "../auth/registry_key.ts";
import { decodeBase64 } from "../model/base64.ts";
import {
  AuthenticationError,
  AuthorizationError,
  isLadingError,
  NotFoundError,
  RateLimitError,
  RegistryError,
} from "../model/errors.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import type { Reference } from "../model/reference.ts";
import type { Transport } from "../model/transport.ts";
import { Registry } from "../registry/registry.ts";
import type { Repository } from "../registry/repository.ts";
import { parseObject } from "./_fake_engine_query.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

/** What a request to a registry is made with. */
export interface Access {
  /** Leads to the registries; there are none without it. */
  readonly network: Transport | undefined;
  readonly credentials: Credentials;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Reads the header `X-Registry-Auth`. */
export function readCredentials(header: string | null): Credentials {
  return credentialsOf(readHeader(header));
}

/** Reads the header `X-Registry-Config`: what builds pull with from a registry. */
export function readBuildCredentials(header: string | null, registry: string): Credentials {
  const wanted = registryKey(registry);
  for (const [key, value] of Object.entries(readHeader(header))) {
    if (registryKey(hostOfKey(key)) === wanted && isJSONObject(value)) return credentialsOf(value);
  }
  return ANONYMOUS;
}

/** Reads an object of a header: what is no URL-safe, padded base64 is dropped in silence. */
function readHeader(header: string | null): JSONObject {
  try {
    if (header === null || /[+/]/.test(header) || header.length % 4 !== 0) return {};
    const base64 = header.replaceAll("-", "+").replaceAll("_", "/");
    return parseObject(new TextDecoder().decode(decodeBase64(base64)));
  } catch {
    return {};
  }
}

/** Reads credentials as Go does: whatever the case of the names. */
export function credentialsOf(object: JSONObject): Credentials {
  const fields = new Map(
    Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === "string" ? value : "";
  };
  if (text("registrytoken") !== "") return { kind: "registry-token", token: text("registrytoken") };
  if (text("identitytoken") !== "") return { kind: "identity-token", token: text("identitytoken") };
  const username = text("username");
  return username === "" ? ANONYMOUS : { kind: "basic", username, password: text("password") };
}

/** Opens a registry by way of the network that the engine has. */
export function openRegistry(host: string, { network, credentials }: Access): Registry {
  const transport: Transport = network ?? (() =>
    Promise.reject(
      new TypeError(`dial tcp: lookup ${host.replace(/:\d+$/, "")}: no such host`),
    ));
  return new Registry(host, {
    transport,
    credentials: () => Promise.resolve(credentials),
    retry: { retries: 0 },
  });
}

/** Opens a repository, once its registry has answered. */
export async function openRepository(reference: Reference, access: Access): Promise<Repository> {
  const registry = openRegistry(reference.registry, access);
  await orRefused(registry.name, access, () => registry.ping({ signal: access.signal }));
  return registry.repository(reference.repository);
}

/** What an engine says when a registry fails it. */
export function registryRefusal(error: unknown, what: string, { credentials }: Access): unknown {
  if (error instanceof NotFoundError) {
    const said = error.cause instanceof RegistryError ? error.cause.diagnostics[0] : undefined;
    return new Refusal(
      404,
      `${what} not found: manifest unknown: ${said?.message || "manifest unknown"}`,
    );
  }
  if (!isLadingError(error)) return error;
  const url = error instanceof RegistryError ? error.url : "";
  const diagnostics = error instanceof RegistryError ? error.diagnostics : [];
  const detail = diagnostics[0]?.message ?? error.message;
  if (error instanceof AuthenticationError) {
    const isAnonymous = credentials.kind === "anonymous";
    const words = isAnonymous ? "no basic auth credentials" : `unauthorized: ${detail}`;
    return new Refusal(500, `Get "${url}": ${words}`);
  }
  if (error instanceof AuthorizationError) return new Refusal(500, `denied: ${detail}`);
  if (error instanceof RateLimitError) return new Refusal(500, `toomanyrequests: ${detail}`);
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return new Refusal(500, url === "" ? cause : `Get "${url}": ${cause}`);
}

export async function orRefused<Result>(
  what: string,
  access: Access,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    access.signal.throwIfAborted();
    throw registryRefusal(error, what, access);
  }
}
