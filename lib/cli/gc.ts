import { parsePlace } from "../model/place.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { collectGarbage } from "../store/collect_garbage.ts";
import { argument, type Command, type CommandContext, flag, text, UsageError } from "./_command.ts";
import { JSON_OPTION } from "./_options.ts";
import { formatSize } from "./size.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60 * 1000,
  h: 60 * 60 * 1000,
  d: 24 * 60 * 60 * 1000,
};

/** `lading gc oci:DIR`. */
export const gcCommand: Command = {
  name: "gc",
  synopsis: "oci:DIR",
  summary: "delete the blobs of a layout that nothing leads to any more",
  arity: [1, 1],
  options: {
    "dry-run": { type: "boolean", help: "show what would be deleted, and delete nothing" },
    "older-than": {
      type: "string",
      value: "AGE",
      help: "leave what is younger: 0, 90s, 30m, 12h, 7d (default 24h)",
    },
    ...JSON_OPTION,
  },
  details:
    "What index.json lists stays, with all that it leads to and all that refers to it. What is young\n" +
    "may be part of a push that is not over; --older-than 0 takes it too, when nobody else writes to\n" +
    "the layout. The answer is a line for each digest that goes.",
  examples: [
    "lading gc oci:./images --dry-run",
    "lading untag oci:./images:old && lading gc oci:./images --older-than 0",
  ],
  async run(context) {
    const { output, signal } = context;
    const isDryRun = flag(context, "dry-run");
    const path = layoutArgument(context);
    const minAgeMs = ageOption(context);
    const result = await collectGarbage(nodeFileSystem(), path, { isDryRun, minAgeMs, signal });
    if (flag(context, "json")) return await output.json(result);
    for (const { digest } of result.deleted) await output.line(digest);
    for (const file of result.leftovers) {
      output.note(`${isDryRun ? "would remove" : "removed"} ${file}, which is not finished`);
    }
    const blobs = (count: number): string => `${count} ${count === 1 ? "blob" : "blobs"}`;
    const went = `${blobs(result.deleted.length)}, ${formatSize(result.bytesDeleted)}`;
    const stay = `${blobs(result.kept)}, ${formatSize(result.bytesKept)}`;
    const young = result.young === 0
      ? ""
      : `; nothing leads to ${result.young} of these, ${
        formatSize(result.bytesYoung)
      }, but they are ` +
        "young: --older-than says how long that is";
    output.note(`${isDryRun ? "would delete" : "deleted"} ${went}; kept ${stay}${young}`);
  },
};

function layoutArgument(context: CommandContext): string {
  const name = argument(context, 0);
  const place = parsePlace(name);
  if (place.transport !== "oci") {
    throw new UsageError(`${name} is no OCI layout; this is for oci:DIR`);
  }
  if (place.reference === undefined) return place.path;
  throw new UsageError(`garbage is of a whole layout: name oci:${place.path}, without an image`);
}

function ageOption(context: CommandContext): number | undefined {
  const age = text(context, "older-than");
  if (age === undefined) return undefined;
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(age === "0" ? "0s" : age) ?? [];
  const unitMs = UNITS_MS[unit ?? ""];
  if (unitMs !== undefined) return Number(number) * unitMs;
  throw new UsageError(`--older-than takes an age such as 30m or 7d, not ${JSON.stringify(age)}`);
}
