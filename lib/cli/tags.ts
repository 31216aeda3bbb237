import { openRepository } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";
import { printList } from "./_print_list.ts";

/** `lading tags REPOSITORY`. */
export const tagsCommand: Command = {
  name: "tags",
  synopsis: "REPOSITORY",
  summary: "list the tags of a repository",
  arity: [1, 1],
  options: { ...JSON_OPTION, ...REGISTRY_OPTION },
  examples: ["lading tags alpine | tail -3", "lading tags ghcr.io/acme/app --json"],
  async run(context) {
    const repository = openRepository(argument(context, 0), openOptions(context));
    await printList(context, repository.tags({ signal: context.signal }));
  },
};
