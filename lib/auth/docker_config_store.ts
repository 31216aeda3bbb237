import type { StorableCredentials } from "./credentials.ts";
import { findHelper, parseDockerConfig, requireHelper } from "./docker_config.ts";
import { eraseFromDockerConfig, storeInDockerConfig } from "./docker_config_edit.ts";
import { eraseFromHelper, type HelperRunner, storeInHelper } from "./helper.ts";

/** A Docker configuration file that can be changed. Runtimes with files bring one. */
export interface DockerConfigFile {
  /** The name of the file, for messages. */
  readonly name: string;
  /**
   * Reads the file.
   *
   * @param signal Ends the waiting.
   * @returns Its text; "" when there is none.
   */
  read(signal?: AbortSignal): Promise<string>;
  /**
   * Changes the file as a whole: readers see the old text or the new one, and changes that others
   * make at the same time are not lost.
   *
   * @param edit Makes the new text of the old one. It may be called more than once; the same text
   * means that there is nothing to do.
   * @param signal Ends the waiting.
   * @returns Whether the file was changed.
   */
  update(edit: (text: string) => string, signal?: AbortSignal): Promise<boolean>;
}

/** Where credentials are kept: in the file itself, or with a helper that the file names. */
export interface CredentialPlace {
  /** Which of the two. */
  readonly kind: "file" | "helper";
  /** The name of the file, or the program. */
  readonly name: string;
}

/** Options of {@linkcode storeCredentials} and {@linkcode eraseCredentials}. */
export interface CredentialStoreOptions {
  /** Runs credential helpers; without it a registry that needs one is an error. */
  readonly helper?: HelperRunner | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

function helperPlace(name: string): CredentialPlace {
  return { kind: "helper", name: `docker-credential-${name}` };
}

/**
 * Keeps credentials where the configuration wants them: with the helper of the registry, with that of
 * all, or in the file. A helper that fails is an error, and the file gets nothing then; once a helper
 * has them, what the file held for the registry goes away.
 *
 * @param file The configuration file.
 * @param registry The registry, host and port.
 * @param credentials What to keep. It is not tried whether they are good.
 * @param options What runs helpers.
 * @returns Where they are kept now.
 * @throws {InvalidConfigError} when the file is no configuration, or the helper cannot be used.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper fails.
 */
export async function storeCredentials(
  file: DockerConfigFile,
  registry: string,
  credentials: StorableCredentials,
  options: CredentialStoreOptions = {},
): Promise<CredentialPlace> {
  const { name } = file;
  const { signal } = options;
  const config = parseDockerConfig(await file.read(signal), name);
  const helper = findHelper(config, registry);
  if (helper === undefined) {
    await file.update((text) => storeInDockerConfig(text, registry, credentials, name), signal);
    return { kind: "file", name };
  }
  const runner = requireHelper(config, registry, options.helper);
  await storeInHelper(runner, helper, registry, credentials, signal);
  await file.update((text) => eraseFromDockerConfig(text, registry, name), signal);
  return helperPlace(helper);
}

/**
 * Forgets the credentials of a registry: those in the file, and those of the helper that the file
 * names for it.
 *
 * @param file The configuration file.
 * @param registry The registry, host and port.
 * @param options What runs helpers.
 * @returns Where there were some; nothing when there were none.
 * @throws {InvalidConfigError} when the file is no configuration, or the helper cannot be used.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper fails; the file holds nothing of
 * the registry any more then.
 */
export async function eraseCredentials(
  file: DockerConfigFile,
  registry: string,
  options: CredentialStoreOptions = {},
): Promise<CredentialPlace[]> {
  const { name } = file;
  const { signal } = options;
  const config = parseDockerConfig(await file.read(signal), name);
  const helper = findHelper(config, registry);
  const places: CredentialPlace[] = [];
  const isErased = await file.update((text) => eraseFromDockerConfig(text, registry, name), signal);
  if (isErased) places.push({ kind: "file", name });
  if (helper !== undefined) {
    const runner = requireHelper(config, registry, options.helper);
    const isForgotten = await eraseFromHelper(runner, helper, registry, signal);
    if (isForgotten) places.push(helperPlace(helper));
  }
  return places;
}
