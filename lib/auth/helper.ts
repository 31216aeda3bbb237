import { InvalidConfigError, isLadingError, LadingError } from "../model/errors.ts";
import { isJSONObject } from "../model/json_object.ts";
import {
  ANONYMOUS,
  type CredentialProvider,
  type Credentials,
  type StorableCredentials,
} from "./credentials.ts";
import { isKeyOf, registryKey, serverAddress } from "./registry_key.ts";

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

/** The user name that says that the secret is an identity token. */
const TOKEN_USERNAME = "<token>";

/** What one run of a helper is for. */
interface HelperCall {
  readonly runner: HelperRunner;
  readonly name: string;
  readonly verb: "get" | "store" | "erase" | "list";
  readonly stdin: string;
  /** What is attempted, for messages: `get credentials for ghcr.io from`. */
  readonly action: string;
  readonly signal: AbortSignal | undefined;
}

function programOf(name: string): string {
  return `docker-credential-${name}`;
}

function failed({ action, name }: HelperCall, reason: string, cause?: unknown): LadingError {
  const message = `Cannot ${action} ${programOf(name)}: ${reason}`;
  return new LadingError("CREDENTIAL_HELPER_FAILED", message, { cause });
}

function exitedWith(call: HelperCall, code: number): LadingError {
  return failed(call, `it failed with exit code ${code}; run it by hand to see why`);
}

async function run(call: HelperCall): Promise<HelperOutput> {
  const { runner, name, verb, stdin, signal } = call;
  if (!NAME_REGEXP.test(name)) {
    const message = `Cannot use credential helper ${JSON.stringify(name.slice(0, 64))}: ` +
      "its name holds other characters than letters, digits, dots, dashes and underscores";
    throw new InvalidConfigError(message, { input: name });
  }
  // The server is one line of the helper's input; another line could ask for another server.
  if (/\p{Cc}/u.test(stdin)) {
    throw new TypeError(
      `Cannot ${call.action} ${programOf(name)}: its input holds a control character`,
    );
  }
  signal?.throwIfAborted();
  let output: HelperOutput;
  try {
    output = await runner(programOf(name), verb, stdin, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (isLadingError(error)) throw error;
    throw failed(call, "it cannot be run", error);
  }
  if (output.stdout.length > MAX_HELPER_OUTPUT_LENGTH) throw failed(call, "it wrote too much");
  return output;
}

function credentialsOf(output: string): Credentials | undefined {
  let reply: unknown;
  try {
    reply = JSON.parse(output);
  } catch {
    return undefined;
  }
  if (!isJSONObject(reply)) return undefined;
  const { Username: username, Secret: secret } = reply;
  if (typeof username !== "string" || typeof secret !== "string") return undefined;
  if (username === "" && secret === "") return ANONYMOUS;
  if (username === TOKEN_USERNAME) return { kind: "identity-token", token: secret };
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
  const action = `get credentials for ${registryKey(registry)} from`;
  const stdin = serverAddress(registry);
  const call: HelperCall = { runner, name, verb: "get", stdin, action, signal };
  const { code, stdout, stderr } = await run(call);
  if (code !== 0) {
    if (`${stdout}\n${stderr}`.includes(NOT_FOUND_TEXT)) return ANONYMOUS;
    throw exitedWith(call, code);
  }
  const credentials = credentialsOf(stdout);
  if (credentials === undefined) throw failed(call, "its answer holds no credentials");
  return credentials;
}

/**
 * Gives credentials to a helper for keeping (`docker-credential-<name> store`). An identity token
 * goes under the user name `<token>`, as Docker does it. The secret is in the helper's input, never
 * among its arguments.
 *
 * @param runner Runs the program.
 * @param name The helper.
 * @param registry The registry, host and port.
 * @param credentials What it shall keep.
 * @param signal Ends the waiting.
 * @throws {InvalidConfigError} when the name could lead to another program than a helper.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper cannot be run or fails; the
 * credentials are kept nowhere then.
 */
export async function storeInHelper(
  runner: HelperRunner,
  name: string,
  registry: string,
  credentials: StorableCredentials,
  signal?: AbortSignal,
): Promise<void> {
  const isToken = credentials.kind === "identity-token";
  const stdin = JSON.stringify({
    ServerURL: serverAddress(registry),
    Username: isToken ? TOKEN_USERNAME : credentials.username,
    Secret: isToken ? credentials.token : credentials.password,
  });
  const action = `store the credentials for ${registryKey(registry)} with`;
  const call: HelperCall = { runner, name, verb: "store", stdin, action, signal };
  const { code } = await run(call);
  if (code !== 0) throw exitedWith(call, code);
}

/**
 * Lists what a helper keeps (`docker-credential-<name> list`), without secrets.
 *
 * @param runner Runs the program.
 * @param name The helper.
 * @param signal Ends the waiting.
 * @returns The user names by the servers they are for.
 * @throws {InvalidConfigError} when the name could lead to another program than a helper.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper cannot be run, fails or answers
 * with something else.
 */
export async function listHelper(
  runner: HelperRunner,
  name: string,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const action = "list the credentials of";
  const call: HelperCall = { runner, name, verb: "list", stdin: "", action, signal };
  const { code, stdout } = await run(call);
  if (code !== 0) throw exitedWith(call, code);
  const servers = new Map<string, string>();
  let reply: unknown;
  try {
    // Some helpers write nothing where there is nothing.
    reply = stdout.trim() === "" ? {} : JSON.parse(stdout);
  } catch {
    throw failed(call, "its answer is no JSON");
  }
  if (!isJSONObject(reply)) throw failed(call, "its answer is no list");
  for (const [server, username] of Object.entries(reply)) {
    if (typeof username === "string") servers.set(server, username);
  }
  return servers;
}

/**
 * Makes a helper forget the credentials of a registry (`list`, then `erase`), under whatever
 * spelling of its name they are.
 *
 * @param runner Runs the program.
 * @param name The helper.
 * @param registry The registry, host and port.
 * @param signal Ends the waiting.
 * @returns Whether there were any.
 * @throws {InvalidConfigError} when the name could lead to another program than a helper.
 * @throws {LadingError} (`CREDENTIAL_HELPER_FAILED`) when the helper cannot be run or fails.
 */
export async function eraseFromHelper(
  runner: HelperRunner,
  name: string,
  registry: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const servers = [...(await listHelper(runner, name, signal)).keys()]
    .filter((server) => isKeyOf(server, registry));
  const action = `erase the credentials for ${registryKey(registry)} from`;
  for (const stdin of servers) {
    const call: HelperCall = { runner, name, verb: "erase", stdin, action, signal };
    const { code } = await run(call);
    if (code !== 0) throw exitedWith(call, code);
  }
  return servers.length > 0;
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
