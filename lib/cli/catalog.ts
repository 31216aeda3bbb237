import { openRegistry } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions } from "./_options.ts";

/** `lading catalog REGISTRY`. */
export const catalogCommand: Command = {
  name: "catalog",
  synopsis: "REGISTRY",
  summary: "list the repositories of a registry",
  arity: [1, 1],
  options: { ...JSON_OPTION },
  async run(context) {
    const registry = openRegistry(argument(context, 0), openOptions(context));
    const names: string[] = [];
    for await (const name of registry.catalog({ signal: context.signal })) names.push(name);
    if (context.options["json"] === true) return await context.output.json(names);
    for (const name of names) await context.output.line(name);
  },
};
