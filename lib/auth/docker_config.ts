import { decodeBase64 } from "../model/base64.ts";
import { InvalidConfigError } from "../model/errors.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import { ANONYMOUS, type CredentialProvider, type Credentials } from "./credentials.ts";
import { askHelper, type HelperRunner } from "./helper.ts";
import { hostOfKey, pathOfKey, registryKey } from "./registry_key.ts";

/** The credentials of one entry of `auths`. */
export interface DockerAuthEntry {
  /** The user name. */
  readonly username?: string | undefined;
  /** The password. */
  readonly password?: string | undefined;
  /** A refresh token, written by `docker login` at servers that give one. */
  readonly identityToken?: string | undefined;
  /** A bearer token that goes to the registry as it is. */
  readonly registryToken?: string | undefined;
}

/** A configuration file of Docker (`config.json`) or of containers/image (`auth.json`). */
export interface DockerConfig {
  /** The entries by their keys as they are in the file, not yet checked. */
  readonly auths: ReadonlyMap<string, unknown>;
  /** Helpers by the keys of registries. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** The helper of all other registries. */
  readonly credsStore?: string | undefined;
  /** The name of the file, for messages. */
  readonly name: string;
}

/** A file with a thousand logins stays below a megabyte. */
export const MAX_CONFIG_LENGTH: number = 4 * 1024 * 1024;

function invalid(name: string, reason: string): InvalidConfigError {
  // The input is left out: it holds passwords.
  return new InvalidConfigError(`Cannot read ${name}: ${reason}`, { input: "" });
}

function mapOf(fields: JSONObject, field: string, name: string): Map<string, unknown> {
  const value = fields[field];
  if (value === undefined || value === null) return new Map();
  if (!isJSONObject(value)) throw invalid(name, `"${field}" is no object`);
  return new Map(Object.entries(value));
}

/**
 * Parses a configuration file of Docker or containers/image. Unknown fields pass; entries of `auths`
 * are checked when they are used, so that a broken one harms no other registry. An empty file is an
 * empty configuration.
 *
 * @param text The text of the file.
 * @param name Its name, for messages.
 * @returns The configuration.
 * @throws {InvalidConfigError} when the text is no JSON object or a field has another type. Neither
 * the message nor `input` holds any of the text.
 */
export function parseDockerConfig(text: string, name = "the Docker configuration"): DockerConfig {
  if (text.length > MAX_CONFIG_LENGTH) throw invalid(name, "it is longer than 4 MiB");
  let fields: unknown = {};
  try {
    // Editors on Windows leave a byte order mark; JSON.parse would stumble over it.
    const json = text.replace(/^\ufeff/, "");
    if (json.trim() !== "") fields = JSON.parse(json);
  } catch {
    throw invalid(name, "it is no JSON");
  }
  if (!isJSONObject(fields)) throw invalid(name, "it is no JSON object");
  const credHelpers = new Map<string, string>();
  for (const [key, helper] of mapOf(fields, "credHelpers", name)) {
    if (typeof helper !== "string") throw invalid(name, `"credHelpers" holds something else`);
    credHelpers.set(key, helper);
  }
  const credsStore = fields["credsStore"] ?? undefined;
  if (credsStore !== undefined && typeof credsStore !== "string") {
    throw invalid(name, `"credsStore" is no text`);
  }
  return { auths: mapOf(fields, "auths", name), credHelpers, credsStore, name };
}

/** Reads `auth`: base64 of `user:password`; the password may hold colons. */
function decodeAuth(auth: string): { username: string; password: string } | undefined {
  try {
    const padded = auth.padEnd(Math.ceil(auth.length / 4) * 4, "=");
    const pair = new TextDecoder("utf-8", { fatal: true }).decode(decodeBase64(padded));
    const colon = pair.indexOf(":");
    if (colon < 0) return undefined;
    // Old versions of Docker wrote NUL bytes behind the password.
    return { username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, "") };
  } catch {
    return undefined;
  }
}

function parseEntry(entry: unknown, key: string, name: string): DockerAuthEntry {
  const where = `the entry of ${JSON.stringify(key.slice(0, 256))}`;
  if (!isJSONObject(entry)) throw invalid(name, `${where} is no object`);
  const text = (field: string): string | undefined => {
    const value = entry[field];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") throw invalid(name, `"${field}" in ${where} is no text`);
    return value;
  };
  const auth = text("auth");
  const pair = auth === undefined
    ? { username: text("username"), password: text("password") }
    : decodeAuth(auth);
  if (pair === undefined) {
    throw invalid(name, `"auth" in ${where} is no base64 of a user name, a colon and a password`);
  }
  return { ...pair, identityToken: text("identitytoken"), registryToken: text("registrytoken") };
}

