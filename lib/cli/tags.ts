import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { Resolver, Roots, Source, Tags } from "../model/content.ts";
import { formatPlace, parsePlace } from "../model/place.ts";
import { familiarReference, parseReference } from "../model/reference.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, type CommandContext, flag, UsageError } from "./_command.ts";
import { PATTERN_OPTIONS, patternsOption } from "./_name_patterns.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";
import { printList } from "./_print_list.ts";
import { refuseName } from "./_repository_argument.ts";
import { v1Argument, v1Tags } from "./_v1.ts";

/** How many tags are resolved at the same time. */
const RESOLVE_JOBS = 4;

type Names = AsyncIterable<string>;

/** Lists the names that a place has. */
async function* namesIn(
  context: CommandContext,
  content: Source & Partial<Tags & Roots>,
): Names {
  const { signal } = context;
  if (content.tags !== undefined) return yield* content.tags({ signal });
  if (content.roots === undefined) {
    throw new UsageError(`${argument(context, 0)} does not list its names`);
  }
  const seen = new Set<string>();
  for await (const { reference } of content.roots({ signal })) {
    if (reference === undefined || seen.has(reference)) continue;
    seen.add(reference);
    yield reference;
  }
}

async function* filtered(names: Names, isWanted: (name: string) => boolean): Names {
  for await (const name of names) if (isWanted(name)) yield name;
}

async function* mapped(names: Names, change: (name: string) => string): Names {
  for await (const name of names) yield change(name);
}

/** Gives names as other commands take them: the place with each of them. */
function fullNames(context: CommandContext): (name: string) => string {
  if (!flag(context, "full-ref")) return (name) => name;
  const place = parsePlace(argument(context, 0));
  if (place.transport === "docker" || place.transport === "docker-v1") {
    const { registry, repository } = parseReference(place.reference);
    const prefix = place.transport === "docker" ? "" : "docker-v1://";
    return (tag) => prefix + familiarReference({ registry, repository, tag });
  }
  return (reference) => formatPlace(place.transport === "dir" ? place : { ...place, reference });
}

/** Prints names with what they point at; most registries tell that without a pull. */
async function printDigests(
  context: CommandContext,
  names: Names,
  content: Resolver,
): Promise<void> {
  const { output, signal } = context;
  const full = fullNames(context);
  const tags: string[] = [];
  for await (const name of names) tags.push(name);
  const work = async (tag: string, _: number, signal: AbortSignal) => {
    const { digest } = await content.resolve(tag, { signal });
    return { tag: full(tag), digest };
  };
  const rows = await mapConcurrent(tags, RESOLVE_JOBS, work, { signal });
  if (flag(context, "json")) return await output.json(rows);
  for (const { tag, digest } of rows) await output.line(`${tag}  ${digest}`);
}

/** `lading tags PLACE`. */
export const tagsCommand: Command = {
  name: "tags",
  synopsis: "PLACE",
  summary: "list the tags of a repository, or the names in a layout or an archive",
  arity: [1, 1],
  options: {
    digests: { type: "boolean", help: "show what each of them points at too" },
    "full-ref": { type: "boolean", help: "print references that other commands take" },
    ...PATTERN_OPTIONS,
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  examples: [
    "lading tags alpine | tail -3",
    "lading tags ghcr.io/acme/app --exclude 'sha256-.*' --digests",
    "lading tags ghcr.io/acme/app --full-ref",
    "lading tags oci:./images --json",
  ],
  async run(context) {
    const name = argument(context, 0);
    refuseName(parsePlace(name));
    const isWanted = patternsOption(context);
    const v1 = v1Argument(context, name);
    if (v1 !== undefined && flag(context, "digests")) {
      throw new UsageError("registries of version 1 have no digests");
    }
    if (v1 !== undefined) {
      const names = filtered(v1Tags(context, v1), isWanted);
      return await printList(context, mapped(names, fullNames(context)));
    }
    const { content, close } = openSource(name, openOptions(context));
    try {
      const names = filtered(namesIn(context, content), isWanted);
      if (flag(context, "digests")) return await printDigests(context, names, content);
      await printList(context, mapped(names, fullNames(context)));
    } finally {
      await close();
    }
  },
};
