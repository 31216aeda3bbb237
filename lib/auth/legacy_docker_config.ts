import { InvalidConfigError } from "../model/errors.ts";
import { isJSONObject } from "../model/json_object.ts";
import { type DockerConfig, MAX_CONFIG_LENGTH } from "./docker_config.ts";
import { serverAddress } from "./registry_key.ts";

/** The first line of the oldest files: `auth = dXNlcjpwYXNz`, for Docker Hub. */
const AUTH_LINE_REGEXP = /^auth[ \t]*=[ \t]*([\w+/]{1,4096}={0,2})$/;

/**
 * Parses a `.dockercfg`, which Docker wrote until version 1.6, and docker-py and other clients still
 * read: the entries of registries without anything around them, or, older yet, the lines
 * `auth = …` and `email = …` for Docker Hub. What is no entry is passed over.
 *
 * @param text The text of the file.
 * @param name Its name, for messages.
 * @returns The configuration; no file of this kind names a helper.
 * @throws {InvalidConfigError} when it is neither. Neither the message nor `input` holds any of the
 * text.
 *
 * @example Credentials of an old file
 * ```ts
 * import { dockerConfigCredentials, parseLegacyDockerConfig } from "@lading/lading/auth";
 *
 * const config = parseLegacyDockerConfig("auth = dXNlcjpwYXNz\nemail = user@acme.dev\n");
 * const provider = dockerConfigCredentials(config);
 * console.log((await provider({ registry: "docker.io" })).kind); // "basic"
 * ```
 */
export function parseLegacyDockerConfig(text: string, name = ".dockercfg"): DockerConfig {
  if (text.length > MAX_CONFIG_LENGTH) throw invalid(name, "it is longer than 4 MiB");
  const plain = text.replace(/^\ufeff/, "").trim();
  const auths = plain === "" ? new Map<string, unknown>() : entriesOf(plain) ?? linesOf(plain);
  if (auths === undefined) throw invalid(name, "it has neither JSON nor a line with auth");
  return { auths, credHelpers: new Map(), name };
}

function entriesOf(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (isJSONObject(value)) {
      return new Map(Object.entries(value).filter(([, one]) => isEntry(one)));
    }
  } catch {
    // The oldest files are no JSON.
  }
  return undefined;
}

function isEntry(value: unknown): boolean {
  return isJSONObject(value) && typeof value["auth"] === "string";
}

function linesOf(text: string): ReadonlyMap<string, unknown> | undefined {
  for (const line of text.split(/\r?\n/)) {
    const [, auth] = AUTH_LINE_REGEXP.exec(line.trim()) ?? [];
    if (auth !== undefined) return new Map([[serverAddress("docker.io"), { auth }]]);
  }
  return undefined;
}

function invalid(name: string, reason: string): InvalidConfigError {
  // The input is left out: it holds passwords.
  return new InvalidConfigError(`Cannot read ${name}: ${reason}`, { input: "" });
}
