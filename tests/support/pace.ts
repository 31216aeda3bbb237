/** Time as a machine of one's own would take it, on one that has other things to do. */
import { rmSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A round takes no longer than this where nothing else is done. */
const ROUND_MS = 2;

let watched = 0;

/**
 * Measures time by rounds of a timer and a small file that is made and removed: what holds this
 * process up, its processors or its disk, holds the rounds up as well. What it computes itself
 * without a pause is one round.
 *
 * @returns Ends the measurement, and gives the milliseconds; never more than have passed.
 */
export function watchPace(): () => number {
  const began = performance.now();
  const file = join(tmpdir(), `lading-pace-${process.pid}-${watched++}`);
  let [rounds, hasEnded] = [0, false];
  const round = async (): Promise<void> => {
    while (!hasEnded) {
      rounds++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!hasEnded) await writeFile(file, "");
      await rm(file, { force: true });
    }
  };
  round().catch(() => rmSync(file, { force: true }));
  return () => {
    hasEnded = true;
    return Math.min(performance.now() - began, rounds * ROUND_MS);
  };
}
