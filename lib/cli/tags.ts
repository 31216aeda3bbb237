import { openRepository } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";
import { printList } from "./_print_list.ts";
import { v1Argument, v1Tags } from "./_v1.ts";

/** `lading tags REPOSITORY`. */
export const tagsCommand: Command = {
  name: "tags",
  synopsis: "REPOSITORY",
  summary: "list the tags of a repository",
  arity: [1, 1],
  options: { ...JSON_OPTION, ...REGISTRY_OPTION },
  examples: ["lading tags alpine | tail -3", "lading tags ghcr.io/acme/app --json"],
  async run(context) {
    const name = argument(context, 0);
    const v1 = v1Argument(context, name);
    if (v1 !== undefined) return await printList(context, v1Tags(context, v1));
    const repository = openRepository(name, openOptions(context));
    await printList(context, repository.tags({ signal: context.signal }));
  },
};
