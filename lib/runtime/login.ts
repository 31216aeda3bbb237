import { basicAuthorization, isHeaderToken } from "../auth/authorization.ts";
import type { Credentials, StorableCredentials } from "../auth/credentials.ts";
import {
  type CredentialPlace,
  type DockerConfigFile,
  eraseCredentials,
  storeCredentials,
} from "../auth/docker_config_store.ts";
import type { HelperRunner } from "../auth/helper.ts";
import { hostOfKey, registryKey } from "../auth/registry_key.ts";
import { TokenCache } from "../auth/token_cache.ts";
import type { CallOptions } from "../model/content.ts";
import { AuthenticationError, AuthorizationError } from "../model/errors.ts";
import { DEFAULT_REGISTRY } from "../model/reference.ts";
import { Registry } from "../registry/registry.ts";
import type { RegistryOptions } from "../registry/registry_options.ts";
import { helperRunner } from "./_helper_process.ts";
import { dockerConfigFile } from "./docker_config_file.ts";
import { hostTransport } from "./host_transport.ts";

/** Where credentials are kept. */
export interface CredentialFileOptions extends CallOptions {
  /**
   * The Docker configuration, as a path or as something that can be changed; default where
   * `hostCredentials()` looks first: `REGISTRY_AUTH_FILE`, else `config.json` in `DOCKER_CONFIG`, else
   * in `~/.docker`.
   */
  readonly config?: string | DockerConfigFile | undefined;
  /** Runs the credential helpers that the configuration names; default the programs in `PATH`. */
  readonly helper?: HelperRunner | undefined;
}

/** Who logs in. */
export type LoginIdentity =
  | {
    /** The user name. */
    readonly username: string;
    /** The password, or a token that is used like one. */
    readonly password: string;
    readonly identityToken?: undefined;
  }
  | {
    /** The user name, where it is to be written down too. */
    readonly username?: string | undefined;
    /** An identity token (OAuth2 refresh token). */
    readonly identityToken: string;
    readonly password?: undefined;
  };

/** Options of {@linkcode login}: who, where to, and how to reach the registry. */
export type LoginOptions =
  & LoginIdentity
  & CredentialFileOptions
  & Omit<RegistryOptions, "credentials" | "tokens">;

/** What a login did. */
export interface LoginResult {
  /** The registry: `docker.io`, `ghcr.io`. */
  readonly registry: string;
  /** Where the credentials are kept now. */
  readonly place: CredentialPlace;
  /**
   * What is kept: an identity token is kept instead of the password where the token server gives one.
   */
  readonly kind: StorableCredentials["kind"];
  /** `false` when the registry let everybody in, so that nobody knows whether they are good. */
  readonly isProven: boolean;
}

/** What a logout did. */
export interface LogoutResult {
  /** The registry: `docker.io`, `ghcr.io`. */
  readonly registry: string;
  /** Where there were credentials; empty when there were none. */
  readonly places: readonly CredentialPlace[];
}

/** Takes `https://ghcr.io/` for `ghcr.io`, and any name of Docker Hub for `docker.io`. */
function registryOf(text: string): string {
  const host = hostOfKey(text.trim());
  return registryKey(host) === DEFAULT_REGISTRY ? DEFAULT_REGISTRY : host;
}

function configOf({ config }: CredentialFileOptions): DockerConfigFile {
  return config === undefined || typeof config === "string" ? dockerConfigFile(config) : config;
}

/** Refuses what no registry can be sent, before anybody is asked. */
function credentialsOf({ username = "", password, identityToken }: LoginIdentity): Credentials {
  if (identityToken !== undefined) {
    if (isHeaderToken(identityToken)) return { kind: "identity-token", token: identityToken };
    throw new TypeError("Cannot log in: the identity token is no printable ASCII without blanks");
  }
  if (username === "" || password === "") {
    throw new TypeError("Cannot log in: a user name and a password are needed");
  }
  const credentials = { kind: "basic", username, password } as const;
  basicAuthorization(credentials);
  return credentials;
}

