import { resolve } from "node:path";
import type { BuildContext } from "../engine/build_context.ts";
import { standardInput } from "../runtime/standard_input.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { argument, type Command, type CommandContext, text } from "./_command.ts";
import { ENGINE_PROGRESS_OPTIONS, showEngine, withEngine } from "./_engine.ts";
import { answer, imageAnswer } from "./_engine_answer.ts";
import { BUILD_OPTIONS, buildOptions } from "./_engine_build_options.ts";

/** Takes `-`, a URL, a git address or a directory as the context. */
function contextOf(given: string, signal: AbortSignal): BuildContext {
  if (given === "-") return standardInput(signal);
  if (/^(https?|git):\/\/|^git@|^github\.com\//.test(given)) return { remote: given };
  return { directory: resolve(given), files: nodeFileSystem() };
}

/** Reads `--file`: a path from here, as the docker command takes it; of other contexts one in them. */
function dockerfileOption(context: CommandContext, build: BuildContext): string | undefined {
  const file = text(context, "file");
  const isLocal = typeof build === "object" && "directory" in build;
  return file === undefined || !isLocal ? file : resolve(file);
}

/** `lading engine build CONTEXT`. */
export const buildCommand: Command = {
  name: "build",
  group: "engine",
  synopsis: "CONTEXT",
  summary: "let an engine build an image of a directory, an archive or a URL",
  arity: [1, 1],
  options: {
    file: {
      type: "string",
      short: "f",
      value: "PATH",
      help: "the Dockerfile (default: CONTEXT/Dockerfile)",
    },
    ...BUILD_OPTIONS,
    ...ENGINE_PROGRESS_OPTIONS,
  },
  details: ".dockerignore counts as for the docker command. The answer is the ID of the image.",
  examples: [
    "lading engine build ./site -t site:dev",
    "lading engine build . --file docker/Dockerfile --build-arg V=1 --target test",
  ],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { signal } = context;
      const build = contextOf(argument(context, 0), context.signal);
      const operation = engine.images.build(build, {
        ...buildOptions(context),
        dockerfile: dockerfileOption(context, build),
        signal,
      });
      const image = await showEngine(context, operation);
      await answer(context, { lines: [image.id], json: imageAnswer(image) });
    }),
};
