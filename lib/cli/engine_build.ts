import { resolve } from "node:path";
import process from "node:process";
import type { BuildContext } from "../engine/build_context.ts";
import { standardInput } from "../runtime/standard_input.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import {
  argument,
  type Command,
  type CommandContext,
  flag,
  list,
  text,
  UsageError,
} from "./_command.ts";
import { ENGINE_OPTIONS, ENGINE_PLATFORM_OPTION, showEngine, withEngine } from "./_engine.ts";
import { pairsOption } from "./_options.ts";

/** Takes `-`, a URL, a git address or a directory as the context. */
function contextOf(given: string): BuildContext {
  if (given === "-") return standardInput();
  if (/^(https?|git):\/\/|^git@|^github\.com\//.test(given)) return { remote: given };
  return { directory: resolve(given), files: nodeFileSystem() };
}

/** Reads `--file`: a path from here, as the docker command takes it; of other contexts one in them. */
function dockerfileOption(context: CommandContext, build: BuildContext): string | undefined {
  const file = text(context, "file");
  const isLocal = typeof build === "object" && "directory" in build;
  return file === undefined || !isLocal ? file : resolve(file);
}

/** Reads `--build-arg KEY[=VALUE]`; without a value it is that of the environment. */
function buildArgs(context: CommandContext): Record<string, string | null> | undefined {
  const given = list(context, "build-arg");
  if (given.length === 0) return undefined;
  return Object.fromEntries(given.map((pair) => {
    const at = pair.indexOf("=");
    if (at === 0) {
      throw new UsageError(`--build-arg takes KEY[=VALUE], not ${JSON.stringify(pair)}`);
    }
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    return [pair, process.env[pair] ?? null];
  }));
}

/** `lading engine build CONTEXT`. */
export const buildCommand: Command = {
  name: "build",
  group: "engine",
  synopsis: "CONTEXT",
  summary: "let an engine build an image of a directory, an archive or a URL",
  arity: [1, 1],
  options: {
    tag: {
      type: "string",
      short: "t",
      isList: true,
      value: "NAME",
      help: "name it; may be given several times",
    },
    file: {
      type: "string",
      short: "f",
      value: "PATH",
      help: "the Dockerfile (default: CONTEXT/Dockerfile)",
    },
    "build-arg": {
      type: "string",
      isList: true,
      value: "KEY[=VALUE]",
      help: "set an argument; may be given several times",
    },
    label: {
      type: "string",
      isList: true,
      value: "KEY=VALUE",
      help: "set a label; may be given several times",
    },
    target: { type: "string", value: "STAGE", help: "stop at this stage" },
    "no-cache": { type: "boolean", help: "use no cache" },
    pull: { type: "boolean", help: "pull newer images that it builds on" },
    "cache-from": {
      type: "string",
      isList: true,
      value: "IMAGE",
      help: "use the cache of this image",
    },
    network: { type: "string", value: "MODE", help: "the network of the steps" },
    squash: { type: "boolean", help: "make the new layers one, where the engine can" },
    buildkit: { type: "boolean", help: "build with BuildKit, as far as it goes without a session" },
    ...ENGINE_PLATFORM_OPTION,
    ...ENGINE_OPTIONS,
  },
  details: ".dockerignore counts as for the docker command. The answer is the ID of the image.",
  examples: [
    "lading engine build ./site -t site:dev",
    "lading engine build . --file docker/Dockerfile --build-arg V=1 --target test",
  ],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { signal, output } = context;
      const cacheFrom = list(context, "cache-from");
      const build = contextOf(argument(context, 0));
      const operation = engine.images.build(build, {
        tags: list(context, "tag"),
        dockerfile: dockerfileOption(context, build),
        buildArgs: buildArgs(context),
        labels: pairsOption(context, "label"),
        target: text(context, "target"),
        noCache: flag(context, "no-cache"),
        pull: flag(context, "pull"),
        cacheFrom: cacheFrom.length === 0 ? undefined : cacheFrom,
        networkMode: text(context, "network"),
        squash: flag(context, "squash"),
        version: flag(context, "buildkit") ? 2 : undefined,
        platform: text(context, "platform"),
        signal,
      });
      await output.line((await showEngine(context, operation)).id);
    }),
};