/**
 * Logs in to a registry: proves the credentials to it, and keeps them where `docker login` would: in
 * the Docker configuration, or with the credential helper that it names. Credentials that the
 * registry refuses are not kept, and change nothing that was kept before. Where the token server
 * gives an identity token for the password, that is kept instead.
 *
 * @param registry The registry, such as `ghcr.io`; every name of Docker Hub stands for all of them.
 * @param options Who logs in, where the credentials go, and how to reach the registry.
 * @returns Where they are kept now.
 * @throws {AuthenticationError} when the registry refuses the credentials.
 * @throws {RegistryError} when it does not answer, or not like a registry.
 * @throws {InvalidReferenceError} when the text is no host.
 * @throws {InvalidConfigError} when the configuration cannot be read, or its helper not be used.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper fails.
 * @throws {FileSystemError} when the configuration cannot be written; it is as it was then.
 * @throws {TypeError} when the user name or the password is empty or cannot be sent.
 *
 * @example Log in, and keep the credentials in memory
 * ```ts
 * import { dockerConfigFile, login } from "@lading/lading/node"; // or /deno, /bun
 * import { registryHandler } from "@lading/lading/server";
 * import { memoryFileSystem, memoryStore } from "@lading/lading/store";
 *
 * const result = await login("r.example", {
 *   username: "acme",
 *   password: "hunter2",
 *   config: dockerConfigFile("/config.json", memoryFileSystem()),
 *   transport: registryHandler(memoryStore()),
 * });
 * console.log(result.place.name, result.isProven); // /config.json false
 * ```
 */
export async function login(registry: string, options: LoginOptions): Promise<LoginResult> {
  const { signal } = options;
  const name = registryOf(registry);
  const credentials = credentialsOf(options);
  const file = configOf(options);
  let identityToken: string | undefined = options.identityToken;
  let isProven = false;
  const tokens = new TokenCache({
    onIdentityToken: (token) => {
      identityToken = token;
    },
  });
  const asked = new Registry(name, {
    ...registryOptionsOf(options),
    credentials: () => {
      isProven = true;
      return Promise.resolve(credentials);
    },
    tokens,
  });
  await prove(asked, signal);
  const { username = "", password = "" } = options;
  const kept: StorableCredentials = identityToken === undefined
    ? { kind: "basic", username, password }
    : { kind: "identity-token", username, token: identityToken };
  const helper = options.helper ?? helperRunner();
  const place = await storeCredentials(file, name, kept, { helper, signal });
  return { registry: name, place, kind: kept.kind, isProven };
}

async function prove(registry: Registry, signal: AbortSignal | undefined): Promise<void> {
  try {
    await registry.authenticate({ signal });
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error;
    // GHCR answers 403 to wrong credentials; nothing was asked for that others might be allowed.
    const { message, status, method, url, diagnostics } = error;
    throw new AuthenticationError(`${message}; check the user name and password`, {
      ...{ status, method, url, diagnostics },
      cause: error,
    });
  }
}

/** The options that are the registry's own: nobody else is given the password. */
function registryOptionsOf(options: LoginOptions): RegistryOptions {
  const { username: _u, password: _p, identityToken: _i, config: _c, helper: _h, ...rest } =
    options;
  return { ...rest, transport: options.transport ?? hostTransport() };
}

/**
 * Logs out of a registry: its credentials are taken out of the Docker configuration and of the
 * credential helper that it names. The registry is not asked, and tokens that it gave stay good until
 * they expire.
 *
 * @param registry The registry, such as `ghcr.io`; every name of Docker Hub stands for all of them.
 * @param options Where the credentials are.
 * @returns Where there were some.
 * @throws {InvalidReferenceError} when the text is no host.
 * @throws {InvalidConfigError} when the configuration cannot be read, or its helper not be used.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper fails.
 * @throws {FileSystemError} when the configuration cannot be written; it is as it was then.
 */
export async function logout(
  registry: string,
  options: CredentialFileOptions = {},
): Promise<LogoutResult> {
  const { name } = new Registry(registryOf(registry));
  const helper = options.helper ?? helperRunner();
  const places = await eraseCredentials(configOf(options), name, {
    helper,
    signal: options.signal,
  });
  return { registry: name, places };
}