/** Keys that fit a registry and a repository, the best first. */
function matchingKeys(
  keys: Iterable<string>,
  registry: string,
  repository: string | undefined,
): string[] {
  const wanted = registryKey(registry);
  const matches = [...keys].filter((key) => {
    if (key === registry) return true;
    if (registryKey(hostOfKey(key)) !== wanted) return false;
    const path = pathOfKey(key);
    return path === "" || repository === path || repository?.startsWith(`${path}/`) === true;
  });
  const rank = (key: string): number => key === registry ? 0.5 : pathOfKey(key).length;
  return matches.sort((a, b) => rank(b) - rank(a));
}

function isEmpty(entry: DockerAuthEntry): boolean {
  return !entry.username && !entry.password && !entry.identityToken && !entry.registryToken;
}

/**
 * Finds the entry of `auths` for a registry. Keys are compared by their hosts; the names of Docker
 * Hub are one; the key with the longest path that leads to the repository wins. An empty entry, as
 * Docker writes it beside a helper, counts as none.
 *
 * @param config The configuration.
 * @param registry The registry, host and port; or a key exactly as it stands in the file.
 * @param repository The repository, for keys with a path.
 * @returns The entry, or `undefined`.
 * @throws {InvalidConfigError} when an entry that fits cannot be read.
 */
export function findAuthEntry(
  config: DockerConfig,
  registry: string,
  repository?: string,
): DockerAuthEntry | undefined {
  for (const key of matchingKeys(config.auths.keys(), registry, repository)) {
    const entry = parseEntry(config.auths.get(key), key, config.name);
    if (!isEmpty(entry)) return entry;
  }
  return undefined;
}

function credentialsOf(entry: DockerAuthEntry): Credentials {
  const { username = "", password = "", identityToken, registryToken } = entry;
  if (registryToken !== undefined) return { kind: "registry-token", token: registryToken };
  if (identityToken !== undefined) return { kind: "identity-token", token: identityToken };
  return { kind: "basic", username, password };
}

/**
 * Finds the credential helper of a registry: its own, else that of all.
 *
 * @param config The configuration.
 * @param registry The registry, host and port.
 * @param repository The repository, for keys with a path.
 * @returns The name of the helper; `undefined` when credentials are in the file itself.
 */
export function findHelper(
  config: DockerConfig,
  registry: string,
  repository?: string,
): string | undefined {
  const [key] = matchingKeys(config.credHelpers.keys(), registry, repository);
  const name = (key === undefined ? undefined : config.credHelpers.get(key)) ?? config.credsStore;
  return name === "" ? undefined : name;
}

/** How a configuration is used. */
export interface DockerConfigOptions {
  /** Runs credential helpers; without it a registry that needs one is an error. */
  readonly helper?: HelperRunner | undefined;
}

/**
 * Gives what runs the helper of a registry.
 *
 * @param config The configuration that names a helper.
 * @param registry The registry, for the message.
 * @param helper What runs helpers, where there is such a thing.
 * @returns The same.
 * @throws {InvalidConfigError} when there is none.
 */
export function requireHelper(
  config: DockerConfig,
  registry: string,
  helper: HelperRunner | undefined,
): HelperRunner {
  if (helper !== undefined) return helper;
  const reason = `${registry} needs a credential helper, and no program can be run here`;
  throw invalid(config.name, reason);
}

/**
 * Makes a provider of a configuration file. The helper of a registry is asked first, then the helper
 * of all; a registry that they do not know is looked up in `auths`. A helper that fails is an error,
 * never a reason to look elsewhere.
 *
 * @param config The configuration.
 * @param options What runs helpers.
 * @returns The provider; it rejects with {@linkcode InvalidConfigError} for a registry whose entry
 * or helper cannot be used.
 *
 * @example Credentials of a configuration file
 * ```ts
 * import { dockerConfigCredentials, parseDockerConfig } from "@lading/lading/auth";
 *
 * const config = parseDockerConfig('{ "auths": { "ghcr.io": { "auth": "dXNlcjpwYXNz" } } }');
 * const provider = dockerConfigCredentials(config);
 * console.log((await provider({ registry: "ghcr.io" })).kind); // "basic"
 * ```
 */
export function dockerConfigCredentials(
  config: DockerConfig,
  options: DockerConfigOptions = {},
): CredentialProvider {
  return async ({ registry, repository, signal }) => {
    const name = findHelper(config, registry, repository);
    if (name !== undefined) {
      const helper = requireHelper(config, registry, options.helper);
      const found = await askHelper(helper, name, registry, signal);
      if (found.kind !== "anonymous") return found;
    }
    const entry = findAuthEntry(config, registry, repository);
    return entry === undefined ? ANONYMOUS : credentialsOf(entry);
  };
}
