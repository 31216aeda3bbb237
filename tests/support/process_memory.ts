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
    let [errors, peakKiB] = ["", 0];
    child.stderr.on("data", (chunk) => errors += chunk);
    const timer = setInterval(() => peakKiB = mostOf(child.pid) ?? peakKiB, LOOK_EVERY_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      if (code === 0) resolve(peakKiB / 1024);
      else reject(new Error(`${program} ended with ${code}: ${errors}`));
    });
  });
}

/** The most that a process has had until now, in KiB; nothing once it has gone. */
function mostOf(pid: number | undefined): number | undefined {
  try {
    const [, most] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return most === undefined ? undefined : Number(most);
  } catch {
    return undefined;
  }
}
