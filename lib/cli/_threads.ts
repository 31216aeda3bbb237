import type { LayerThreads } from "../compress/layer_threads.ts";
import { type CommandContext, type OptionSpecs, text, UsageError } from "./_command.ts";

/** The option of commands that decompress layers, or hash them. */
export const THREADS_OPTION: OptionSpecs = {
  threads: {
    type: "string",
    value: "N",
    help: "read N layers side by side, in threads (default: none)",
  },
};

/** Runs what reads layers with the threads that were asked for, and ends them. */
export async function withThreads<Result>(
  context: CommandContext,
  use: (threads: LayerThreads | undefined) => Promise<Result>,
): Promise<Result> {
  const value = text(context, "threads");
  if (value === undefined) return await use(undefined);
  if (!/^[1-9][0-9]?$/.test(value)) {
    throw new UsageError(`--threads takes a number from 1 to 99, not ${JSON.stringify(value)}`);
  }
  // Their program is 60 kB of text: who wants none does not load it.
  const { layerThreads } = await import("../runtime/threads.ts");
  const threads = layerThreads(Number(value));
  try {
    return await use(threads);
  } finally {
    await threads.close();
  }
}
