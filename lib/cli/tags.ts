import { openRepository } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions } from "./_options.ts";

/** `lading tags REPOSITORY`. */
export const tagsCommand: Command = {
  name: "tags",
  synopsis: "REPOSITORY",
  summary: "list the tags of a repository",
  arity: [1, 1],
  options: { ...JSON_OPTION },
  async run(context) {
    const repository = openRepository(argument(context, 0), openOptions(context));
    const tags: string[] = [];
    for await (const tag of repository.tags({ signal: context.signal })) tags.push(tag);
    if (context.options["json"] === true) return await context.output.json(tags);
    for (const tag of tags) await context.output.line(tag);
  },
};
