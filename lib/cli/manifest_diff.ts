import type { Bytes } from "../model/bytes.ts";
import { argument, type Command } from "./_command.ts";
import { FIRST_CREDENTIALS_OPTION } from "./_credentials_option.ts";
import { unifiedDiff } from "./_line_diff.ts";
import { MANIFEST_PLATFORM_OPTION, manifestArgument } from "./_manifest_argument.ts";
import { MIRROR_OPTION, REGISTRIES_OPTION } from "./_options.ts";

/** Writes a document the same way, whoever wrote it. */
function linesOf(raw: Bytes): string[] {
  return JSON.stringify(JSON.parse(new TextDecoder().decode(raw)), null, 2).split("\n");
}

/** `lading manifest diff IMAGE IMAGE`. */
export const manifestDiffCommand: Command = {
  name: "diff",
  group: "manifest",
  synopsis: "IMAGE IMAGE",
  summary: "show how the manifests of two images differ, line by line",
  arity: [2, 2],
  options: {
    ...MANIFEST_PLATFORM_OPTION,
    ...FIRST_CREDENTIALS_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRIES_OPTION,
  },
  details:
    "Both are indented the same way first, and the answer is a unified diff: nothing when they say\n" +
    "the same. lading diff compares the files of two images.",
  examples: [
    "lading manifest diff app:1 app:2",
    "lading manifest diff alpine:3.19 alpine:3.20 --platform linux/arm64",
  ],
  async run(context) {
    const { output } = context;
    const [before, after] = await Promise.all([
      manifestArgument(context, 0),
      manifestArgument(context, 1),
    ]);
    const [left, right] = [linesOf(before), linesOf(after)];
    const lines = unifiedDiff(
      { name: argument(context, 0), lines: left },
      { name: argument(context, 1), lines: right },
    );
    for (const line of lines) await output.line(line);
    const isSame = before.length === after.length && before.every((byte, at) => byte === after[at]);
    if (lines.length === 0 && !isSame) output.note("they say the same in other bytes");
  },
};
