import { diff, type FileChange } from "../image/diff.ts";
import { CACHE_OPTION, layerIndexesOption } from "./_cache_option.ts";
import { argument, type Command, flag } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { FIRST_CREDENTIALS_OPTION } from "./_credentials_option.ts";
import { JSON_OPTION, MIRROR_OPTION, PLATFORM_OPTION, REGISTRIES_OPTION } from "./_options.ts";

const SIGNS: Readonly<Record<FileChange["change"], string>> = {
  added: "+",
  changed: "~",
  deleted: "-",
};

function line({ change, path, what }: FileChange): string {
  const reasons = what.length === 0 ? "" : `  (${what.join(", ")})`;
  return `${SIGNS[change]} ${path}${reasons}`;
}

async function* lines(changes: AsyncIterable<FileChange>): AsyncGenerator<string, void, undefined> {
  for await (const change of changes) yield line(change);
}

/** `lading diff IMAGE IMAGE`. */
export const diffCommand: Command = {
  name: "diff",
  synopsis: "IMAGE IMAGE",
  summary: "list the files that two images do not have alike",
  arity: [2, 2],
  options: {
    times: { type: "boolean", help: "another modification time alone is a change too" },
    ...CACHE_OPTION,
    ...PLATFORM_OPTION,
    ...JSON_OPTION,
    ...FIRST_CREDENTIALS_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRIES_OPTION,
  },
  details: "+ is in the second one only, - in the first one only, ~ in both, but not the same.",
  examples: ["lading diff app:1 app:2", "lading diff node:22 node:22-slim --json | jq length"],
  async run(context) {
    const { output, signal } = context;
    const [before, after] = await Promise.all([
      imageWithFiles(context, argument(context, 0)),
      imageWithFiles(context, argument(context, 1)),
    ]);
    const changes = diff(before, after, {
      timestamps: flag(context, "times"),
      layerIndexes: layerIndexesOption(context),
      signal,
    });
    if (!flag(context, "json")) return await output.lines(lines(changes));
    const all: unknown[] = [];
    for await (const { path, change, what } of changes) all.push({ path, change, what });
    await output.json(all);
  },
};
