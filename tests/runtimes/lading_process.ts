/** The command `lading` as a process of the runtime that the tests run on. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { registryHandler } from "../../mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { type FaultRule, faultyTransport } from "../../lib/testing/mod.ts";
import { ifThere, pathsIn } from "../support/paths_in.ts";

const RUN: Readonly<Record<string, readonly string[]>> = {
  node: ["--disable-warning=ExperimentalWarning"],
  // Without --quiet Deno clears a display of its own on terminals.
  deno: ["run", "--quiet", "-A", "--no-check"],
};

/** The command's file: on Node as npm installs it, where the runner of the tests has built it. */
function commandFile(): string {
  const built = process.env["LADING_COMMAND"];
  if (built !== undefined) return built;
  // The tests of Node 20 are compiled, and so is the command beside them.
  const extension = import.meta.url.endsWith(".js") ? "js" : "ts";
  return fileURLToPath(new URL(`../../lib/cli/main.${extension}`, import.meta.url));
}

/** The program and its first arguments that are the command. */
export const LADING: readonly string[] = [
  process.execPath,
  ...(RUN[detectRuntime()] ?? []),
  commandFile(),
];

/** Writes a word for a shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line that gives `lading` a terminal (util-linux's script); a shell reads `args`. */
export function onTerminal(args: string, columns: number): readonly string[] {
  const command = `stty cols ${columns} rows 12; ${LADING.map(quoted).join(" ")} ${args}`;
  return ["script", "--quiet", "--return", "--command", command, "/dev/null"];
}

/** How a process is started. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How a process ended. */
export interface Ended {
  /** The exit code; `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

/** A process that runs. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Sends a signal. */
  signal(name: "SIGINT" | "SIGTERM"): void;
  /** What it has written to stdout until now. */
  written(): string;
  /** Waits until stdout has a whole line. */
  firstLine(): Promise<string>;
}

/**
 * Neither the credentials and the cache of this machine nor its CI change what the command does, and
 * the runtime asks nobody whether it is the newest.
 */
function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = { ...process.env };
  for (const name of ["CI", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE"]) delete inherited[name];
  const LADING_CACHE = "/dev/null/no-cache";
  const own = { DOCKER_CONFIG: "/nonexistent", LADING_CACHE, TERM: "xterm", NO_COLOR: "" };
  return { ...inherited, ...own, DENO_NO_UPDATE_CHECK: "1", ...env };
}

/** After this long a process hangs. */
const TIMEOUT_MS = 150_000;

/** The processes that have not ended. */
const running = new Set<Started>();

/** Ends what a test that failed has left: it would write where files are taken away. */
async function endAll(): Promise<void> {
  for (const { child } of running) if (child.pid) process.kill(child.pid, "SIGKILL");
  await Promise.allSettled([...running].map(({ ended }) => ended));
}

/** Starts a program. */
export function start(command: readonly string[], { env, cwd }: StartOptions = {}): Started {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: environment(env),
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => errors.push(chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(out);
      resolve({ code, bytes, stdout: String(bytes), stderr: String(Buffer.concat(errors)) });
    });
  });
  const started: Started = {
    child,
    ended,
    // ChildProcess.kill() of Deno sends one signal only, and takes it for the end of the process.
    signal: (name) => void process.kill(child.pid ?? NaN, name),
    written: () => String(Buffer.concat(out)),
    async firstLine() {
      const line = () => /^(.*)\n/.exec(started.written())?.[1];
      const isOver = ended.then(() => true);
      while (line() === undefined && await Promise.race([isOver, pause(10)]) !== true);
      return line() ?? "";
    },
  };
  running.add(started);
  const forget = (): void => void running.delete(started);
  ended.then(forget, forget);
  return started;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something is so. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !isSo(); await pause(10)) {
    if (Date.now() > end) throw new Error(`it never came to pass: ${what}`);
  }
}

/** Runs `lading` to its end. */
export function lading(args: readonly string[], options?: StartOptions): Promise<Ended> {
  return start([...LADING, ...args], options).ended;
}

/** Runs a shell script to its end, in which `"$@"` is `lading`. */
export function inShell(script: string, options?: StartOptions): Promise<Ended> {
  return start(["bash", "-c", script, "bash", ...LADING], options).ended;
}

/** A registry on loopback, and a folder for layouts. */
export interface Bench {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly store: MemoryStore;
  readonly folder: string;
  /** What the registry was asked: `GET /v2/…`. */
  readonly asked: readonly string[];
}

/** What is wrong with the registry. */
export interface BenchOptions {
  readonly faults?: readonly FaultRule[];
  /** Is awaited between the pieces of each blob that is asked for. */
  readonly betweenPieces?: () => Promise<void>;
}

/** Sends an answer chunk by chunk, with something to wait for between them. */
function inPieces(response: Response, between: () => Promise<void>): Response {
  let isFirst = true;
  const pieces = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      if (!isFirst) await between();
      isFirst = false;
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(pieces) ?? null, response);
}

/** Gives a test a registry and a folder, and takes them away again. */
export async function withBench(
  work: (bench: Bench) => Promise<void>,
  { faults = [], betweenPieces }: BenchOptions = {},
): Promise<void> {
  const store = memoryStore();
  const transport = faultyTransport(registryHandler(store), faults);
  const asked: string[] = [];
  const server = await serve(async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname}`);
    const response = await transport(request);
    const isGated = betweenPieces && request.method === "GET" && pathname.includes("/blobs/");
    return isGated ? inPieces(response, betweenPieces) : response;
  });
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-"));
  try {
    await work({ host: `127.0.0.1:${server.port}`, store, folder, asked });
  } finally {
    await endAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    await server.close();
  }
}

/** Lists what a folder holds that is not whole: temporary files, and blobs with another digest. */
export function brokenFiles(folder: string): string[] {
  return pathsIn(folder).files.filter((path) => {
    const [, algorithm, name] = /blobs\/(\w+)\/([^/]+)$/.exec(path) ?? [];
    if (name === undefined) return !/\/(?:oci-layout|index\.json)$/.test(path);
    const bytes = ifThere(() => new Uint8Array(readFileSync(path)));
    if (bytes === undefined) return false;
    return algorithm !== "sha256" || digestBytes("sha256", bytes) !== `sha256:${name}`;
  });
}
