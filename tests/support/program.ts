// Programs for tests that run on Node: what is there, and how to run it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** How a program ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** Gives the path of a component of the test set-up, such as `deno` or `skopeo`. */
export function component(name: string): string | undefined {
  return process.env[`LADING_${name.toUpperCase().replaceAll("-", "_")}`];
}

/** Says why a suite cannot run here: `false` when everything is there; in CI all has to be there. */
export function missing(...names: readonly string[]): string | false {
  const absent = names.filter((name) => component(name) === undefined);
  if (absent.length === 0) return false;
  if (process.env["CI"] === "true") throw new Error(`missing: ${absent.join(", ")}`);
  return `needs ${absent.join(", ")}; npm test finds and names them`;
}

/** Runs a component, or a program by its path, to its end; never rejects for its exit code. */
export function run(
  name: string,
  args: readonly string[],
  { env, cwd, timeoutMs = 240_000 }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(component(name) ?? name, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk) => stdout.push(chunk));
    child.stderr.on("data", (chunk) => stderr.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({
        code: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + (signal === null ? "" : `\nended by ${signal}`),
      });
    });
  });
}

/** Runs a program that has to succeed. */
export async function mustRun(
  name: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<Ran> {
  const ran = await run(name, args, options);
  if (ran.code === 0) return ran;
  throw new Error(`${name} ${args.join(" ")} ended with ${ran.code}: ${ran.stderr || ran.stdout}`);
}

/** Runs `work` beside a program, which is ended afterwards. */
export async function beside<Result>(
  child: ChildProcess,
  work: () => Promise<Result>,
): Promise<Result> {
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    return await work();
  } finally {
    child.kill();
    await ended;
  }
}

/** Gives `work` a folder that is removed afterwards. */
export async function inScratch<Result>(
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "lading-test-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
