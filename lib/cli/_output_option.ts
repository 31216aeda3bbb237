import { realpathSync, statSync } from "node:fs";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { replaceFile } from "../store/replace_file.ts";
import { type CommandContext, type OptionSpecs, text, UsageError } from "./_command.ts";

/** The option that sends bytes to a file. */
export const OUTPUT_OPTION: OptionSpecs = {
  output: {
    type: "string",
    short: "o",
    value: "FILE",
    help: "write to FILE, once all of it is good (default: -, stdout)",
  },
};

/** Makes what answers in bytes: on stdout, or in the file that `--output` names. */
export function bytesOutput(
  context: CommandContext,
): (content: ByteStream | Bytes) => Promise<void> {
  const { output, signal } = context;
  const name = text(context, "output");
  if (name === undefined || name === "-") return (content) => output.bytes(content);
  const path = fileNamed(name);
  return (content) => replaceFile(nodeFileSystem(), path, content, { signal });
}

/** Finds the file that is replaced: a link stays one, and what is no file stays what it is. */
function fileNamed(name: string): string {
  const info = statSync(name, { throwIfNoEntry: false });
  if (info?.isFile() === true) return realpathSync(name);
  if (info === undefined && !/(?:^|\/)$/.test(name)) return name;
  throw new UsageError(`--output takes a file, and ${JSON.stringify(name)} is none`);
}
