// The command as it is installed, built for one test: others may build the package meanwhile.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { mustRun } from "./program.ts";

/**
 * Builds the command into a folder.
 *
 * @returns The path of the script.
 */
export async function buildCommand(folder: string): Promise<string> {
  const bin = join(folder, "bin");
  await mustRun(process.execPath, ["tests/tools/build_command.mjs", bin]);
  writeFileSync(join(bin, "package.json"), '{"type":"module"}');
  return join(bin, "lading.js");
}
