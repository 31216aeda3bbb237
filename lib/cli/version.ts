import process from "node:process";
import { VERSION } from "../model/version.ts";
import { detectRuntime } from "../runtime/detect.ts";
import { type Command, flag } from "./_command.ts";
import { JSON_OPTION } from "./_options.ts";

/** `lading version`. */
export const versionCommand: Command = {
  name: "version",
  synopsis: "",
  summary: "print the version of lading",
  arity: [0, 0],
  options: { ...JSON_OPTION },
  examples: ["lading version", "lading version --json    # with the runtime and its version"],
  async run(context) {
    if (!flag(context, "json")) return await context.output.line(VERSION);
    const name = detectRuntime();
    const { platform, arch } = process;
    await context.output.json({
      version: VERSION,
      runtime: { name, version: process.versions[name] ?? process.versions.node },
      host: `${platform}/${arch}`,
    });
  },
};
