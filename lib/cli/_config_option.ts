import process from "node:process";
import type { OptionSpecs } from "./_command.ts";
import type { Output } from "./output.ts";

/** The option that names the file that credentials are kept in. */
export const CONFIG_OPTION: OptionSpecs = {
  config: {
    type: "string",
    value: "FILE",
    help: "keep credentials in this file (default: Docker's config.json)",
  },
};

/** Warns that other commands look elsewhere first. */
export function warnOfVariable(output: Output): void {
  if (!process.env["DOCKER_AUTH_CONFIG"]) return;
  output.warn("DOCKER_AUTH_CONFIG is set: what it holds goes before what is kept in files");
}
