import { openRegistry } from "../runtime/open.ts";
import { argument, type Command, type CommandContext, flag } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";
import { printList } from "./_print_list.ts";
import { v1Repositories } from "./_v1.ts";

/** Puts the registry before each name, where that was asked for. */
async function* named(
  context: CommandContext,
  names: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  const prefix = flag(context, "full-ref") ? `${argument(context, 0).replace(/\/+$/, "")}/` : "";
  for await (const name of names) yield prefix + name;
}

/** `lading catalog REGISTRY`. */
export const catalogCommand: Command = {
  name: "catalog",
  synopsis: "REGISTRY",
  summary: "list the repositories of a registry",
  arity: [1, 1],
  options: {
    "full-ref": { type: "boolean", help: "print the registry with each of them" },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  examples: ["lading catalog 127.0.0.1:5000", "lading catalog registry.acme.dev --json"],
  async run(context) {
    const host = argument(context, 0);
    const [, v1] = /^docker-v1:\/\/(.+)$/.exec(host) ?? [];
    if (v1 !== undefined) {
      return await printList(context, named(context, v1Repositories(context, v1)));
    }
    const registry = openRegistry(host, openOptions(context));
    await printList(context, named(context, registry.catalog({ signal: context.signal })));
  },
};
