import type { OptionSpecs } from "./_command.ts";

/** The option that names the file that credentials are kept in. */
export const CONFIG_OPTION: OptionSpecs = {
  config: {
    type: "string",
    value: "FILE",
    help: "keep credentials in this file (default: Docker's config.json)",
  },
};
