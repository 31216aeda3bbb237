import type * as FileSystemModule from "node:fs/promises";
import {
  ANONYMOUS,
  type CredentialProvider,
  type CredentialRequest,
  type Credentials,
  firstCredentials,
} from "../auth/credentials.ts";
import {
  type DockerConfig,
  dockerConfigCredentials,
  parseDockerConfig,
} from "../auth/docker_config.ts";
import { parseLegacyDockerConfig } from "../auth/legacy_docker_config.ts";
import { InvalidConfigError } from "../model/errors.ts";
import { helperRunner, readVariable } from "./_helper_process.ts";
import { type ConfigFileLocation, dockerConfigLocations } from "./docker_config_file.ts";

interface Host {
  readonly process?: {
    getBuiltinModule?(name: "node:fs/promises"): typeof FileSystemModule | undefined;
  };
}

/** Reads a file; `undefined` when it is not there or this runtime has no files. */
async function readConfigFile({ path, isNamed }: ConfigFileLocation): Promise<string | undefined> {
  const fs = (globalThis as Host).process?.getBuiltinModule?.("node:fs/promises");
  try {
    return await fs?.readFile(path, { encoding: "utf8" });
  } catch (error) {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    // Deno without --allow-read: there is no file as far as this program is concerned.
    const isAbsent = code === "ENOENT" || code === "ENOTDIR" || name === "NotCapable";
    if (isAbsent && !isNamed) return undefined;
    const reason = typeof code === "string" ? code : name;
    throw new InvalidConfigError(`Cannot read ${path}: ${reason}`, { input: path, cause: error });
  }
}

async function credentialsOf(
  config: DockerConfig | undefined,
  request: CredentialRequest,
): Promise<Credentials> {
  if (config === undefined) return ANONYMOUS;
  return await dockerConfigCredentials(config, { helper: helperRunner() })(request);
}

function inlineConfig(): DockerConfig | undefined {
  const name = "DOCKER_AUTH_CONFIG";
  const text = readVariable(name);
  return text === undefined ? undefined : parseDockerConfig(text, name);
}

async function readConfig(file: ConfigFileLocation): Promise<DockerConfig | undefined> {
  const text = await readConfigFile(file);
  if (text !== undefined) return parseDockerConfig(text, file.path);
  const { legacyPath: path } = file;
  const legacy = path === undefined ? undefined : await readConfigFile({ path, isNamed: false });
  return legacy === undefined ? undefined : parseLegacyDockerConfig(legacy, path);
}

/**
 * Finds credentials where Docker, Podman and their kin keep them, in Node, Deno and Bun. Asked are,
 * until one knows the registry: the JSON in `DOCKER_AUTH_CONFIG`; the file that
 * `REGISTRY_AUTH_FILE` names; `config.json` in `DOCKER_CONFIG`, else in `~/.docker`, or `~/.dockercfg`
 * while that is not there; `$XDG_RUNTIME_DIR/containers/auth.json`. Files are read anew for each question, so that a login
 * is noticed. Credential helpers are started without a shell, with a small environment, for at most
 * 10 seconds. Where variables, files or programs are out of reach, as in workers, browsers and
 * Deno without permission, what is out of reach is passed over.
 *
 * @returns The provider. It rejects with `InvalidConfigError` when a file cannot be read or
 * understood, and with a `LadingError` (`CREDENTIAL_HELPER_FAILED`) when a helper fails.
 */
export function hostCredentials(): CredentialProvider {
  return async (request) => {
    const inline: CredentialProvider = async (asked) => await credentialsOf(inlineConfig(), asked);
    const files = dockerConfigLocations().map((file): CredentialProvider => async (asked) =>
      await credentialsOf(await readConfig(file), asked)
    );
    return await firstCredentials(inline, ...files)(request);
  };
}
