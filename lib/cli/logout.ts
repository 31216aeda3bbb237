import { DEFAULT_REGISTRY } from "../model/reference.ts";
import { logout } from "../runtime/login.ts";
import { type Command, text } from "./_command.ts";
import { CONFIG_OPTION, warnOfVariable } from "./_config_option.ts";

/** `lading logout [REGISTRY]`. */
export const logoutCommand: Command = {
  name: "logout",
  synopsis: "[REGISTRY]",
  summary: "forget the credentials of a registry",
  arity: [0, 1],
  options: { ...CONFIG_OPTION },
  details: "Without REGISTRY it is Docker Hub. The registry is not asked.",
  examples: ["lading logout ghcr.io"],
  async run(context) {
    const { args: [name = DEFAULT_REGISTRY], output, signal } = context;
    const { registry, places } = await logout(name, { config: text(context, "config"), signal });
    if (text(context, "config") === undefined) warnOfVariable(output);
    if (places.length === 0) return output.note(`not logged in to ${registry}`);
    for (const place of places) {
      output.note(
        place.kind === "file"
          ? `removed the credentials for ${registry} from ${place.name}`
          : `${place.name} forgot the credentials for ${registry}`,
      );
    }
  },
};
