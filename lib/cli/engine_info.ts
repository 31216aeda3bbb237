import { type Command, flag } from "./_command.ts";
import { ENGINE_OPTIONS, withEngine } from "./_engine.ts";

/** `lading engine info`. */
export const infoCommand: Command = {
  name: "info",
  group: "engine",
  synopsis: "",
  summary: "show the version of an engine, and with --json all that it tells",
  arity: [0, 0],
  options: { ...ENGINE_OPTIONS },
  examples: ["lading engine info", "lading engine info --json | jq .Driver"],
  run: (context) =>
    withEngine(context, async (engine) => {
      const { output, signal } = context;
      if (flag(context, "json")) return await output.json(await engine.info({ signal }));
      const { version, apiVersion, os, architecture } = await engine.version({ signal });
      await output.line(`engine    ${version}`);
      await output.line(
        `API       ${apiVersion}, spoken as ${await engine.apiVersion({ signal })}`,
      );
      await output.line(`platform  ${os}/${architecture}`);
      await output.line(`address   ${engine.name}`);
    }),
};
