// How much memory a process has at most, as Linux counts it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** Often enough that what comes behind the last look is little. */
const LOOK_EVERY_MS = 2;

/**
 * Runs a program to its end.
 *
 * @returns The most memory that it had, in MiB.
 */
export function peakOf(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let [errors, peak] = ["", 0];
    child.stderr.on("data", (chunk) => errors += chunk);
    const timer = setInterval(() => peak = mostOf(child.pid) ?? peak, LOOK_EVERY_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      if (code === 0) resolve(peak);
      else reject(new Error(`${program} ended with ${code}: ${errors}`));
    });
  });
}

/** The most that a process has had until now; nothing once it has gone. */
function mostOf(pid: number | undefined): number | undefined {
  try {
    const { most } = processMemory(pid ?? 0);
    return Number.isNaN(most) ? undefined : most;
  } catch {
    return undefined;
  }
}

/**
 * Tells what a process has of memory, in MiB.
 *
 * @returns What it has now, and the most that it has had.
 */
export function processMemory(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const mib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
  return { now: mib("VmRSS"), most: mib("VmHWM") };
}
