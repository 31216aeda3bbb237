import { openRegistry } from "../runtime/open.ts";
import { argument, type Command } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";
import { printList } from "./_print_list.ts";
import { v1Repositories } from "./_v1.ts";

/** `lading catalog REGISTRY`. */
export const catalogCommand: Command = {
  name: "catalog",
  synopsis: "REGISTRY",
  summary: "list the repositories of a registry",
  arity: [1, 1],
  options: { ...JSON_OPTION, ...REGISTRY_OPTION },
  examples: ["lading catalog 127.0.0.1:5000", "lading catalog registry.acme.dev --json"],
  async run(context) {
    const host = argument(context, 0);
    const [, v1] = /^docker-v1:\/\/(.+)$/.exec(host) ?? [];
    if (v1 !== undefined) return await printList(context, v1Repositories(context, v1));
    const registry = openRegistry(host, openOptions(context));
    await printList(context, registry.catalog({ signal: context.signal }));
  },
};
