import type * as ChildProcessModule from "node:child_process";
import type { HelperOutput, HelperRunner } from "../auth/helper.ts";
import { LadingError } from "../model/errors.ts";

type ChildProcess = typeof ChildProcessModule;
type Environment = Readonly<Record<string, string | undefined>>;

interface Host {
  readonly process?: {
    readonly env: Environment;
    getBuiltinModule?(name: "node:child_process"): ChildProcess | undefined;
  };
}

/** A helper may ask a key ring or a metadata server, but nobody sits there to answer a prompt. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** Bytes of output that are kept; a helper that writes more is stopped. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** What helpers need to find programs, key rings, buses and their own configuration; nothing else. */
const PASSED_NAMES: readonly string[] = [
  ...["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "SHELL"],
  ...["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_SESSION_ID"],
  ...["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "GNUPGHOME", "GPG_TTY"],
  ...["PASSWORD_STORE_DIR", "DOCKER_CONFIG", "KUBECONFIG"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["SystemRoot", "windir", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME"],
  ...["APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles", "HOMEDRIVE", "HOMEPATH"],
];

/** The clouds' helpers find their accounts by variables of these families. */
const PASSED_PREFIXES: readonly string[] = ["AWS_", "AZURE_", "ACR_", "CLOUDSDK_", "GOOGLE_"];

/** Reads a variable of the environment; Deno throws where it is not allowed. */
export function readVariable(name: string): string | undefined {
  try {
    return (globalThis as Host).process?.env[name] || undefined;
  } catch {
    return undefined;
  }
}

function variableNames(): string[] {
  try {
    return Object.keys((globalThis as Host).process?.env ?? {});
  } catch {
    return [];
  }
}

function passedEnvironment(): Record<string, string> {
  const families = variableNames().filter((name) =>
    PASSED_PREFIXES.some((prefix) => name.startsWith(prefix))
  );
  const environment: Record<string, string> = {};
  for (const name of [...PASSED_NAMES, ...families]) {
    const value = readVariable(name);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

function run(
  module: ChildProcess,
  program: string,
  verb: string,
  stdin: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<HelperOutput> {
  return new Promise<HelperOutput>((resolve, reject) => {
    const child = module.spawn(program, [verb], {
      env: passedEnvironment(),
      shell: false,
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    const stop = (reason: unknown): void => {
      finish();
      child.kill("SIGKILL");
      // A grandchild may hold the pipes open; nobody reads them any more.
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      reject(reason);
    };
    const timer = setTimeout(
      () => stop(failure(program, `it did not end within ${timeoutMs / 1000} seconds`)),
      timeoutMs,
    );
    const onAbort = (): void => stop(signal?.reason);
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      let bytes = 0;
      const decoder = new TextDecoder();
      child[name].on("data", (chunk: Uint8Array) => {
        bytes += chunk.byteLength;
        if (bytes > MAX_OUTPUT_BYTES) return stop(failure(program, "it writes too much"));
        texts[name] += decoder.decode(chunk, { stream: true });
      });
    }
    // A helper that does not read its input breaks the pipe; its exit code says more than that.
    child.stdin.on("error", () => {});
    child.on("error", (error) => {
      finish();
      reject(failure(program, "it cannot be started; is it installed and in PATH?", error));
    });
    child.on("close", (code) => {
      finish();
      resolve({ code: code ?? 1, ...texts });
    });
    child.stdin.end(stdin);
  });
}

function failure(program: string, reason: string, cause?: unknown): LadingError {
  const message = `Cannot run ${program}: ${reason}`;
  return new LadingError("CREDENTIAL_HELPER_FAILED", message, { cause });
}

/** Makes what runs credential helpers; `undefined` where no program can be started. */
export function helperRunner(timeoutMs: number = DEFAULT_TIMEOUT_MS): HelperRunner | undefined {
  const module = (globalThis as Host).process?.getBuiltinModule?.("node:child_process");
  if (module === undefined) return undefined;
  return async (program, verb, stdin, signal) => {
    signal?.throwIfAborted();
    return await run(module, program, verb, stdin, timeoutMs, signal);
  };
}
