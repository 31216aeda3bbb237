import { InvalidConfigError, isLadingError, LadingError } from "../model/errors.ts";
import { ANONYMOUS, type CredentialProvider, type Credentials } from "./credentials.ts";
import { registryKey } from "./registry_key.ts";

/** What a credential helper did. */
export interface HelperOutput {
  /** The exit code. */
  readonly code: number;
  /** What it wrote to its standard output, cut at some limit. */
  readonly stdout: string;
  /** What it wrote to its standard error, cut at some limit. */
  readonly stderr: string;
}

/**
 * Runs a credential helper: the program, without a shell, with one argument, and with `stdin` as its
 * input. Runtimes that can start programs bring one; it rejects when the program cannot be started,
 * writes without end or does not end in time.
 */
export type HelperRunner = (
  program: string,
  verb: string,
  stdin: string,
  signal?: AbortSignal,
) => Promise<HelperOutput>;

/** A user name, a password and the server take some hundred bytes; tokens some thousand. */
export const MAX_HELPER_OUTPUT_LENGTH: number = 64 * 1024;

const NAME_REGEXP = /^[A-Za-z0-9._-]{1,64}$/;
const NOT_FOUND_TEXT = "credentials not found in native keychain";
const HUB_SERVER = "https://index.docker.io/v1/";

function failed(program: string, registry: string, reason: string, cause?: unknown): LadingError {
  const message = `Cannot get credentials for ${registry} from ${program}: ${reason}`;
  return new LadingError("CREDENTIAL_HELPER_FAILED", message, { cause });
}

function credentialsOf(output: string): Credentials | undefined {
  let reply: unknown;
  try {
    reply = JSON.parse(output);
  } catch {
    return undefined;
  }
  if (typeof reply !== "object" || reply === null) return undefined;
  const { Username: username, Secret: secret } = reply as Readonly<Record<string, unknown>>;
  if (typeof username !== "string" || typeof secret !== "string") return undefined;
  if (username === "" && secret === "") return ANONYMOUS;
  if (username === "<token>") return { kind: "identity-token", token: secret };
  return { kind: "basic", username, password: secret };
}

/**
 * Asks a Docker credential helper (`docker-credential-<name> get`). Docker Hub is asked for under
 * the name that Docker logs in with. Output of the helper is never part of an error.
 *
 * @param runner Runs the program.
 * @param name The helper as configuration files name it, such as `osxkeychain`.
 * @param registry The registry, host and port.
 * @param signal Ends the waiting.
 * @returns The credentials; anonymous ones when the helper says that it has none.
 * @throws {InvalidConfigError} when the name could lead to another program than a helper.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper cannot be run, fails or answers
 * with something else. There is no falling back.
 */
export async function askHelper(
  runner: HelperRunner,
  name: string,
  registry: string,
  signal?: AbortSignal,
): Promise<Credentials> {
  if (!NAME_REGEXP.test(name)) {
    const message = `Cannot use credential helper ${JSON.stringify(name.slice(0, 64))}: ` +
      "its name holds other characters than letters, digits, dots, dashes and underscores";
    throw new InvalidConfigError(message, { input: name });
  }
  const key = registryKey(registry);
  const server = key === "docker.io" ? HUB_SERVER : registry;
  const program = `docker-credential-${name}`;
  // The server is one line of the helper's input; another line could ask for another server.
  if (/\p{Cc}/u.test(server)) {
    throw new TypeError(`Cannot ask ${program}: the registry's name holds a control character`);
  }
  signal?.throwIfAborted();
  let output: HelperOutput;
  try {
    output = await runner(program, "get", server, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (isLadingError(error)) throw error;
    throw failed(program, key, "it cannot be run", error);
  }
  const { code, stdout, stderr } = output;
  if (stdout.length > MAX_HELPER_OUTPUT_LENGTH) throw failed(program, key, "it wrote too much");
  if (code !== 0) {
    if (`${stdout}\n${stderr}`.includes(NOT_FOUND_TEXT)) return ANONYMOUS;
    throw failed(program, key, `it failed with exit code ${code}; run it by hand to see why`);
  }
  const credentials = credentialsOf(stdout);
  if (credentials === undefined) throw failed(program, key, "its answer holds no credentials");
  return credentials;
}

/**
 * Makes a provider of one credential helper, for every registry.
 *
 * @param runner Runs the program.
 * @param name The helper, such as `ecr-login`.
 * @returns The provider.
 */
export function helperCredentials(runner: HelperRunner, name: string): CredentialProvider {
  return ({ registry, signal }) => askHelper(runner, name, registry, signal);
}
